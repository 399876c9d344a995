//! Prometheus and its tool, as Debian packages them. Where they are not installed a test that needs them says so and does
//! nothing, unless it is told that they must be there.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The variable by which CI says that the tools have to be there.
const REQUIRED: &str = "OBEYA_REQUIRE_PROMETHEUS";

/// How long Prometheus may take to come up, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns where a program is, or says that the test is skipped for want of it.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        assert!(env::var_os(REQUIRED).is_none(), "there is no {name}");
        println!("skipped: there is no {name} (apt-get install prometheus)");
    }
    found
}

/// Runs a tool with this input, and returns what it says if it finds anything wrong.
pub(crate) fn complaint(tool: &Path, arguments: &[&str], input: &str) -> Option<String> {
    let mut child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    (!status.success()).then_some(said)
}

/// A Prometheus with a store of its own, which ends with it.
pub(crate) struct Prometheus {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one by this configuration, over what `fill` puts into its store.
    pub(crate) fn start(program: &Path, config: &str, fill: impl FnOnce(&Path)) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let (file, store) = (
            folder.path().join("prometheus.yml"),
            folder.path().join("data"),
        );
        fs::write(&file, config).unwrap();
        fs::create_dir(&store).unwrap();
        fill(&store);
        // Prometheus does not tell which port the kernel gave it, so that it is told one that was free just now.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", store.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--storage.tsdb.retention.time=1y")
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prometheus = Prometheus {
            child,
            port,
            _folder: folder,
        };
        let begun = Instant::now();
        while prometheus
            .get("/-/ready")
            .is_none_or(|(status, _)| status != 200)
        {
            assert!(begun.elapsed() < PATIENCE, "Prometheus did not come up");
            thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }

    /// Returns what a query finds at a moment, in seconds since 1970: its samples, or why it cannot be run.
    pub(crate) fn query(&self, query: &str, at: f64) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/query?time={at}&query={}", encoded(query));
        let (_, body) = self.get(&path).ok_or("Prometheus does not answer")?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"]["result"]
                .as_array()
                .cloned()
                .unwrap_or_default()),
            _ => Err(answer["error"].to_string()),
        }
    }

    /// Returns an answer's status and body, once it is there whole.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        // Of HTTP/1.0 the end of the answer is that of the connection, and no part of it is cut into chunks.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a text as it stands in a query string.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

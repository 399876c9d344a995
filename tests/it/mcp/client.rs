//! A client of the server, a line at a time.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{cli::Room, support::pty::PATIENCE};

/// A server in a process of its own.
pub(crate) struct Server {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    heard: BTreeMap<u64, Value>,
    asked: u64,
    pub(crate) greeting: Value,
}

impl Server {
    /// Starts a server and greets it.
    pub(crate) fn start(room: &Room, arguments: &[&str]) -> Server {
        let mut server = Server::silent(room, arguments);
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "tests", "version": "1" },
        });
        server.greeting = server.ask("initialize", hello);
        server.raw(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        server
    }

    /// Starts a server that nobody has greeted.
    pub(crate) fn silent(room: &Room, arguments: &[&str]) -> Server {
        let mut child = room
            .command(["mcp"].iter().chain(arguments))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Server {
            input: child.stdin.take(),
            child,
            lines,
            heard: BTreeMap::new(),
            asked: 0,
            greeting: Value::Null,
        }
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// Sends a request and returns its number.
    pub(crate) fn send(&mut self, method: &str, params: Value) -> u64 {
        self.asked += 1;
        let id = self.asked;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.raw(format!("{request}\n").as_bytes());
        id
    }

    /// Returns the next message, which must be the protocol's.
    pub(crate) fn hear(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("an answer");
        let message: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// Returns the answer to a request.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(message) = self.heard.remove(&id) {
                return message;
            }
            let message = self.hear();
            match message["id"].as_u64() {
                Some(heard) => drop(self.heard.insert(heard, message)),
                // What could not be read as a request is told so without a number.
                None => assert_eq!(message["error"]["code"], -32600, "{message}"),
            }
        }
    }

    /// Asks, and returns what came of it.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        let answer = self.answer(id);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Asks what is no tool, and returns the protocol's error.
    #[track_caller]
    pub(crate) fn protocol_error(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        let answer = self.answer(id);
        assert!(answer["error"].is_object(), "{method}: {answer}");
        answer["error"].clone()
    }

    /// Calls a tool and returns its whole result. The text says what the structure does.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.ask(
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        );
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"]);
        result
    }

    /// Calls a tool that must do what it does.
    #[track_caller]
    pub(crate) fn tool(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{tool}: {result}");
        result["structuredContent"].clone()
    }

    #[track_caller]
    fn failure(&mut self, tool: &str, arguments: Value, sort: &str) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{tool}: {result}");
        let body = result["structuredContent"][sort].clone();
        assert!(body["message"].is_string(), "{tool}: {result}");
        // Nobody is told no without a way on.
        let mends = body["mend"].as_array().map_or(0, Vec::len);
        assert!(mends > 0, "{tool}: {result}");
        body
    }

    /// Calls a tool that a rule must refuse.
    #[track_caller]
    pub(crate) fn refusal(&mut self, tool: &str, arguments: Value) -> Value {
        self.failure(tool, arguments, "refusal")
    }

    /// Calls a tool that must fail otherwise.
    #[track_caller]
    pub(crate) fn error(&mut self, tool: &str, arguments: Value) -> Value {
        self.failure(tool, arguments, "error")
    }

    /// Goes away, and sees the server end cleanly, with nothing said but the protocol.
    #[track_caller]
    pub(crate) fn leaves(mut self) {
        drop(self.input.take());
        assert_eq!(self.ended(), Some(0));
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(said, "");
    }

    /// Waits for the server's end and returns its exit code.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status.code(),
                None => assert!(Instant::now() < end, "the server does not end"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

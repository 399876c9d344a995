//! What lets a caller in, and where it is read again: a secret may be another one by the next try to connect.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::target::{Address, Target};
use crate::ledger::{Fault, FaultKind, Home, access::LocalToken};

/// The most bytes of a token's file: many times a token.
const MOST: u64 = 4 << 10;

/// What to do about a file without a token.
const MEND: &str = "`obeya token create` on the engine's machine makes one.";

/// A secret that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    /// The file that it was read from, in which another one may be put.
    file: Option<PathBuf>,
}

impl Token {
    /// Returns the token of a text: its first line, as a file has it.
    pub fn new(text: &str) -> Token {
        let secret = text.lines().next().unwrap_or_default().trim().to_owned();
        Token { secret, file: None }
    }

    /// Returns the text, for the one who sends it.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the file that it was read from, if that can be read again.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns what its file says now. One that cannot be read may be about to be written: what it said counts.
    fn now(&self) -> Token {
        let again = self.file.as_deref().and_then(|file| read(file).ok());
        again.unwrap_or_else(|| self.clone())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Target {
    /// Returns the same with the token of a file that nobody else may read, as the file has it at each try to connect.
    ///
    /// # Errors
    ///
    /// The file cannot be read, others can read it too, or there is nothing in it.
    pub fn with_token_in(mut self, file: &Path) -> Result<Target, Fault> {
        self.token = Some(read(file)?);
        Ok(self)
    }

    /// Returns the same with the token that the server of a ledger keeps for its user's own processes, where the engine is
    /// on this machine and nothing else was given to get in by. A server that is started anew keeps another one, so that
    /// it is read at each try to connect.
    ///
    /// # Errors
    ///
    /// The token's file can be read by others, or is none.
    pub fn with_local_token(mut self, home: &Home) -> Result<Target, Fault> {
        if self.token.is_none() && self.address.is_loopback() {
            local(home, &self.address)?;
            self.local = Some(home.clone());
        }
        Ok(self)
    }

    /// Returns the token that is sent now, if there is one.
    pub fn token_now(&self) -> Option<Token> {
        match (&self.token, &self.local) {
            (Some(token), _) => Some(token.now()),
            (None, Some(home)) => local(home, &self.address).ok().flatten(),
            (None, None) => None,
        }
    }
}

/// Returns the token of the server that runs on a ledger and listens there, if one does. Whatever else listens on this machine
/// may be anybody's.
fn local(home: &Home, address: &Address) -> Result<Option<Token>, Fault> {
    let Address::Tcp { port, .. } = address else {
        return Ok(None);
    };
    let found = LocalToken::read(home)?.filter(|(_, listened)| *listened == Some(*port));
    Ok(found.map(|(secret, _)| Token::new(secret.expose())))
}

/// Returns the token of a file that nobody else may read.
fn read(file: &Path) -> Result<Token, Fault> {
    let failed = |error| Fault::io(file, "reading the token", &error).mend(MEND);
    let opened = File::open(file).map_err(failed)?;
    let about = opened.metadata().map_err(failed)?;
    let mode = about.permissions().mode();
    // A pipe has no permissions that mean anything, and gives what it has once.
    if about.is_file() && mode & 0o077 != 0 {
        let what = format!("others may read the token (mode {:o})", mode & 0o777);
        let fault = Fault::new(FaultKind::Permission, file, what);
        return Err(fault.mend("Let nobody else read it: chmod 600"));
    }
    let mut text = String::new();
    opened
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    match text.trim() {
        "" => {
            let fault = Fault::new(FaultKind::Misuse, file, "there is no token in it");
            Err(fault.mend(MEND))
        }
        text => Ok(Token {
            file: about.is_file().then(|| file.to_owned()),
            ..Token::new(text)
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::{fs, io::Write as _, net::TcpListener};

    use super::{
        super::{LinkState, Remote},
        *,
    };

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", Token::new("hush")).contains("hush"));
    }

    #[test]
    fn a_token_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "  obeya_1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read(&file).unwrap_err().kind, FaultKind::Permission);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&file).unwrap().secret(), "obeya_1");
        fs::write(&file, "\n").unwrap();
        assert!(read(&file).is_err());
        let none = read(&folder.path().join("none")).unwrap_err();
        assert!(none.mend.contains("token create"), "{none}");
    }

    #[test]
    fn another_token_in_the_file_is_the_next_one_that_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let put = |text: &str| {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        };
        put("obeya_1\n");
        let target = Target::new("ws://127.0.0.1:1".parse().unwrap());
        let target = target.with_token_in(&file).unwrap();
        let secret = || target.token_now().map(|token| token.secret().to_owned());
        put("obeya_2\n");
        assert_eq!(secret().as_deref(), Some("obeya_2"));
        fs::remove_file(&file).unwrap();
        assert_eq!(secret().as_deref(), Some("obeya_1"));
    }

    #[test]
    fn who_comes_before_a_server_has_laid_its_token_out_comes_again_soon() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        fs::write(home.database(), "").unwrap();
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = door.local_addr().unwrap().port();
        let target = Target::new(format!("ws://127.0.0.1:{port}").parse().unwrap());
        let remote = Remote::calling(target.with_local_token(&home).unwrap()).unwrap();
        let came = || {
            let (mut stream, _) = door.accept().unwrap();
            let mut asked = vec![];
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.push(byte[0]);
            }
            (stream, String::from_utf8(asked).unwrap())
        };
        let (mut stream, asked) = came();
        assert!(!asked.contains("Bearer"), "{asked}");
        let laid = LocalToken::make(&home, Some(port)).unwrap();
        stream
            .write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        let (_stream, asked) = came();
        let (_, bearer) = asked.split_once("Bearer ").unwrap();
        assert!(laid.matches(bearer.lines().next().unwrap()), "{asked}");
        let denied = matches!(remote.state(), Some(LinkState::Down { denied: true, .. }));
        assert!(!denied, "it would have come again half a minute later");
    }
}

//! Where an engine is, and what it takes to be let in.

use std::{fmt, fs, net::IpAddr, path::PathBuf, str::FromStr, sync::Arc};

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use super::token::Token;
use crate::ledger::Home;

/// An engine's address, as somebody types it: `ws://HOST:PORT`, `wss://HOST:PORT` or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// By TCP.
    Tcp {
        /// Whether TLS is spoken.
        tls: bool,
        /// The host's name or number.
        host: String,
        /// The port.
        port: u16,
    },
    /// By a unix socket.
    Unix(PathBuf),
}

/// The port of an address that names none.
const PORT: u16 = 8080;

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "an engine's address is ws://HOST:PORT, wss://HOST:PORT or unix:PATH";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.is_empty() {
                true => Err(format!("{expected}; this names no path")),
                false => Ok(Address::Unix(path.into())),
            };
        }
        let (tls, rest) = if let Some(rest) = text.strip_prefix("wss://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("ws://") {
            (false, rest)
        } else {
            let meant = [("http://", "ws"), ("https://", "wss")];
            let meant = meant.iter().find_map(|(scheme, ours)| {
                let rest = text.strip_prefix(scheme)?;
                Some(format!("; do you mean {ours}://{rest}?"))
            });
            return Err(format!(
                "{expected}, not '{text}'{}",
                meant.unwrap_or_default()
            ));
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let whole = |host: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
            !host.is_empty() && host.chars().all(known)
        };
        let bad = || format!("{expected}, not '{text}'");
        let (host, port) = match rest.rsplit_once(':') {
            // The colons of a bare IPv6 number stand within brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
            _ => (rest, PORT),
        };
        match whole(host) {
            true => Ok(Address::Tcp {
                tls,
                host: host.to_owned(),
                port,
            }),
            false => Err(bad()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { tls, host, port } => {
                let scheme = if *tls { "wss" } else { "ws" };
                write!(f, "{scheme}://{host}:{port}")
            }
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// Returns whether it is reached by TCP, and on no machine but this one.
    pub fn is_loopback(&self) -> bool {
        let Address::Tcp { host, .. } = self else {
            return false;
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let number = bare.parse::<IpAddr>();
        bare.eq_ignore_ascii_case("localhost") || number.is_ok_and(|number| number.is_loopback())
    }
}

/// An engine to attach to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// What lets the caller in; none for a unix socket of one's own.
    pub token: Option<Token>,
    /// The ledger whose own server's token lets the caller in where no other is given.
    pub local: Option<Home>,
    /// A file with the certificates that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// The name that the user gave to it, for the corner of the screen.
    pub name: Option<String>,
    /// Whether only to look.
    pub read_only: bool,
}

impl Target {
    /// Returns a target of an address, with nothing else said.
    pub fn new(address: Address) -> Target {
        Target {
            address,
            token: None,
            local: None,
            ca: None,
            name: None,
            read_only: false,
        }
    }

    /// Returns the short name of what is attached to.
    pub fn name(&self) -> String {
        match (&self.name, &self.address) {
            (Some(name), _) => name.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(path)) => path.file_stem().map_or_else(
                || "unix".to_owned(),
                |stem| crate::text::clean(&stem.to_string_lossy()).into_owned(),
            ),
        }
    }

    /// Returns how TLS is spoken with it.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if let Some(path) = &self.ca {
            let shown = path.display();
            let pem = fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
            let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let own = own.map_err(|error| format!("{shown}: no certificate: {error}"))?;
            let (added, _) = roots.add_parsable_certificates(own);
            if added == 0 {
                return Err(format!("{shown}: there is no certificate in it"));
            }
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// Returns the name that the server's certificate has to carry.
    pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(bare.to_owned()).map_err(|error| format!("{host}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in [
            "ws://host:81",
            "wss://a.example:443",
            "ws://[::1]:9",
            "unix:/run/x.sock",
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
        let short: Address = "wss://host".parse().expect("no port");
        assert_eq!(short.to_string(), "wss://host:8080");
        for text in [
            "",
            "http://a",
            "ws://",
            "ws://a:99999",
            "ws://a b:1",
            "ws://a@b:1",
            "unix:",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}

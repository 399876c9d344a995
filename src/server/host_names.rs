//! The names that a server answers to: a page of a stranger whose name leads here (DNS rebinding) gets nothing.

use std::{net::IpAddr, str::FromStr as _};

use axum::http::{
    HeaderMap, StatusCode, Uri,
    header::{self, HeaderName},
    uri::Authority,
};
use tokio_rustls::rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};

use super::shared::Denial;

/// What a server is called.
#[derive(Debug, Default)]
pub(super) struct HostNames {
    /// The names that it was given, in small letters.
    given: Vec<String>,
    /// The certificate that it shows.
    certificate: Option<CertificateDer<'static>>,
}

impl HostNames {
    pub(super) fn new(
        given: impl IntoIterator<Item = String>,
        certificate: Option<CertificateDer<'static>>,
    ) -> HostNames {
        let given = given.into_iter().map(|name| name.to_ascii_lowercase());
        HostNames {
            given: given.collect(),
            certificate,
        }
    }

    /// Looks whether a request was meant for this server, and not sent by a page of somebody else.
    ///
    /// # Errors
    ///
    /// It was not.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap, tls: bool) -> Result<(), Denial> {
        let host = only(headers, &header::HOST)?;
        let host = host.and_then(|host| Authority::from_str(host).ok());
        let host = host.filter(|host| !host.as_str().contains('@'));
        let misdirected = |said: &str| {
            let status = StatusCode::MISDIRECTED_REQUEST;
            Denial::new("wrong host", said).with(status)
        };
        let Some(host) = host else {
            return Err(misdirected("a request names the host that it is for"));
        };
        // The address of the request line, where it has one, is the one that counts (RFC 9112, section 3.2.2).
        if uri.authority().is_some_and(|named| *named != host) {
            return Err(misdirected("the request names two hosts"));
        }
        if !self.admits(host.host()) {
            return Err(misdirected(
                "this server does not answer to that name: obeya serve --host NAME has it answer",
            ));
        }
        let scheme = if tls { "https" } else { "http" };
        match only(headers, &header::ORIGIN)? {
            None => Ok(()),
            Some(origin) if origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")) => Ok(()),
            Some(_) => Err(
                Denial::new("wrong origin", "pages of other sites get nothing here")
                    .with(StatusCode::FORBIDDEN),
            ),
        }
    }

    /// Returns whether a host is this server. Its port says nothing: through a tunnel it is another one. A number is no
    /// name that a stranger could have lead here.
    fn admits(&self, host: &str) -> bool {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if bare.parse::<IpAddr>().is_ok() || bare.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let given = |name: &String| name.eq_ignore_ascii_case(bare);
        self.given.iter().any(given) || self.is_certified(bare)
    }

    fn is_certified(&self, host: &str) -> bool {
        let certificate = self.certificate.as_ref();
        let parsed = certificate.and_then(|der| ParsedCertificate::try_from(der).ok());
        let name = ServerName::try_from(host);
        parsed
            .is_some_and(|parsed| name.is_ok_and(|name| verify_server_name(&parsed, &name).is_ok()))
    }
}

/// Returns the value of a header that may stand there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Denial> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    let bad = || {
        Denial::new(
            "malformed",
            format!("{name} stands there twice, or is no text"),
        )
        .with(StatusCode::BAD_REQUEST)
    };
    match (first, values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| bad()),
        (Some(_), Some(_)) => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use axum::http::HeaderValue;

    use super::*;

    fn asked(
        names: &HostNames,
        host: &str,
        origin: Option<&str>,
        tls: bool,
    ) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let checked = names.check(&Uri::from_static("/api/attach"), &headers, tls);
        checked.err().map(|denial| denial.word)
    }

    #[test]
    fn only_its_own_names_lead_to_a_server() {
        let names = HostNames::new(["Wall.example".to_owned()], None);
        for host in [
            "127.0.0.1:8080",
            "localhost:9000",
            "[::1]:8080",
            "wall.example",
            "WALL.EXAMPLE:1",
            "10.0.0.7:8080",
        ] {
            assert_eq!(asked(&names, host, None, false), None, "{host}");
        }
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a@localhost",
            "",
        ] {
            let denied = asked(&names, host, None, false);
            assert_eq!(denied, Some("wrong host"), "{host}");
        }
    }

    #[test]
    fn a_page_is_of_this_server_or_gets_nothing() {
        let names = HostNames::default();
        let host = "localhost:8080";
        let ask = |origin, tls| asked(&names, host, Some(origin), tls);
        assert_eq!(ask("http://localhost:8080", false), None);
        assert_eq!(ask("https://localhost:8080", true), None);
        for origin in [
            "http://localhost:3000",
            "https://localhost:8080",
            "http://evil.example",
            "null",
            "",
        ] {
            assert_eq!(ask(origin, false), Some("wrong origin"), "{origin}");
        }
    }

    #[test]
    fn the_names_of_the_certificate_are_its_own() {
        let names = vec!["line.example".to_owned(), "*.plant.example".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let names = HostNames::new([], Some(made.cert.der().clone()));
        for host in ["line.example:8443", "hall.plant.example"] {
            assert_eq!(asked(&names, host, None, true), None, "{host}");
        }
        let denied = asked(&names, "plant.example", None, true);
        assert_eq!(denied, Some("wrong host"));
    }

    #[test]
    fn two_hosts_are_none() {
        let names = HostNames::default();
        let mut headers = HeaderMap::new();
        let uri = Uri::from_static("/");
        assert!(names.check(&uri, &headers, false).is_err());
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        let uri = Uri::from_static("http://evil.example/");
        assert!(names.check(&uri, &headers, false).is_err());
        headers.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(
            names
                .check(&Uri::from_static("/"), &headers, false)
                .is_err()
        );
    }
}

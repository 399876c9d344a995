//! The dashboard as one page: it asks for a token, and shows what that may see, live. There is nothing of the line in it.

use std::sync::LazyLock;

use axum::{
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

const PAGE: &str = include_str!("page/index.html");

/// What the page may do: run its own script, wear its own style, ask its own server; nothing from elsewhere, in no frame.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (script, style) = (hash("script"), hash("style"));
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// Returns the page.
pub(super) async fn page() -> Response {
    let headers: [(HeaderName, &str); 6] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, &POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (headers, PAGE).into_response()
}

/// Returns the hash by which a browser knows the page's own script or style.
fn hash(element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let inside = PAGE
        .split_once(&open)
        .and_then(|(_, rest)| Some(rest.split_once(&close)?.0));
    let hash = Sha256::digest(inside.unwrap_or_default());
    format!("'sha256-{}'", BASE64_STANDARD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style_and_nothing_from_elsewhere() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1);
            assert_ne!(hash(element), hash("nothing"));
        }
        for foreign in [
            "http://",
            "https://",
            "src=",
            "href=",
            "style=",
            "innerHTML",
            "onclick",
        ] {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
        assert!(POLICY.contains("frame-ancestors 'none'"));
    }
}

//! Nobody comes in without a token, and a page of another site does not even get as far as being asked for one.

use std::{io::Write as _, net::TcpStream};

use obeya::{
    domain::command::Role,
    link::{
        access::{Access, AuditFilter, AuditOutcome, AuditPage, LocalToken},
        protocol::{
            PROTOCOL,
            socket::{Follow, FromEngine, Hello, ToEngine},
        },
    },
};

use tokio_tungstenite::tungstenite::Message;

use super::{
    raw::{Talk, send, upgrade},
    support::{Engine, until},
};

/// A path, headers, and the status that they come to.
type Try<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

fn bearer(engine: &Engine, name: &str) -> String {
    bearer_of(engine, name, Role::Admin)
}

fn bearer_of(engine: &Engine, name: &str, role: Role) -> String {
    let target = engine.target(name, role);
    format!("Bearer {}", target.token.unwrap().secret())
}

#[test]
fn a_page_in_a_browser_gets_nothing() {
    let engine = Engine::start();
    let address = engine.address();
    let (own, good) = (address.to_string(), bearer(&engine, "ana"));
    let before = engine.session.watching().state().head;
    let token = good.trim_start_matches("Bearer ");
    let in_query = format!("/api/attach?token={token}&access_token={token}");
    let tries: &[Try] = &[
        // No token, and one where no door looks.
        ("/api/attach", &[("Host", &own)], 401),
        (&in_query, &[("Host", &own)], 401),
        ("/api/attach", &[("Host", &own), ("Cookie", &good)], 401),
        ("/api/nowhere", &[("Host", &own)], 401),
        // A name that leads here by a stranger's will.
        ("/api/attach", &[("Host", "evil.example")], 421),
        (
            "/api/attach",
            &[("Host", "evil.example"), ("Authorization", &good)],
            421,
        ),
        (
            "/api/attach",
            &[
                ("Host", "localhost.evil.example:80"),
                ("Authorization", &good),
            ],
            421,
        ),
        (
            "/api/attach",
            &[
                ("Host", &own),
                ("Host", "evil.example"),
                ("Authorization", &good),
            ],
            400,
        ),
        // A page of another site.
        (
            "/api/attach",
            &[
                ("Host", &own),
                ("Origin", "http://evil.example"),
                ("Authorization", &good),
            ],
            403,
        ),
        (
            "/api/attach",
            &[("Host", &own), ("Origin", "null"), ("Authorization", &good)],
            403,
        ),
        (
            "/api/attach",
            &[
                ("Host", &own),
                ("Origin", "http://localhost:1"),
                ("Authorization", &good),
            ],
            403,
        ),
        // A token that is none, and one in another dress.
        (
            "/api/attach",
            &[("Host", &own), ("Authorization", "Bearer obeya_wrong")],
            401,
        ),
        (
            "/api/attach",
            &[("Host", &own), ("Authorization", "Basic YW5hOmFuYQ==")],
            401,
        ),
    ];
    for (path, headers, status) in tries {
        let heard = upgrade(address, path, headers);
        assert_eq!(heard.status, *status, "{path} {headers:?}: {heard:?}");
        assert!(heard.head.contains("application/problem+json"), "{heard:?}");
        assert!(!heard.head.contains("access-control"), "{heard:?}");
        let problem: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
        assert_eq!(problem["status"], *status);
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|said| !said.is_empty())
        );
        assert!(!heard.body.contains(token), "{heard:?}");
    }
    assert_eq!(engine.session.watching().state().head, before);
    // The page of this server itself may, with a token.
    let mut stream = TcpStream::connect(address).unwrap();
    let origin = format!("http://{own}");
    let request = format!(
        "GET /api/attach HTTP/1.1\r\nHost: {own}\r\nOrigin: {origin}\r\nAuthorization: {good}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 101");
}

#[test]
fn who_is_turned_away_is_in_the_audit() {
    let engine = Engine::start();
    let address = engine.address();
    assert_eq!(
        upgrade(address, "/api/attach", &[("Host", "evil.example")]).status,
        421
    );
    let mut access = Access::open(&engine.home).unwrap();
    until("the denial is in the audit", || {
        let newest = AuditPage::Newest;
        let rows = access.audit(&AuditFilter::default(), newest, 10).unwrap();
        rows.iter().any(|row| {
            let why = AuditOutcome::Denied {
                why: "wrong host".into(),
            };
            row.outcome == why && row.address == "127.0.0.1"
        })
    });
}

#[test]
fn bad_tokens_are_slowed_down_and_those_that_are_known_are_not() {
    let engine = Engine::start();
    let address = engine.address();
    let own = address.to_string();
    let [known, new] = ["known", "new"].map(|name| bearer(&engine, name));
    let enter = |token: &str| {
        let headers = [("Host", own.as_str()), ("Authorization", token)];
        upgrade(address, "/api/attach", &headers).status
    };
    assert_eq!(enter(&known), 101);
    let bad = [
        ("Host", own.as_str()),
        ("Authorization", "Bearer obeya_wrong"),
    ];
    let mut tried = 0;
    let slowed = loop {
        let heard = upgrade(address, "/api/attach", &bad);
        if heard.status != 401 {
            break heard;
        }
        tried += 1;
        assert!(tried < 1_000, "nobody is slowed down");
    };
    assert_eq!(slowed.status, 429);
    assert!(slowed.head.contains("retry-after: "), "{slowed:?}");
    assert!(tried >= 10, "{tried}");
    // Behind a tunnel everybody has one address: who is known there comes in all the same, its scheme in whatever letters.
    assert_eq!(enter(&known), 101);
    assert_eq!(enter(&known.replace("Bearer", "bearer")), 101);
    assert_eq!(enter(&new), 429);
    // What this user's own processes bear is known without a look.
    let (own, _) = LocalToken::read(&engine.home).unwrap().unwrap();
    let mut talk = Talk::open(address, own.expose());
    talk.say(&ToEngine::Hello(Hello {
        protocol: PROTOCOL,
        version: "test".into(),
        follow: Follow::Nothing,
    }));
    assert!(matches!(talk.hear(), Some(FromEngine::Welcome(_))));
}

#[test]
fn who_only_looks_sends_no_long_messages() {
    let engine = Engine::start();
    let long = || Message::text("x".repeat(100 << 10));
    for (name, role, taken) in [
        ("wall", Role::Viewer, false),
        ("rust-dev", Role::Agent, true),
    ] {
        let token = bearer_of(&engine, name, role);
        let mut talk = Talk::met(engine.address(), token.trim_start_matches("Bearer "));
        talk.send(long());
        let Some(FromEngine::Bye { why, .. }) = talk.answer() else {
            panic!("it was no call");
        };
        assert_eq!(why.contains("65536 bytes"), !taken, "{role}: {why}");
    }
}

#[test]
fn a_request_is_bounded() {
    let engine = Engine::start();
    let address = engine.address();
    let good = bearer(&engine, "ana");
    let long = "x".repeat(64 << 10);
    let heard = send(
        address,
        &format!("GET / HTTP/1.1\r\nHost: {address}\r\nX-Long: {long}\r\n\r\n"),
    );
    assert!([0, 431].contains(&heard.status), "{heard:?}");
    let heard = send(
        address,
        &format!(
            "POST /api/work-orders HTTP/1.1\r\nHost: {address}\r\nAuthorization: {good}\r\n\
             Content-Length: 1073741824\r\n\r\n"
        ),
    );
    assert_eq!(heard.status, 413, "{heard:?}");
    let chunk = format!("{:x}\r\n{}\r\n", 600 << 10, "x".repeat(600 << 10));
    let heard = send(
        address,
        &format!(
            "POST /api/work-orders HTTP/1.1\r\nHost: {address}\r\nAuthorization: {good}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        ),
    );
    assert!([0, 413].contains(&heard.status), "{heard:?}");
    // It is there for everybody else.
    let heard = upgrade(address, "/api/attach", &[("Host", "localhost")]);
    assert_eq!(heard.status, 401);
}

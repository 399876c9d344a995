//! The decoders of requests under noise.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use axum::http::HeaderValue;

use super::*;
use crate::{
    domain::{command::Command, query},
    server::api::{
        book::BOOK,
        forms::{Beat, Scale, TokenWish, Told},
        table::{Does, ROUTES},
    },
};

/// Pieces that mean something here, and some that mean something elsewhere.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "7",
    "\"title\"",
    "\"x\"",
    "\"id\"",
    "\"WO-001\"",
    "\"command\"",
    "\"create_order\"",
    "\"order\"",
    "\"bucket\"",
    "\"features\"",
    "\"reason\"",
    "\"severity\"",
    "\"low\"",
    "\"summary\"",
    "\"filter\"",
    "\"since\"",
    "\u{202e}",
    "\\u0000",
    "\\ud800",
    "é",
    " ",
    "\n",
    "{\"title\":\"x\"",
    "{\"reason\":\"x\",\"severity\":\"low\"",
    "}",
];
/// Values of query strings, of paths and of headers.
const VALUES: &[&str] = &[
    "",
    "1",
    "-1",
    "99999999999999999999",
    "true",
    "30d",
    "-30d",
    "9999999w",
    "2026-02-02T10:00:00Z",
    "WO-001",
    "wo-1",
    "ALERT-001",
    "EPIC-001",
    "open:1,2,3,WO-001",
    "closed:9,WO-001",
    "open:",
    "bucket:features",
    "line",
    "agent:x",
    "agent:",
    "person:\u{7}",
    "features",
    "queued",
    "age",
    "\"1-2-3\"",
    "\"-9223372036854775808-1-1\"",
    "W/\"1\"",
    "*",
    "key",
    "\u{202e}",
    "\0",
    "{\"order\":1}",
];

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end.max(1) as u64).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn noise(&mut self) -> String {
        let length = self.below(8);
        (0..length).map(|_| self.of(PIECES)).collect()
    }

    fn given(&mut self) -> Given {
        let names: Vec<&str> = BOOK
            .query("work_orders")
            .unwrap()
            .fields
            .keys()
            .map(String::as_str)
            .collect();
        let path =
            ["id", "on", "to", "gate"].map(|name| (name.to_owned(), self.of(VALUES).to_owned()));
        let said = self.below(4);
        let query = (0..said)
            .map(|_| (self.of(&names).to_owned(), self.of(VALUES).to_owned()))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        for name in [
            header::IF_MATCH,
            header::HeaderName::from_static("idempotency-key"),
        ] {
            if let Ok(value) = HeaderValue::from_bytes(self.of(VALUES).as_bytes()) {
                headers.insert(name, value);
            }
        }
        Given {
            path: path.into(),
            query,
            headers,
            uri: Uri::from_static("/api"),
            body: self.noise().into(),
            now: Timestamp(1_770_000_000_000_000),
        }
    }
}

#[test]
fn noise_is_refused_in_words_or_means_something() {
    let count = std::env::var("OBEYA_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(20_000);
    let mut random = Random(5);
    let (mut meant, mut refused) = (0, 0);
    for _ in 0..count {
        let mut given = random.given();
        let route = &ROUTES[random.below(ROUTES.len())];
        given
            .path
            .retain(|name, _| route.path.contains(&format!("{{{name}}}")));
        let _ = (given.as_of(), given.command_id("caller"));
        let read = match route.does {
            Does::Ask(name, id) => given
                .question::<query::Query>(BOOK.query(name).unwrap(), id)
                .map(|query| json!(query)),
            Does::Tell(name, id) => given
                .command::<Command>(BOOK.command(name).unwrap(), id)
                .map(|command| json!(command)),
            Does::AskAny => given.body::<query::Query>().map(|query| json!(query)),
            Does::TellAny => given.body::<Told>().map(|told| json!(told)),
            Does::Beat => given.body::<Beat>().map(|beat| json!(beat)),
            Does::Supervise(_) => given.body::<Scale>().map(|scale| json!(scale)),
            Does::CreateToken => given.body::<TokenWish>().map(|wish| json!(wish)),
            _ => given
                .take_number("after")
                .and(given.take_moment("since"))
                .and(given.take_actor())
                .map(|actor| json!(actor)),
        };
        match read {
            // What is understood is as short as what was said.
            Ok(understood) => {
                meant += 1;
                assert!(understood.to_string().len() < 2_000);
            }
            Err(problem) => {
                refused += 1;
                assert!((400..500).contains(&problem.status), "{problem:?}");
                assert!(
                    problem.detail.chars().count() <= 1_000 && !problem.detail.contains('\u{202e}'),
                    "{problem:?}"
                );
            }
        }
    }
    assert!(
        meant > count / 100 && refused > count / 10,
        "{meant} {refused}"
    );
}

#[test]
fn a_key_is_of_its_caller_and_its_words() {
    let mut random = Random(5);
    let mut id = |caller: &str, key: &str| {
        let mut given = random.given();
        given
            .headers
            .insert("idempotency-key", key.parse().unwrap());
        given.command_id(caller).unwrap()
    };
    assert_eq!(id("ana", "deploy"), id("ana", "deploy"));
    assert_eq!(id("ana", "\"deploy\""), id("ana", "deploy"));
    assert_ne!(id("ana", "deploy"), id("eve", "deploy"));
    assert_ne!(id("anad", "eploy"), id("ana", "deploy"));
    assert_eq!(id("ana", "deploy").get_version_num(), 8);
}

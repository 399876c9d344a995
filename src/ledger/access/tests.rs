//! The rules of tokens and audit, on real files.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::{
    domain::{
        command::Role,
        order::Actor,
        time::{DAY, SECOND},
    },
    ledger::{
        doctor::{Level, examine as examination},
        turn::Turn,
    },
};

const NOON: Timestamp = Timestamp(20_000 * DAY);

fn room() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path()).unwrap();
    fs_write(&home.database(), "");
    (folder, home)
}

fn fs_write(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn wanted(text: &str, expires: Option<Timestamp>) -> NewToken {
    NewToken {
        name: name(text),
        role: Role::Viewer,
        expires,
    }
}

fn made(access: &mut Access, text: &str, expires: Option<Timestamp>) -> (Secret, TokenView) {
    access
        .create(&wanted(text, expires), NOON)
        .unwrap()
        .unwrap()
}

fn entry(at: i64, address: &str, outcome: AuditOutcome) -> AuditEntry {
    AuditEntry {
        at: Timestamp(at),
        actor: None,
        token: None,
        address: address.into(),
        what: "GET /api/stream".into(),
        outcome,
        count: 1,
    }
}

fn denied() -> AuditOutcome {
    AuditOutcome::Denied {
        why: "unknown".into(),
    }
}

fn rows(access: &mut Access) -> Vec<AuditRow> {
    let all = AuditFilter::default();
    access.audit(&all, AuditPage::After(0), 200_000).unwrap()
}

#[test]
fn a_token_opens_what_it_was_made_for_and_its_secret_is_kept_nowhere() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let (secret, token) = made(&mut access, "wall", None);
    let (other, _) = made(&mut access, "other", None);
    assert_ne!(secret.expose(), other.expose());
    let text = secret.expose();
    let form = text
        .strip_prefix("obeya_")
        .unwrap()
        .split_once('_')
        .unwrap();
    assert_eq!((form.0.len(), form.1.len()), (12, 64));
    assert_eq!(
        access.check(text, NOON).unwrap().unwrap().role,
        Role::Viewer
    );
    assert_eq!(
        access.standing(&token.id, NOON).unwrap().unwrap().id,
        token.id
    );
    assert!(!format!("{secret:?}").contains(form.1));
    drop(access);
    for path in [
        home.access(),
        crate::ledger::paths::beside(&home.access(), "-wal"),
    ] {
        let bytes = std::fs::read(path).unwrap_or_default();
        let has = |wanted: &str| {
            bytes
                .windows(wanted.len())
                .any(|part| part == wanted.as_bytes())
        };
        assert!(!has(form.1), "the secret lies in the file");
    }
}

#[test]
fn every_other_text_is_denied_and_learns_nothing() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let (secret, token) = made(&mut access, "wall", None);
    let text = secret.expose();
    let mut check = |text: &str| access.check(text, NOON).unwrap().unwrap_err();
    let last = text.chars().next_back().unwrap();
    let wrong = format!(
        "{}{}",
        text.strip_suffix(last).unwrap(),
        if last == '0' { '1' } else { '0' }
    );
    assert_eq!(check(&wrong), Denied::Unknown);
    // The secret belongs to its id: another's does not go with it.
    let moved = text.replace(&token.id.0, "00000000000a");
    assert_eq!(check(&moved), Denied::Unknown);
    let upper = text.to_uppercase();
    let short = text.get(..text.len() - 1).unwrap();
    let long = format!("{text}0");
    let padded = format!(" {text}");
    let local = Secret::draw_local().unwrap();
    let none = [
        "",
        "obeya_",
        "obeya__",
        "obeya_\u{0}_x",
        "Ünïcode",
        &upper,
        short,
        &long,
        &padded,
    ];
    for text in none.into_iter().chain([local.expose()]) {
        assert_eq!(check(text), Denied::Malformed, "{text:?}");
    }
    // Whoever has only the id is not told that the token was revoked.
    access.revoke(&name("wall"), NOON).unwrap().unwrap();
    let of = |access: &mut Access, text: &str| access.check(text, NOON).unwrap().unwrap_err();
    assert_eq!(of(&mut access, &wrong), Denied::Unknown);
    assert_eq!(of(&mut access, text), Denied::Revoked);
}

#[test]
fn what_another_handle_revokes_is_shut_at_once() {
    let (_folder, home) = room();
    let (mut server, mut shell) = (Access::open(&home).unwrap(), Access::open(&home).unwrap());
    let (secret, token) = made(&mut shell, "wall", None);
    assert!(server.check(secret.expose(), NOON).unwrap().is_ok());
    shell.revoke(&name("wall"), NOON).unwrap().unwrap();
    let denied = Err(Denied::Revoked);
    assert_eq!(server.check(secret.expose(), NOON).unwrap(), denied);
    assert_eq!(server.standing(&token.id, NOON).unwrap(), denied);
    let none = shell.revoke(&name("wall"), NOON).unwrap();
    assert!(matches!(none, Err(Refusal::NotFound { .. })));
    // The name is free again, and the new token is another.
    let (again, _) = made(&mut shell, "wall", None);
    assert!(server.check(again.expose(), NOON).unwrap().is_ok());
    assert_eq!(server.check(secret.expose(), NOON).unwrap(), denied);
    let standings: Vec<Standing> = shell
        .list(NOON)
        .unwrap()
        .iter()
        .map(|t| t.standing)
        .collect();
    assert_eq!(standings, [Standing::Live, Standing::Revoked]);
}

#[test]
fn a_token_ends_with_its_time_and_revocation_outlives_a_clock_set_back() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let end = NOON.plus(30 * DAY);
    let (secret, token) = made(&mut access, "wall", Some(end));
    let check = |access: &mut Access, at| access.check(secret.expose(), at).unwrap().map(drop);
    assert_eq!(check(&mut access, end.plus(-1)), Ok(()));
    assert_eq!(check(&mut access, end), Err(Denied::Expired));
    assert_eq!(
        access.standing(&token.id, end).unwrap(),
        Err(Denied::Expired)
    );
    // The name is free then; taking it back takes back both.
    let second = access.create(&wanted("wall", None), end).unwrap();
    assert!(second.is_ok());
    access.revoke(&name("wall"), end).unwrap().unwrap();
    assert_eq!(check(&mut access, NOON), Err(Denied::Revoked));
    let past = access.create(&wanted("late", Some(NOON)), NOON).unwrap();
    assert!(matches!(past, Err(Refusal::Invalid { field, .. }) if field == "expires"));
}

#[test]
fn tokens_are_as_many_as_they_may_be() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let (secret, _) = made(&mut access, "first", None);
    let same = access.create(&wanted("first", None), NOON).unwrap();
    assert!(matches!(same, Err(Refusal::Invalid { field, .. }) if field == "name"));
    // Rows as they are made, without a sync for each.
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) \
        INSERT INTO tokens SELECT 'f' || i, 'filler ' || i, 'viewer', x'00', i, NULL, NULL, NULL FROM n";
    access
        .file
        .read("a test", |db| db.execute(fill, []))
        .unwrap();
    let full = access.create(&wanted("one more", None), NOON).unwrap();
    assert!(matches!(full, Err(Refusal::Limit { limit: 1_000, .. })));
    // Those that were revoked make room, and only the newest of them are remembered.
    let copies =
        "INSERT INTO tokens SELECT id || 'x', name, role, hash, created, NULL, 1, NULL FROM tokens";
    access
        .file
        .read("a test", |db| db.execute(copies, []))
        .unwrap();
    access.revoke(&name("filler 7"), NOON).unwrap().unwrap();
    assert!(
        access
            .create(&wanted("one more", None), NOON)
            .unwrap()
            .is_ok()
    );
    let all = access.list(NOON).unwrap();
    let live = all.iter().filter(|token| token.standing == Standing::Live);
    assert_eq!((live.count(), all.len()), (1_000, 2_000));
    assert!(access.check(secret.expose(), NOON).unwrap().is_ok());
}

#[test]
fn the_last_use_is_noted_once_a_minute() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let (secret, _) = made(&mut access, "wall", None);
    let mut used = |at: Timestamp| {
        assert!(access.check(secret.expose(), at).unwrap().is_ok());
        access.list(at).unwrap().first().unwrap().used_at.unwrap().0
    };
    assert_eq!(used(NOON), NOON);
    assert_eq!(used(NOON.plus(MINUTE - 1)), NOON);
    assert_eq!(used(NOON.plus(MINUTE)), NOON.plus(MINUTE));
    // A writer in the way keeps nobody out.
    let mut turn = Turn::new(home.access_lock());
    turn.take(PATIENCE).unwrap();
    assert_eq!(used(NOON.plus(3 * MINUTE)), NOON.plus(MINUTE));
    turn.give();
}

#[test]
fn nobody_comes_in_by_a_file_that_is_damaged_gone_or_shared() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let (secret, _) = made(&mut access, "wall", None);
    // Gone: another is made, empty.
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(crate::ledger::paths::beside(&home.access(), suffix));
    }
    assert_eq!(
        access.check(secret.expose(), NOON).unwrap(),
        Err(Denied::Unknown)
    );
    // Shared: others may have put a token there.
    let chmod = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(home.access(), mode).unwrap();
    };
    drop(access);
    chmod(0o660);
    let fault = Access::open(&home).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Permission);
    chmod(0o600);
    // A role that is none, or a file that is none.
    let mut access = Access::open(&home).unwrap();
    let (secret, _) = made(&mut access, "wall", None);
    let raise = "UPDATE tokens SET role = 'root'";
    access
        .file
        .read("a test", |db| db.execute(raise, []))
        .unwrap();
    let fault = access.check(secret.expose(), NOON).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Corrupt);
    drop(access);
    fs_write(&home.access(), &"not a database at all ".repeat(500));
    let fault = Access::open(&home).err().unwrap();
    assert_eq!(fault.kind, FaultKind::NotALedger);
    assert!(fault.mend.contains("new tokens"), "{fault}");
    // Without a ledger nothing is made.
    std::fs::remove_file(home.access()).unwrap();
    std::fs::remove_file(home.database()).unwrap();
    assert_eq!(Access::open(&home).err().unwrap().kind, FaultKind::Missing);
    assert!(!home.access().exists());
}

#[test]
fn rows_of_the_audit_are_clean_and_are_found() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let done = AuditOutcome::Done {
        first_seq: Some(7),
        last_seq: Some(9),
    };
    let refused = AuditOutcome::Refused {
        code: "wip_limit".into(),
    };
    let hostile = AuditEntry {
        actor: Some(Actor::agent("rust\u{1b}[2Jdev")),
        token: Some(name("wall")),
        what: format!("GET /\u{202e}\n{}", "x".repeat(9_000)),
        ..entry(3 * SECOND, "::1", denied())
    };
    let written = [
        entry(SECOND, "127.0.0.1:9", done.clone()),
        entry(2 * SECOND, "127.0.0.1:9", refused.clone()),
        hostile,
        entry(4 * SECOND, "127.0.0.1:9", AuditOutcome::Failed),
    ];
    access.append(&written).unwrap();
    let all = rows(&mut access);
    let numbers: Vec<u64> = all.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let outcomes: Vec<_> = all.iter().map(|row| row.outcome.clone()).collect();
    assert_eq!(outcomes, [done, refused, denied(), AuditOutcome::Failed]);
    let third = all.get(2).unwrap();
    assert_eq!(third.actor, Some(Actor::agent("rustdev")));
    assert!(third.what.starts_with("GET / xxx") && crate::text::width(&third.what) <= 160);
    let mut found = |filter: AuditFilter, page| -> Vec<u64> {
        let rows = access.audit(&filter, page, 2).unwrap();
        rows.iter().map(|row| row.number).collect()
    };
    let any = AuditFilter::default;
    assert_eq!(found(any(), AuditPage::Newest), [4, 3]);
    assert_eq!(found(any(), AuditPage::Before(3)), [2, 1]);
    assert_eq!(found(any(), AuditPage::After(1)), [2, 3]);
    let only = |filter: AuditFilter| filter;
    let by = |actor: &str| AuditFilter {
        actor: Some(actor.into()),
        ..any()
    };
    assert_eq!(found(by("rustdev"), AuditPage::Newest), [3]);
    assert_eq!(found(by("agent:rustdev"), AuditPage::Newest), [3]);
    assert!(found(by("person:rustdev"), AuditPage::Newest).is_empty());
    let since = AuditFilter {
        since: Some(Timestamp(4 * SECOND)),
        ..any()
    };
    assert_eq!(found(only(since), AuditPage::Newest), [4]);
    let token = AuditFilter {
        token: Some("wall".into()),
        ..any()
    };
    assert_eq!(found(token, AuditPage::Newest), [3]);
    let denied = AuditFilter {
        denied: true,
        ..any()
    };
    assert_eq!(found(denied, AuditPage::Newest), [3]);
}

#[test]
fn a_flood_of_denials_is_a_row_a_second_and_pushes_nothing_out() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    access
        .append(&[entry(0, "admin", AuditOutcome::DONE)])
        .unwrap();
    // One address, ten thousand times in two and a half seconds.
    let one: Vec<_> = (0..10_000)
        .map(|n| entry(n * 250, "10.0.0.1", denied()))
        .collect();
    access.append(&one).unwrap();
    let counts = |access: &mut Access| -> Vec<u64> {
        let all = rows(access).into_iter();
        all.filter(|row| row.outcome.is_denied())
            .map(|row| row.count)
            .collect()
    };
    assert_eq!(counts(&mut access), [4_000, 4_000, 2_000]);
    // A thousand addresses in one second: so many have a row, the others one together.
    let many: Vec<_> = (0..1_000)
        .map(|n| entry(10 * SECOND + n, &format!("10.1.{n}"), denied()))
        .collect();
    access.append(&many).unwrap();
    let counts = counts(&mut access);
    assert_eq!(counts.len() as u64, 3 + MAX_DENIED_A_SECOND + 1);
    assert_eq!(counts.iter().sum::<u64>(), 11_000);
    let last = rows(&mut access).pop().unwrap();
    assert_eq!(
        (last.address.as_str(), last.count),
        (MANY, 1_000 - MAX_DENIED_A_SECOND)
    );
    // A day of it, a second at a time.
    let day: Vec<_> = (20..30_000)
        .map(|n| entry(n * SECOND, "10.0.0.1", denied()))
        .collect();
    access.append(&day).unwrap();
    let all = rows(&mut access);
    assert_eq!(all.first().unwrap().address, "admin");
    assert_eq!(all.len() as u64, 1 + MAX_DENIED_ROWS);
}

#[test]
fn the_audit_keeps_the_newest_rows() {
    let (_folder, home) = room();
    let mut access = Access::open(&home).unwrap();
    let rows_of = |from: i64, to: i64| -> Vec<AuditEntry> {
        (from..to)
            .map(|n| entry(n, "a", AuditOutcome::Failed))
            .collect()
    };
    access.append(&rows_of(0, 100_500)).unwrap();
    assert_eq!(access.census().unwrap().rows, MAX_ROWS);
    access.append(&rows_of(0, 400)).unwrap();
    assert_eq!(access.census().unwrap().rows, MAX_ROWS + 400);
    access.append(&rows_of(0, 200)).unwrap();
    assert_eq!(access.census().unwrap().rows, MAX_ROWS);
    let newest = access
        .audit(&AuditFilter::default(), AuditPage::Newest, 1)
        .unwrap();
    assert_eq!(newest.first().unwrap().number, 101_100);
}

#[test]
fn the_local_token_lives_as_long_as_its_server() {
    let (_folder, home) = room();
    let path = home.local_token();
    assert_eq!(LocalToken::read(&home).unwrap(), None);
    let server = LocalToken::make(&home, Some(8080)).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let (secret, port) = LocalToken::read(&home).unwrap().unwrap();
    assert_eq!(port, Some(8080));
    assert!(server.matches(secret.expose()) && !server.matches("obeya_local_"));
    let mut access = Access::open(&home).unwrap();
    assert_eq!(
        access.check(secret.expose(), NOON).unwrap(),
        Err(Denied::Malformed)
    );
    // One server at a time; the second does not take the first one's file along.
    assert_eq!(
        LocalToken::make(&home, Some(8080)).unwrap_err().kind,
        FaultKind::Busy
    );
    assert!(LocalToken::read(&home).unwrap().is_some());
    let text = std::fs::read_to_string(&path).unwrap();
    drop(server);
    assert!(!path.exists());
    // What a killed server left opens nothing, and is in nobody's way.
    fs_write(&path, &text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(LocalToken::read(&home).unwrap(), None);
    let next = LocalToken::make(&home, Some(8080)).unwrap();
    assert!(!next.matches(text.lines().next().unwrap()));
    // One that others may read, or that leads elsewhere, is refused.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(
        LocalToken::read(&home).unwrap_err().kind,
        FaultKind::Permission
    );
    let finding = examination(&home);
    let tokens = finding
        .iter()
        .find(|finding| finding.name == "tokens")
        .unwrap();
    assert!(
        tokens.level == Level::Bad && tokens.found.contains("local.token"),
        "{tokens:?}"
    );
    std::fs::remove_file(&path).unwrap();
    fs_write(&home.path().join("elsewhere"), &text);
    std::os::unix::fs::symlink(home.path().join("elsewhere"), &path).unwrap();
    assert!(LocalToken::read(&home).is_err());
    // What is not its own, a server does not remove.
    drop(next);
    assert!(path.exists());
}

//! `token` and `audit`: made, shown once, taken back, and written down.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Stdio},
};

use super::Room;

const SECRET: usize = "obeya_".len() + 12 + 1 + 64;

#[test]
fn a_token_is_shown_once_and_listed_without_its_secret() {
    let room = Room::new();
    let records = room.records();
    let said = room.done("token create --name wall --role viewer --expires 30d");
    let secret = said.out.trim_end();
    assert_eq!(secret.len(), SECRET, "standard output has the secret alone");
    assert!(said.err.contains("not shown again"), "{}", said.err);
    let made = room
        .done("token create --name rust-dev --role agent --json")
        .json();
    assert_eq!(made["secret"].as_str().unwrap().len(), SECRET);
    assert_eq!(made["token"]["role"], "agent");
    let list = room.done("token list --json");
    assert!(!list.out.contains(secret));
    let list = list.json();
    let of = |n: usize, field: &str| list[n][field].clone();
    assert_eq!(
        (of(0, "name"), of(1, "name")),
        ("rust-dev".into(), "wall".into())
    );
    assert_eq!(of(1, "standing"), "live");
    assert!(of(1, "expires_at").is_string() && of(0, "expires_at").is_null());
    let text = room.done("token list").out;
    assert!(text.contains("wall") && text.contains("viewer"), "{text}");
    let access = room.path().join(".obeya/access.db");
    let mode = fs::metadata(&access).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(room.records(), records, "tokens are not on the ledger");
}

#[test]
fn only_an_admin_makes_or_revokes_and_all_is_in_the_audit() {
    let room = Room::new();
    let create = "token create --name wall --role viewer";
    for role in [
        "--as viewer",
        "--read-only",
        "--as operator",
        "--actor agent:a",
    ] {
        let said = room.line(&format!("{create} {role}"));
        assert_eq!(
            (said.code, said.out.as_str()),
            (1, ""),
            "{role}: {}",
            said.err
        );
    }
    room.done(create);
    let twice = room.line(&format!("{create} --json"));
    assert_eq!(twice.code, 1);
    assert_eq!(twice.json()["refusal"]["rule"], "invalid");
    assert_eq!(room.line("token revoke wall --read-only").code, 1);
    let revoked = room.done("token revoke wall --json").json();
    assert_eq!(revoked["standing"], "revoked");
    let gone = room.line("token revoke wall --json");
    assert_eq!(
        (gone.code, &gone.json()["refusal"]["rule"]),
        (1, &"not_found".into())
    );
    assert_eq!(room.line(&format!("{create} --dry-run")).code, 2);
    assert_eq!(room.line("token create --name x --role king").code, 2);
    assert_eq!(
        room.line("token create --name \"\u{1b}[2J\" --role viewer")
            .code,
        2
    );
    let audit = room.done("audit --json").json();
    let told = |field: &str| -> Vec<String> {
        let rows = audit.as_array().unwrap().iter();
        rows.map(|row| row[field].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let outcomes = told("outcome").join(" ");
    assert_eq!(
        outcomes,
        "refused refused refused refused done refused refused done refused"
    );
    assert_eq!(audit[0]["code"], "role");
    assert_eq!(audit[4]["actor"]["name"], "maria");
    assert_eq!(told("what")[4], "token create wall viewer");
    let by = |line: &str| room.done(line).json().as_array().unwrap().len();
    assert_eq!(by("audit --json --by agent:a"), 1);
    assert_eq!(by("audit --json --by maria --limit 3"), 3);
    assert_eq!(by("audit --json --since 1d"), 9);
    assert_eq!(by("audit --json --denied"), 0);
    let text = room.done("audit --limit 1").out;
    assert!(
        text.contains("token revoke wall") && text.contains("local"),
        "{text}"
    );
}

#[test]
fn what_is_not_there_is_said_with_where_to_look() {
    let room = Room::new();
    assert!(room.done("audit").out.contains("nothing is in the audit"));
    let said = room.line("token revoke agent");
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.err.contains("obeya token list"), "{}", said.err);
    let none = room.done("audit --by nobody").out;
    assert!(
        none.contains("nothing in the audit is about that"),
        "{none}"
    );
}

#[test]
fn of_two_that_make_the_same_name_at_once_one_wins() {
    let room = Room::new();
    let start = |_| -> Child {
        let line = [
            "token", "create", "--name", "wall", "--role", "viewer", "--json",
        ];
        room.command(line)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let all: Vec<Child> = (0..6).map(start).collect();
    let ends = all
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    let mut codes: Vec<i32> = ends.map(|end| end.status.code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 1, 1, 1, 1, 1]);
    let list = room.done("token list --json").json();
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[test]
fn a_damaged_or_shared_file_is_told_of_and_opens_nothing() {
    let room = Room::new();
    let level = |room: &Room| {
        let said = room.line("doctor --json").json();
        let findings = said["findings"].as_array().unwrap().clone();
        let tokens = findings.iter().find(|f| f["name"] == "tokens").unwrap();
        tokens["level"].as_str().unwrap().to_owned()
    };
    assert_eq!(level(&room), "ok");
    room.done("token create --name wall --role viewer");
    assert_eq!(level(&room), "ok");
    let access = room.path().join(".obeya/access.db");
    fs::set_permissions(&access, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(level(&room), "bad");
    let said = room.line("token list --json");
    assert_eq!(
        (said.code, &said.json()["error"]["kind"]),
        (3, &"permission".into())
    );
    assert!(said.out.contains("chmod 600"), "{}", said.out);
    fs::write(&access, "no database ".repeat(900)).unwrap();
    fs::set_permissions(&access, fs::Permissions::from_mode(0o600)).unwrap();
    for line in ["token list", "audit", "token create --name x --role admin"] {
        let said = room.line(line);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{line}");
        assert!(said.err.contains("make new tokens"), "{line}: {}", said.err);
    }
    assert_eq!(level(&room), "bad");
    // The ledger goes on.
    room.done("wo create --title First");
}

#[test]
fn a_backup_takes_no_tokens_along() {
    let room = Room::new();
    let secret = room.done("token create --name wall --role viewer").out;
    let said = room.done("ledger backup saved.db");
    assert!(
        said.out.contains("tokens and audit are not in it"),
        "{}",
        said.out
    );
    let bytes = fs::read(room.path().join("saved.db")).unwrap();
    let id = secret.split('_').nth(1).unwrap();
    for hidden in [id, "token create wall"] {
        let found = bytes
            .windows(hidden.len())
            .any(|part| part == hidden.as_bytes());
        assert!(!found, "{hidden}");
    }
}

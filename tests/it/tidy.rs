//! The house keeps its own rules: floors, circles, file lengths, forgotten tests, marks left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The floor of each room under `src`; a room may use only rooms on floors below it.
const FLOORS: &[(&str, u8)] = &[
    ("text", 0),
    ("config", 0),
    ("domain", 1),
    ("ledger", 2),
    ("engine", 3),
    ("link", 4),
    ("cli", 5),
    ("ui", 5),
    ("demo", 5),
    ("term", 5),
    ("mcp", 5),
    ("server", 5),
    ("testing", 5),
    ("main", 6),
];

/// Rooms that may use another on their own floor: settings are cleaned text, and the terminal runs the console's model
/// and the line's grammar. The command line tells of themes and keys as the console has them, opens the demo, and starts the
/// servers for models and for other machines.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("config", "text"),
    ("term", "ui"),
    ("term", "cli"),
    ("cli", "demo"),
    ("cli", "mcp"),
    ("cli", "server"),
    ("cli", "ui"),
];

/// Floors that a door must not reach past `link` to.
const BEHIND_LINK: &[&str] = &["engine", "ledger"];

/// What pure rooms must not name.
const IMPURE: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "std::fs",
            "std::env",
            "std::net",
            "SystemTime",
            "Instant::now",
            "tokio",
            "rusqlite",
            "Utc::now",
            "now_v7",
        ],
    ),
    (
        "ui",
        &[
            "std::fs",
            "std::env",
            "std::net",
            "SystemTime",
            "Instant::now",
            "tokio",
            "crossterm",
            "rusqlite",
            "Utc::now",
        ],
    ),
];

/// The longest file: past it a room is two rooms.
const MAX_LINES: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .expect("a folder of the repository")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a source file")
}

/// Returns the room of a file: the first name beneath `src`.
fn room(path: &Path) -> String {
    let inside = path
        .strip_prefix(root().join("src"))
        .expect("a file under src");
    let first = inside.components().next().expect("a name");
    Path::new(first.as_os_str())
        .file_stem()
        .expect("a stem")
        .to_string_lossy()
        .into_owned()
}

/// Returns the first names after `prefix` in a text, those in braces too.
fn uses(text: &str, prefix: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        let word = |c: &char| c.is_alphanumeric() || *c == '_';
        text.chars().take_while(word).collect()
    };
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(name(rest));
            continue;
        };
        let mut depth = 1;
        let mut begins = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ if depth == 1 && begins && !c.is_whitespace() => {
                    names.insert(name(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
            begins |= c == ',' && depth == 1;
            if depth == 0 {
                break;
            }
        }
    }
    names
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[test]
fn nobody_imports_upwards() {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in sources("src") {
        let from = room(&path);
        if from == "lib" {
            continue;
        }
        let floor = *floors
            .get(from.as_str())
            .unwrap_or_else(|| panic!("{from} has no floor: add it to FLOORS"));
        let text = read(&path);
        let text = without_tests(&text);
        for to in uses(text, "crate::") {
            let Some(&below) = floors.get(to.as_str()) else {
                continue;
            };
            let door = floor == 5 && BEHIND_LINK.contains(&to.as_str());
            let allowed = to == from || below < floor || NEIGHBOURS.contains(&(&from, &to));
            if !allowed || door {
                wrong.push(format!("{} uses {to}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports upwards or past link:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_domain_has_no_circle() {
    let mut uses_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let domain = root().join("src/domain");
    for path in sources("src/domain") {
        let inside = path.strip_prefix(&domain).expect("inside");
        let first = inside.components().next().expect("a name");
        let name = Path::new(first.as_os_str())
            .file_stem()
            .expect("a stem")
            .to_string_lossy()
            .into_owned();
        if name == "mod" {
            continue;
        }
        let text = read(&path);
        let text = without_tests(&text);
        let depth = inside.components().count();
        let up = match (depth, path.ends_with("mod.rs")) {
            (1, _) | (2, true) => "use super::",
            _ => "use super::super::",
        };
        let entry = uses_of.entry(name.clone()).or_default();
        entry.extend(uses(text, "crate::domain::"));
        entry.extend(uses(text, up));
        entry.remove(&name);
    }
    let rooms: BTreeSet<_> = uses_of.keys().cloned().collect();
    uses_of
        .values_mut()
        .for_each(|uses| uses.retain(|name| rooms.contains(name)));
    while let Some(leaf) = uses_of
        .iter()
        .find(|(_, uses)| uses.is_empty())
        .map(|(name, _)| name.clone())
    {
        uses_of.remove(&leaf);
        uses_of.values_mut().for_each(|uses| {
            uses.remove(&leaf);
        });
    }
    assert!(
        uses_of.is_empty(),
        "these use each other in a circle: {uses_of:#?}"
    );
}

#[test]
fn pure_rooms_name_nothing_impure() {
    let mut wrong = Vec::new();
    for (pure, words) in IMPURE {
        for path in sources("src")
            .into_iter()
            .filter(|path| room(path) == *pure)
        {
            let text = read(&path);
            let text = without_tests(&text);
            wrong.extend(
                words
                    .iter()
                    .filter(|word| text.contains(**word))
                    .map(|word| format!("{}: {word}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_one_room_each() {
    let long: Vec<_> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(sources)
        .map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{lines} {}", path.display()))
        .collect();
    assert!(
        long.is_empty(),
        "more than {MAX_LINES} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn every_file_opens_with_what_it_is() {
    let silent: Vec<_> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(sources)
        .filter(|path| !read(path).starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        silent.is_empty(),
        "no opening sentence:\n{}",
        silent.join("\n")
    );
}

#[test]
fn no_test_file_is_forgotten() {
    let main = read(&root().join("tests/it/main.rs"));
    for entry in fs::read_dir(root().join("tests/it"))
        .expect("the folder")
        .flatten()
    {
        let name = entry
            .path()
            .file_stem()
            .expect("a stem")
            .to_string_lossy()
            .into_owned();
        let holds_tests = entry.path().is_dir()
            || entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs");
        let known = main.contains(&format!("mod {name};"));
        assert!(
            !holds_tests || known || name == "main" || name == "snapshots",
            "tests/it/{name} is not declared in main.rs"
        );
    }
}

#[test]
fn nothing_is_left_half_done() {
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["unimple", "mented!"].concat(),
        ["#[ig", "nore"].concat(),
    ];
    let mut left = Vec::new();
    for path in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        let text = read(&path);
        left.extend(
            marks
                .iter()
                .filter(|mark| text.contains(*mark))
                .map(|mark| format!("{}: {mark}", path.display())),
        );
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

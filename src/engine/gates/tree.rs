//! The code as it is now, under one name: the tree that git would commit of the files as they are.
//!
//! The name is of the content alone, so that a commit of just what was looked at changes nothing. It is worked out over a
//! copy of the index and into a folder of its own: the repository is not written to.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use uuid::Uuid;

use crate::{
    domain::{gate::Tree, record::Hash},
    engine::git::{Git, Trouble},
};

/// How long one call of git may take: a large tree is read through once.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many repositories without a commit may lie inside one another.
const DEPTH: usize = 4;
/// How many may lie beside one another: git is asked once more for each.
const INNER: usize = 16;

/// Returns the code in `root` without the ledger's folder; `scratch` is where files may be written for a moment.
pub(super) fn tree(root: &Path, ledger: &Path, scratch: &Path) -> Tree {
    let git = Git::at(root).within(PATIENCE);
    match git.ask(&["rev-parse", "--is-inside-work-tree"]) {
        Ok(answer) if answer == "true" => {}
        Err(Trouble::Refused(_)) if !looks_versioned(root) => return Tree::Unversioned,
        // There is no git here, or it does not say; a folder without a repository above needs none.
        Err(Trouble::NoAnswer(_)) if !looks_versioned(root) => return Tree::Unversioned,
        _ => return Tree::Unknown,
    }
    let folder = scratch.join(format!("tree-{}", Uuid::now_v7()));
    let name = name_of(&git, ledger, &folder, DEPTH);
    // What is left of it is small and in the ledger's own folder.
    let _ = fs::remove_dir_all(&folder);
    match name {
        Some(tree) => Tree::Git {
            commit: git.ask(&["rev-parse", "--verify", "--quiet", "HEAD"]).ok(),
            tree,
        },
        None => Tree::Unknown,
    }
}

fn looks_versioned(root: &Path) -> bool {
    root.ancestors().any(|folder| folder.join(".git").exists())
}

/// Returns the name of the files in a repository. A repository inside it that has no commit yet is nothing that git could
/// name in the outer one: it is named by itself, as long as `depth` allows, and the name of all is a digest of both.
fn name_of(git: &Git, ledger: &Path, folder: &Path, depth: usize) -> Option<String> {
    let objects = folder.join("objects");
    fs::create_dir_all(&objects).ok()?;
    let own = |answer: String| git.root().join(answer);
    let index = own(git.ask(&["rev-parse", "--git-path", "index"]).ok()?);
    let theirs = own(git.ask(&["rev-parse", "--git-path", "objects"]).ok()?);
    let copy = folder.join("index");
    // A repository without an index has nothing staged yet.
    if index.exists() {
        fs::copy(&index, &copy).ok()?;
        // By the index' age git knows which files may have changed within the clock's grain, and reads those.
        let written = fs::metadata(&index).ok()?.modified().ok()?;
        let kept = fs::File::options().write(true).open(&copy).ok()?;
        kept.set_modified(written).ok()?;
    }
    let aside = Git::at(git.root())
        .within(PATIENCE)
        .with("GIT_INDEX_FILE", copy)
        .with("GIT_OBJECT_DIRECTORY", objects)
        .with(
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            theirs.canonicalize().ok()?,
        );
    let mut add = vec!["add".to_owned(), "--all".into(), "--".into(), ".".into()];
    // The ledger changes with every record; it is no code.
    if let Ok(inside) = ledger.strip_prefix(git.root())
        && let Some(inside) = inside.to_str().filter(|inside| !inside.is_empty())
        // To name what is ignored anyhow is an error to git.
        && !git.is(&["check-ignore", "--quiet", "--", inside]).ok()?
    {
        add.push(format!(":(exclude,literal){inside}"));
    }
    let mut inner = BTreeMap::new();
    loop {
        let words: Vec<_> = add.iter().map(String::as_str).collect();
        match aside.ask(&words) {
            Ok(_) => break,
            Err(trouble) if depth > 0 && inner.len() < INNER => {
                let unborn = trouble.unborn()?.to_owned();
                let place = inner.len().to_string();
                let own = Git::at(&git.root().join(&unborn)).within(PATIENCE);
                let name = name_of(&own, ledger, &folder.join(place), depth - 1)?;
                add.push(format!(":(exclude,literal){unborn}"));
                inner.insert(unborn, name).is_none().then_some(())?;
            }
            Err(_) => return None,
        }
    }
    let name = aside.ask(&["write-tree"]).ok()?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then_some(())?;
    if inner.is_empty() {
        return Some(name);
    }
    // No name of a folder has a NUL in it, so that no two lists come to the same bytes.
    let parts = inner
        .iter()
        .map(|(place, name)| format!("\0{place}\0{name}"));
    Some(Hash::of(format!("{name}{}", parts.collect::<String>()).as_bytes()).to_string())
}

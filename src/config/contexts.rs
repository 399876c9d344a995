//! Contexts: `contexts.toml` in the user's folder, engines elsewhere by name.
//!
//! ```toml
//! default = "prod"
//!
//! [contexts.prod]
//! url        = "wss://obeya.example:8443"
//! token-file = "/home/ann/.config/obeya/prod.token"
//! ca         = "/etc/obeya/ca.pem"
//! theme      = "nord"
//! read-only  = true
//! ```

use std::path::PathBuf;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Config, Document, Problem,
    keep::{quoted, replace, with},
    name,
};

/// The file in the user's configuration folder.
pub const CONTEXTS_FILE: &str = "contexts.toml";

/// Most contexts that are read: more than anyone tells apart.
const CONTEXTS_MAX: usize = 200;

const HOW: &str = "use url, token-file, ca, theme and read-only";

/// An engine elsewhere, as the user described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Where it is: `ws://HOST:PORT`, `wss://HOST:PORT` or `unix:PATH`.
    pub url: String,
    /// The file with the token that opens its door.
    pub token_file: Option<PathBuf>,
    /// A file with the certificates that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// The theme of a console on it.
    pub theme: Option<String>,
    /// Whether only to look.
    pub read_only: bool,
}

/// The user's contexts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// They, by name.
    pub all: Vec<Context>,
    /// The one that is used where no ledger is named or found.
    pub default: Option<String>,
    /// What is wrong with the file as a whole: nothing in it counts then.
    pub torn: Option<Problem>,
    /// Those that cannot be used, by name, each with what is wrong with it first.
    broken: Vec<(String, Problem)>,
}

impl Contexts {
    /// Returns the context of a name.
    pub fn named(&self, called: &str) -> Option<&Context> {
        self.all.iter().find(|context| context.name == called)
    }

    /// Returns what keeps the context of a name from being used, if it is in the file.
    pub fn problem(&self, called: &str) -> Option<&Problem> {
        let broken = self.broken.iter().find(|(name, _)| name == called);
        broken.map(|(_, problem)| problem).or(self.torn.as_ref())
    }

    /// Returns those of a file of which nothing counts.
    fn torn(problem: Problem) -> Contexts {
        Contexts {
            torn: Some(problem),
            ..Contexts::default()
        }
    }

    /// Returns what a document says, and what is wrong in it; what is right in it counts.
    fn read(document: &Document) -> (Contexts, Vec<Problem>) {
        let (table, mut found) = document.parse();
        // Half an address may be another one, and the line that was torn off may be the one that forbids.
        if let Some(first) = found.first() {
            return (Contexts::torn(first.clone()), document.in_order(found));
        }
        let mut contexts = Contexts::default();
        for (key, value) in &table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("default", DeValue::String(text)) => contexts.default = Some(text.to_string()),
                ("contexts", DeValue::Table(table)) => {
                    contexts.take(document, table, &mut found);
                }
                (other, _) => {
                    let what = format!("'{other}' is no setting of contexts");
                    let mend = "write default = \"NAME\", or a table [contexts.NAME]";
                    found.push(document.problem(key.span(), what, mend));
                }
            }
        }
        contexts.all.sort_by(|a, b| a.name.cmp(&b.name));
        (contexts, document.in_order(found))
    }

    fn take(&mut self, document: &Document, table: &DeTable<'_>, found: &mut Vec<Problem>) {
        for (key, value) in table {
            let (Some(called), Some(fields)) = (name(key.get_ref()), value.get_ref().as_table())
            else {
                let what = format!("'{}' is no context", key.get_ref());
                let mend = "write [contexts.NAME], the name of letters, digits, '-' and '_'";
                found.push(document.problem(key.span(), what, mend));
                continue;
            };
            if self.all.len() >= CONTEXTS_MAX {
                let what = format!("there are more than {CONTEXTS_MAX} contexts");
                found.push(document.problem(key.span(), what, "take some out"));
                return;
            }
            let before = found.len();
            let context = context(document, called, fields, found);
            if context.url.is_empty() && found.len() == before {
                let what = format!("the context '{}' has no url", context.name);
                let mend = "write url = \"wss://HOST:PORT\"";
                found.push(document.problem(key.span(), what, mend));
            }
            // One that is half read may lead elsewhere than was meant, or let more be done.
            match found.get(before) {
                None => self.all.push(context),
                Some(problem) => self.broken.push((context.name, problem.clone())),
            }
        }
    }
}

fn context(
    document: &Document,
    called: String,
    fields: &DeTable<'_>,
    found: &mut Vec<Problem>,
) -> Context {
    let mut context = Context {
        name: called,
        ..Context::default()
    };
    let mut set = |key: &str, value: &Spanned<DeValue<'_>>| -> Result<(), String> {
        let text = || match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(format!("{key} must be a text")),
        };
        match (key, value.get_ref()) {
            ("url", _) => context.url = text()?,
            ("token-file", _) => context.token_file = Some(text()?.into()),
            ("ca", _) => context.ca = Some(text()?.into()),
            ("theme", _) => {
                let given = text()?;
                let theme = name(&given).ok_or_else(|| format!("'{given}' is no theme's name"))?;
                context.theme = Some(theme);
            }
            ("read-only", DeValue::Boolean(only)) => context.read_only = *only,
            ("read-only", _) => return Err("read-only must be true or false".into()),
            (other, _) => return Err(format!("a context has no '{other}'")),
        }
        Ok(())
    };
    for (key, value) in fields {
        if let Err(what) = set(key.get_ref(), value) {
            found.push(document.problem(key.span(), what, HOW));
        }
    }
    context
}

impl Config {
    /// Returns the file of the contexts, whether it exists or not; none where no home is known.
    pub fn contexts_file(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(CONTEXTS_FILE))
    }

    /// Returns the user's contexts, and what is wrong in their file.
    pub fn contexts(&self) -> (Contexts, Vec<Problem>) {
        match self.contexts_document() {
            Ok((_, document)) => Contexts::read(&document),
            // Who has no home has no contexts.
            Err(problem) if self.folder.is_none() => (Contexts::default(), vec![problem]),
            Err(problem) => (Contexts::torn(problem.clone()), vec![problem]),
        }
    }

    /// Adds a context to the user's file; whatever else is in it stays as it is.
    ///
    /// # Errors
    ///
    /// There is one of that name, there is no home, the file cannot be read or written, or something is wrong in it:
    /// nothing is changed then.
    pub fn add_context(&self, context: &Context) -> Result<PathBuf, Problem> {
        if name(&context.name).is_none() {
            let mend = "use letters, digits, '-' and '_'";
            return Err(Problem::new(
                &context.name,
                "a context cannot be called so",
                mend,
            ));
        }
        self.edit_contexts(|before, document| {
            if before.named(&context.name).is_some() {
                let mend = format!("remove it first: obeya context remove {}", context.name);
                return Err(Problem::new(
                    document.name(),
                    format!("there is a context '{}' already", context.name),
                    mend,
                ));
            }
            let mut text = document.text().to_owned();
            if !text.is_empty() {
                text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
            }
            text.push_str(&table(context));
            let mut after = before.clone();
            after.all.push(context.clone());
            after.all.sort_by(|a, b| a.name.cmp(&b.name));
            Ok((text, after))
        })
    }

    /// Removes a context; where it was the default, there is none then.
    ///
    /// # Errors
    ///
    /// As of [`Config::add_context`], or there is none of that name.
    pub fn remove_context(&self, called: &str) -> Result<PathBuf, Problem> {
        self.edit_contexts(|before, document| {
            if before.named(called).is_none() {
                return Err(unknown(document, called));
            }
            let was_default = before.default.as_deref() == Some(called);
            let text = lines_but(document.text(), called, was_default);
            let mut after = before.clone();
            after.all.retain(|context| context.name != called);
            after.default = before.default.clone().filter(|_| !was_default);
            Ok((text, after))
        })
    }

    /// Makes a context the default, or none.
    ///
    /// # Errors
    ///
    /// As of [`Config::remove_context`].
    pub fn use_context(&self, called: Option<&str>) -> Result<PathBuf, Problem> {
        self.edit_contexts(|before, document| {
            let text = match called {
                Some(called) if before.named(called).is_none() => {
                    return Err(unknown(document, called));
                }
                Some(called) => with(document, "default", &quoted(called))?,
                None => lines_but(document.text(), "", true),
            };
            let mut after = before.clone();
            after.default = called.map(str::to_owned);
            Ok((text, after))
        })
    }

    fn contexts_document(&self) -> Result<(PathBuf, Document), Problem> {
        let Some(file) = self.contexts_file() else {
            let mend = "set HOME, or OBEYA_CONFIG";
            return Err(Problem::new(CONTEXTS_FILE, "no home folder is known", mend));
        };
        let empty = || Document::new(file.display().to_string(), "");
        let document = Document::read(&file)?.unwrap_or_else(empty);
        Ok((file, document))
    }

    /// Writes what an edit makes of the file, if it then says what the edit meant.
    fn edit_contexts(
        &self,
        edit: impl FnOnce(&Contexts, &Document) -> Result<(String, Contexts), Problem>,
    ) -> Result<PathBuf, Problem> {
        let (file, document) = self.contexts_document()?;
        let (before, problems) = Contexts::read(&document);
        // Where a file is half read, nobody knows what a change would do.
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem);
        }
        let (text, meant) = edit(&before, &document)?;
        let written = Document::new(document.name().to_owned(), text);
        if Contexts::read(&written) != (meant, vec![]) {
            let what = "the file is written in a way that cannot be changed from here";
            return Err(Problem::new(document.name(), what, "change it yourself"));
        }
        replace(&file, written.text()).map_err(|error| {
            let what = format!("it cannot be written: {error}");
            Problem::new(document.name(), what, "check its folder's permissions")
        })?;
        Ok(file)
    }
}

fn unknown(document: &Document, called: &str) -> Problem {
    Problem::new(
        document.name(),
        format!("there is no context '{called}'"),
        "obeya context list shows what there is",
    )
}

fn table(context: &Context) -> String {
    let mut text = format!(
        "[contexts.{}]\nurl = {}\n",
        context.name,
        quoted(&context.url)
    );
    let path = |path: &PathBuf| quoted(&path.display().to_string());
    let lines = [
        ("token-file", context.token_file.as_ref().map(path)),
        ("ca", context.ca.as_ref().map(path)),
        ("theme", context.theme.as_deref().map(quoted)),
        ("read-only", context.read_only.then(|| "true".to_owned())),
    ];
    for (key, value) in lines {
        if let Some(value) = value {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    text
}

/// Returns a text without the table of a context, and without the line of the default where that is to go too.
fn lines_but(text: &str, called: &str, default: bool) -> String {
    let header = format!("[contexts.{called}]");
    let (mut kept, mut within, mut top) = (String::new(), false, true);
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if bare.starts_with('[') {
            (within, top) = (bare.starts_with(&header), false);
        }
        let is_default = top && default && bare.starts_with("default");
        if !within && !is_default {
            kept.push_str(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::{fs, path::Path};

    use super::*;

    fn config(folder: &Path) -> Config {
        let file = folder.join("config.toml");
        fs::write(&file, "").unwrap();
        let env = |name: &str| (name == "OBEYA_CONFIG").then(|| file.display().to_string());
        Config::load(&env, &[]).0
    }

    fn prod() -> Context {
        Context {
            name: "prod".into(),
            url: "wss://a.example:8443".into(),
            token_file: Some("/tokens/a \"b\"".into()),
            ca: None,
            theme: Some("nord".into()),
            read_only: true,
        }
    }

    #[test]
    fn what_is_added_used_and_removed_leaves_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let file = folder.path().join(CONTEXTS_FILE);
        assert_eq!(config.contexts(), (Contexts::default(), vec![]));
        config.add_context(&prod()).unwrap();
        fs::write(
            &file,
            format!("# mine\n{}# end\n", fs::read_to_string(&file).unwrap()),
        )
        .unwrap();
        let wall = Context {
            name: "wall".into(),
            url: "unix:/run/x.sock".into(),
            ..Context::default()
        };
        config.add_context(&wall).unwrap();
        config.use_context(Some("prod")).unwrap();
        let (read, problems) = config.contexts();
        assert_eq!(problems, []);
        assert_eq!(read.named("prod"), Some(&prod()));
        assert_eq!(read.default.as_deref(), Some("prod"));
        assert!(config.add_context(&prod()).is_err());
        assert!(config.use_context(Some("none")).is_err());
        config.remove_context("prod").unwrap();
        let (read, _) = config.contexts();
        assert_eq!((read.all, read.default), (vec![wall], None));
        assert!(fs::read_to_string(&file).unwrap().contains("# mine"));
        assert!(config.remove_context("prod").is_err());
    }

    #[test]
    fn a_mistake_is_placed_and_the_others_load() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let text = "[contexts.a]\nurl = 'ws://a'\n[contexts.b]\nurl = 'ws://b'\nread_only = true\n[contexts.c]\n";
        fs::write(folder.path().join(CONTEXTS_FILE), text).unwrap();
        let (read, problems) = config.contexts();
        let names: Vec<_> = read.all.iter().map(|context| &*context.name).collect();
        assert_eq!(names, ["a"]);
        let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(
            said[0].contains("contexts.toml:5:1: a context has no 'read_only'"),
            "{said:?}"
        );
        assert!(said[1].contains("the context 'c' has no url"), "{said:?}");
        let of = |called| read.problem(called).map(ToString::to_string);
        assert_eq!(
            [of("a"), of("b"), of("c")],
            [None, Some(said[0].clone()), Some(said[1].clone())]
        );
        // Such a file is not written to.
        assert!(config.add_context(&prod()).is_err());
        assert_eq!(
            fs::read_to_string(folder.path().join(CONTEXTS_FILE)).unwrap(),
            text
        );
    }

    #[test]
    fn of_a_file_that_breaks_off_nothing_counts() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        config.add_context(&prod()).unwrap();
        config.use_context(Some("prod")).unwrap();
        let file = folder.path().join(CONTEXTS_FILE);
        let whole = fs::read_to_string(&file).unwrap();
        let about = whole.find("wss://a.example").unwrap() + "wss://a.exa".len();
        fs::write(&file, &whole[..about]).unwrap();
        let (read, problems) = config.contexts();
        assert_eq!((read.all.as_slice(), &read.default), (&[][..], &None));
        assert_eq!(read.torn.as_ref(), problems.first());
        assert!(read.problem("prod").is_some());
    }

    #[test]
    fn what_cannot_be_changed_from_here_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let file = folder.path().join(CONTEXTS_FILE);
        let text = "contexts = { prod = { url = 'ws://a' } }\n";
        fs::write(&file, text).unwrap();
        assert!(config.contexts().0.named("prod").is_some());
        assert!(config.remove_context("prod").is_err());
        assert!(
            config
                .add_context(&Context {
                    name: "other".into(),
                    ..prod()
                })
                .is_err()
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn more_than_anyone_tells_apart_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let tables = (0..=CONTEXTS_MAX).map(|n| format!("[contexts.c{n:03}]\nurl = 'ws://a'\n"));
        fs::write(
            folder.path().join(CONTEXTS_FILE),
            tables.collect::<String>(),
        )
        .unwrap();
        let (read, problems) = config.contexts();
        assert_eq!((read.all.len(), problems.len()), (CONTEXTS_MAX, 1));
    }
}

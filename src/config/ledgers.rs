//! How a ledger is marked, so that nobody takes production for a sandbox.
//!
//! ```toml
//! # In your config.toml, by name or by folder:
//! [ledgers.shop]
//! accent = "red"
//! label  = "PROD"
//! ```
//!
//! The same two lines may stand in an `obeya.toml` in the ledger's own folder, for everybody who opens it. What the
//! user says goes before what the ledger says.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Document, Problem};
use crate::text;

/// The file in a ledger's folder that says how it is marked.
pub const LEDGER_FILE: &str = "obeya.toml";

/// Longest label, in cells: it shares a row of eighty with the views' names.
const LABEL_LIMIT: usize = 12;

macro_rules! accents {
    ($($accent:ident $word:literal,)+) => {
        /// A colour for a ledger's mark; what it looks like is the theme's business.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Accent { $(#[doc = concat!("The theme's ", $word, ".")] $accent,)+ }

        impl Accent {
            /// Every accent.
            pub const ALL: &'static [Accent] = &[$(Accent::$accent),+];

            /// Returns the word in a file.
            pub const fn word(self) -> &'static str {
                match self { $(Accent::$accent => $word),+ }
            }
        }
    };
}

accents! {
    Red "red",
    Orange "orange",
    Yellow "yellow",
    Green "green",
    Cyan "cyan",
    Blue "blue",
    Violet "violet",
}

/// How a ledger is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The word on screen; the ledger's name where none was given.
    pub label: Option<String>,
    /// The colour behind it.
    pub accent: Accent,
}

impl Mark {
    /// Returns the mark that an `obeya.toml` describes, and what was wrong in it.
    pub fn read(document: &Document) -> (Option<Mark>, Vec<Problem>) {
        let (table, mut found) = document.parse();
        let mark = Mark::of(document, &table, &mut found);
        (mark, document.in_order(found))
    }

    /// Returns the mark of one table. A label alone is enough: it is red then, the colour that nobody overlooks.
    fn of(document: &Document, table: &DeTable<'_>, found: &mut Vec<Problem>) -> Option<Mark> {
        let (mut accent, mut label) = (None, None);
        for (key, value) in table {
            let outcome = match key.get_ref().as_ref() {
                "accent" => self::accent(value).map(|read| accent = Some(read)),
                "label" => self::label(value).map(|read| label = Some(read)),
                other => {
                    let what = format!("a ledger has no '{other}'");
                    found.push(document.problem(key.span(), what, "use accent and label"));
                    continue;
                }
            };
            if let Err((what, mend)) = outcome {
                found.push(document.problem(value.span(), what, mend));
            }
        }
        (accent.is_some() || label.is_some()).then(|| Mark {
            label,
            accent: accent.unwrap_or(Accent::Red),
        })
    }
}

type Wrong = (String, String);

fn accent(value: &Spanned<DeValue<'_>>) -> Result<Accent, Wrong> {
    let word = value.get_ref().as_str().unwrap_or_default();
    let found = Accent::ALL.iter().find(|accent| accent.word() == word);
    found.copied().ok_or_else(|| {
        let all: Vec<_> = Accent::ALL.iter().map(|accent| accent.word()).collect();
        (
            "this is no accent".into(),
            format!("use {}", all.join(", ")),
        )
    })
}

fn label(value: &Spanned<DeValue<'_>>) -> Result<String, Wrong> {
    let given = value.get_ref().as_str().unwrap_or_default();
    // It comes with whatever repository holds the ledger.
    let clean = text::clean(given).trim().to_owned();
    match text::width(&clean) {
        1..=LABEL_LIMIT => Ok(clean),
        0 => Err(("a label is a word".into(), "write label = \"PROD\"".into())),
        _ => Err((
            "the label is too long".into(),
            format!("use at most {LABEL_LIMIT} characters"),
        )),
    }
}

/// The ledgers that the user marked, by name or folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(Vec<(String, Mark)>);

impl Marks {
    /// Reads the table `[ledgers]`.
    pub(super) fn read(
        document: &Document,
        value: &Spanned<DeValue<'_>>,
        found: &mut Vec<Problem>,
    ) -> Marks {
        let shape = "write [ledgers.\"name or folder\"] and below it accent and label";
        let Some(table) = value.get_ref().as_table() else {
            found.push(document.problem(value.span(), "ledgers must be a table", shape));
            return Marks::default();
        };
        let mut marks = Vec::new();
        for (key, value) in table {
            match value.get_ref().as_table() {
                Some(table) => {
                    let mark = Mark::of(document, table, found);
                    marks.extend(mark.map(|mark| (key.get_ref().to_string(), mark)));
                }
                None => found.push(document.problem(value.span(), "this must be a table", shape)),
            }
        }
        Marks(marks)
    }

    /// Returns how the user marked the ledger in `folder`, called `name` on screen. A folder is that of the ledger or the
    /// one around it, and goes before a name, which other ledgers may have too.
    pub(super) fn find(&self, name: &str, folder: &Path) -> Option<&Mark> {
        let at = |key: &str| {
            let path = Path::new(key);
            path.is_absolute() && (folder == path || folder.parent() == Some(path))
        };
        let by_folder = self.0.iter().find(|(key, _)| at(key));
        let by_name = || self.0.iter().find(|(key, _)| key == name);
        by_folder.or_else(by_name).map(|(_, mark)| mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> (Option<Mark>, String) {
        let (mark, problems) = Mark::read(&Document::new("obeya.toml", text));
        let lines = problems.iter().map(|problem| format!("{problem}\n"));
        (mark, lines.collect())
    }

    #[test]
    fn marks_are_read_and_mistakes_are_placed() {
        let (mark, problems) = read("accent = 'orange'\nlabel = ' STAGING '");
        assert_eq!(problems, "");
        let wanted = Mark {
            label: Some("STAGING".into()),
            accent: Accent::Orange,
        };
        assert_eq!(mark, Some(wanted));
        assert_eq!(read("").0, None);
        let (mark, problems) =
            read("label = \"P\\u001b[2JROD\\u202e\"\naccent = 'pink'\ncolour = 1\n");
        insta::assert_snapshot!(problems, @r"
        obeya.toml:2:10: this is no accent; use red, orange, yellow, green, cyan, blue, violet
        obeya.toml:3:1: a ledger has no 'colour'; use accent and label
        ");
        let mark = mark.map(|mark| (mark.label, mark.accent));
        assert_eq!(mark, Some((Some("PROD".into()), Accent::Red)));
        let (mark, problems) = read("label = 'the one that is for production'");
        assert_eq!(mark, None);
        assert!(
            problems.contains("1:9: the label is too long"),
            "{problems}"
        );
    }

    #[test]
    fn a_folder_goes_before_a_name() {
        let text = "[ledgers.shop]\naccent = 'green'\n[ledgers.'/srv/shop']\naccent = 'red'\n[ledgers.x]\ny = 1\n";
        let document = Document::new("config.toml", text);
        let (table, _) = document.parse();
        let mut found = Vec::new();
        let marks = table
            .get("ledgers")
            .map(|value| Marks::read(&document, value, &mut found))
            .unwrap_or_default();
        let accent = |name: &str, folder: &str| {
            let mark = marks.find(name, Path::new(folder));
            mark.map(|mark| mark.accent)
        };
        assert_eq!(accent("shop", "/srv/shop/.obeya"), Some(Accent::Red));
        assert_eq!(accent("shop", "/srv/shop"), Some(Accent::Red));
        assert_eq!(accent("shop", "/home/a/shop/.obeya"), Some(Accent::Green));
        assert_eq!(accent("other", "/srv/other/.obeya"), None);
        assert_eq!(found.len(), 1);
    }
}

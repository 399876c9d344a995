//! What may stand where the cursor is: words of the grammar, and the names that the ledger knows.

use reedline::{Completer, Span, Suggestion};

use super::session::{Session, is_elsewhere};
use crate::{
    cli::{complete_line, line::split},
    domain::query::names::{Name, NameQuery, NameSort},
    text,
};

/// The most suggestions: what does not fit a screen is found by typing on.
const MOST: usize = 40;
/// The cells of a title beside its id.
const ABOUT: usize = 60;

/// Words of the shell itself, which the grammar does not have.
const OWN: &[(&str, &str)] = &[
    ("exit", "Leave"),
    ("help", "List what can be typed, or tell of a noun"),
    ("quit", "Leave"),
];

/// Completes lines of a session.
pub(super) struct Completion(pub(super) Session);

impl Completer for Completion {
    fn complete(&mut self, line: &str, position: usize) -> Vec<Suggestion> {
        let typed = line.get(..position).unwrap_or_default();
        suggest(typed, &mut |query| self.0.names(query))
    }
}

/// Returns what may stand in the place of the last word of what was typed. `ask` knows the ledger's names.
fn suggest(typed: &str, ask: &mut dyn FnMut(NameQuery) -> Vec<Name>) -> Vec<Suggestion> {
    let start = typed.rfind('\n').map_or(0, |end| end + 1);
    let line = typed.get(start..).unwrap_or_default();
    // What is read past before the grammar begins.
    let skipped = ["obeya ", "help "]
        .iter()
        .find_map(|word| line.strip_prefix(word))
        .map_or(0, |rest| line.len() - rest.len());
    let rest = line.get(skipped..).unwrap_or_default();
    let found = complete_line(rest);
    // Where the word is quoted, its place in the line is not that in the word.
    let Some(word) = rest
        .get(found.from..)
        .filter(|word| !word.contains(['"', '\'', '\\']))
    else {
        return vec![];
    };
    let first = rest.trim_start().len() == word.len();
    let own = OWN
        .iter()
        .filter(|(name, _)| first && skipped == 0 && name.starts_with(word));
    let own = own.map(|(name, about)| ((*name).to_owned(), (*about).to_owned()));
    let words = found.words.into_iter();
    let words = words.filter(|(name, _)| !(first && is_elsewhere(name)));
    let sort = found.value.and_then(|value| sort(&value, rest));
    let names = sort.map(|sort| {
        ask(NameQuery {
            sort,
            typed: word.to_owned(),
            limit: Some(MOST),
        })
    });
    let names = names.unwrap_or_default().into_iter();
    let names = names.map(|name| (quoted(&name.name), name.about));
    let span = Span::new(start + skipped + found.from, typed.len());
    let all = words.chain(own).chain(names).take(MOST);
    all.map(|(value, about)| suggestion(value, &about, span))
        .collect()
}

fn suggestion(value: String, about: &str, span: Span) -> Suggestion {
    let about = text::clean(about);
    let about = text::cut(&about, ABOUT, "…").into_owned();
    Suggestion {
        value,
        description: (!about.is_empty()).then_some(about),
        span,
        append_whitespace: true,
        ..Suggestion::default()
    }
}

/// Returns which names belong where help says `value`, in a line that begins so.
fn sort(value: &str, line: &str) -> Option<NameSort> {
    let words = split(line).unwrap_or_default();
    let noun = words.first().map(|word| &**word).unwrap_or_default();
    match value {
        "ID" | "FROM" | "TO" | "SUBJECT" | "TARGET" => Some(NameSort::Order),
        "EPIC" => Some(NameSort::Epic),
        "ALERT" => Some(NameSort::Alert),
        "STAGE" => Some(NameSort::Stage),
        // Themes, keymaps and systems have names too, and an actor is mostly a person.
        "NAME" => {
            let actor = words.iter().rev().take(2).any(|word| word == "--actor");
            (!actor && !matches!(noun, "theme" | "keymap" | "import")).then_some(NameSort::Agent)
        }
        _ => None,
    }
}

/// Returns a name as it is typed: in quotes where a blank or a quote would part it.
fn quoted(name: &str) -> String {
    let name = text::clean(name);
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\' | '#');
    match name.chars().all(plain) && !name.is_empty() {
        true => name.into_owned(),
        false => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

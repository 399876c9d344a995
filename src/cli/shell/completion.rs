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
    // What is to be finished or handed on is in progress, mostly.
    let verb = words.get(1).map(|word| &**word).unwrap_or_default();
    let on = matches!(noun, "work-order" | "wo")
        && matches!(verb, "complete" | "move" | "release" | "heartbeat");
    match value {
        "ID" if on => Some(NameSort::Started),
        "ID" | "ON" | "FROM" | "TO" | "SUBJECT" | "TARGET" => Some(NameSort::Order),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(query: NameQuery) -> Vec<Name> {
        let known = match query.sort {
            NameSort::Order | NameSort::Started => {
                vec![("WO-001", "First \u{1b}[31mone"), ("EPIC-001", "Payments")]
            }
            NameSort::Epic => vec![("EPIC-001", "Payments")],
            NameSort::Alert => vec![("ALERT-001", "it burns")],
            NameSort::Agent => vec![("rust-dev", "developer"), ("two words", "")],
            NameSort::Stage => vec![("code", "")],
        };
        let fits = |name: &str| name.to_lowercase().starts_with(&query.typed.to_lowercase());
        let known = known.into_iter().filter(|(name, _)| fits(name));
        let known = known.map(|(name, about)| Name {
            name: name.into(),
            about: about.into(),
        });
        known.collect()
    }

    /// Returns the line as it would be with each suggestion taken.
    fn lines(typed: &str) -> Vec<String> {
        let suggestions = suggest(typed, &mut names);
        let taken = suggestions.into_iter().map(|one| {
            let kept = typed.get(..one.span.start).unwrap_or("no place");
            format!("{kept}{}", one.value)
        });
        taken.collect()
    }

    #[test]
    fn words_and_names_stand_where_they_belong() {
        assert_eq!(lines("metr"), ["metrics"]);
        assert_eq!(lines("obeya wo sho"), ["obeya wo show"]);
        assert_eq!(lines("wo show wo"), ["wo show WO-001"]);
        assert_eq!(lines("deps graph ep"), ["deps graph EPIC-001"]);
        assert_eq!(lines("andon ack "), ["andon ack ALERT-001"]);
        assert_eq!(lines("agents status rust"), ["agents status rust-dev"]);
        assert_eq!(lines("agents status tw"), ["agents status \"two words\""]);
        assert_eq!(lines("wo move WO-001 c"), ["wo move WO-001 code"]);
        assert_eq!(lines("debug trace-agent r"), ["debug trace-agent rust-dev"]);
        assert_eq!(lines("wo list --buck"), ["wo list --bucket"]);
        assert_eq!(lines("wo list --bucket=sec"), ["wo list --bucket=security"]);
        assert_eq!(lines("help rep"), ["help report"]);
        assert_eq!(lines("wo list\nwo show WO"), ["wo list\nwo show WO-001"]);
        assert_eq!(lines("exi"), ["exit"]);
        assert_eq!(sort("ID", "wo complete "), Some(NameSort::Started));
        assert_eq!(sort("ID", "wo start "), Some(NameSort::Order));
        // Not where it would be a part of a quoted text, and not what has no place here.
        assert!(lines("wo show \"WO").is_empty() && lines("wo show \"é\"W").is_empty());
        assert!(lines("wo \"li\"s").is_empty());
        assert!(lines("shel").is_empty() && lines("dem").is_empty());
        assert!(
            lines("theme show r")
                .iter()
                .all(|line| !line.contains("rust"))
        );
        let about = suggest("wo show WO", &mut names).remove(0).description;
        assert_eq!(about.as_deref(), Some("First one"));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_replaced_within_the_line(
            words in prop::collection::vec("wo|show|help|obeya|--json|--bucket=|[\"'\\\\]|\\PC{0,3}|\n", 0..6),
            blank in "[ \t]{0,2}",
        ) {
            let typed = words.join(&blank);
            for one in suggest(&typed, &mut names) {
                prop_assert!(one.span.end == typed.len() && typed.is_char_boundary(one.span.start));
            }
        }
    }
}

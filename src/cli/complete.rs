//! What may come next in a line of the grammar: its words with what they do, or the sort of value that belongs there.

use std::borrow::Cow;

use clap::{Arg, ArgAction, Command};

use super::{grammar, line::split};

/// What may stand in the place of a line's last word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte of the line at which that word begins.
    pub from: usize,
    /// The words that fit, each with what it does.
    pub words: Vec<(String, String)>,
    /// What sort of value belongs there, as help calls it (`ID`, `ALERT`, `NAME`), where that is not a fixed word.
    pub value: Option<String>,
}

/// Returns what may stand in the place of the last word of a line: nouns, then verbs, then what the verb takes.
pub fn complete_line(line: &str) -> Completion {
    let Ok(mut words) = split(line) else {
        return Completion::default();
    };
    let fresh = line.chars().next_back().is_none_or(char::is_whitespace);
    let unfinished = match fresh {
        true => Cow::Borrowed(""),
        false => words.pop().unwrap_or_default(),
    };
    let mut found = Completion {
        from: line.len().saturating_sub(unfinished.len()),
        ..Completion::default()
    };
    let mut tree = grammar::tree();
    tree.build();
    let mut here = &tree;
    let mut rest = words.iter();
    while here.has_subcommands() {
        let Some(word) = rest.next() else {
            let verbs = here.get_subcommands();
            let verbs = verbs.map(|verb| (verb.get_name().to_owned(), about(verb.get_about())));
            found.words = verbs.collect();
            return found.fitting(&unfinished);
        };
        match here.find_subcommand(&**word) {
            Some(beneath) => here = beneath,
            None => return found,
        }
    }
    let (given, place) = given(here, rest.map(|word| &**word));
    match (place, unfinished.strip_prefix('-').is_some()) {
        (Place::Value(option), _) => found.of(option, &unfinished),
        (Place::Positional(at), false) => match here.get_positionals().nth(at) {
            Some(arg) => found.of(arg, &unfinished),
            None => found.options(here, &given).fitting(&unfinished),
        },
        (Place::Positional(_), true) => match unfinished.split_once('=') {
            Some((name, value)) => {
                found.from += name.len() + 1;
                match named(here, name) {
                    Some(option) => found.of(option, value),
                    None => found,
                }
            }
            None => found.options(here, &given).fitting(&unfinished),
        },
    }
}

/// Where the last word of a line stands.
enum Place<'a> {
    /// Behind an option that takes a value.
    Value(&'a Arg),
    /// Behind so many that stand by themselves.
    Positional(usize),
}

fn named<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let long = word.strip_prefix("--")?;
    let mut args = command.get_arguments();
    args.find(|arg| {
        let aliases = arg.get_visible_aliases().unwrap_or_default();
        arg.get_long() == Some(long) || aliases.contains(&long)
    })
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Returns the options that were given, and where the next word stands.
fn given<'a, 'b>(
    command: &'a Command,
    words: impl Iterator<Item = &'b str>,
) -> (Vec<&'a Arg>, Place<'a>) {
    let (mut given, mut positionals, mut waiting) = (Vec::new(), 0, None);
    for word in words {
        if waiting.take().is_some() {
            continue;
        }
        let name = word.split('=').next().unwrap_or(word);
        match named(command, name) {
            Some(arg) => {
                given.push(arg);
                waiting = Some(arg).filter(|arg| takes_value(arg) && name.len() == word.len());
            }
            None => positionals += usize::from(!word.starts_with("--")),
        }
    }
    let place = waiting.map_or(Place::Positional(positionals), Place::Value);
    (given, place)
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

impl Completion {
    /// Keeps the words that begin so.
    fn fitting(mut self, unfinished: &str) -> Self {
        self.words.retain(|(word, _)| word.starts_with(unfinished));
        self
    }

    /// Takes the options that may still be given: the command's own first, then those that every command takes.
    fn options(mut self, command: &Command, given: &[&Arg]) -> Self {
        let open = |arg: &&Arg| {
            let again = matches!(arg.get_action(), ArgAction::Append);
            again || !given.iter().any(|other| other.get_id() == arg.get_id())
        };
        let (own, everywhere): (Vec<&Arg>, Vec<&Arg>) = command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set())
            .filter(open)
            .partition(|arg| !arg.is_global_set());
        let options = own.into_iter().chain(everywhere);
        self.words = options
            .filter_map(|arg| Some((format!("--{}", arg.get_long()?), about(arg.get_help()))))
            .collect();
        self
    }

    /// Takes the values of an argument: its words, or what sort of value it is.
    fn of(mut self, arg: &Arg, unfinished: &str) -> Self {
        // Of several behind one another, the last is being typed.
        let typed = match arg.get_value_delimiter().and_then(|c| unfinished.rfind(c)) {
            Some(at) => at + 1,
            None => 0,
        };
        let unfinished = unfinished.get(typed..).unwrap_or_default();
        self.from += typed;
        let words = arg.get_possible_values();
        if words.is_empty() {
            let name = arg.get_value_names().and_then(|names| names.first());
            self.value = name.map(ToString::to_string);
        }
        self.words = words
            .iter()
            .map(|word| (word.get_name().to_owned(), about(word.get_help())))
            .collect();
        self.fitting(unfinished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let words = complete_line(line).words.into_iter();
        words.map(|(word, _)| word).collect()
    }

    #[test]
    fn nouns_verbs_and_options_follow_one_another() {
        assert_eq!(words("rep"), ["report"]);
        assert_eq!(words("wo com"), ["complete", "comment"]);
        assert!(words("").contains(&"andon".to_owned()));
        assert_eq!(words("work-order create --ti"), ["--title"]);
        assert!(words("nonsense ").is_empty() && words("wo nonsense ").is_empty());
        let options = words("wo cancel WO-001 ");
        assert_eq!(options.first().map(String::as_str), Some("--reason"));
        assert!(!words("wo cancel WO-001 --reason x --").contains(&"--reason".to_owned()));
        let about = complete_line("wo canc").words;
        assert_eq!(about[0].1, "Cancel a work order");
    }

    #[test]
    fn values_are_words_or_a_sort_of_thing() {
        assert_eq!(words("wo create --bucket sec"), ["security"]);
        assert_eq!(words("wo next --bucket=cost,te"), ["technical_debt"]);
        assert_eq!(complete_line("wo next --bucket=cost,te").from, 22);
        let sort = |line: &str| complete_line(line).value.unwrap_or_default();
        assert_eq!(sort("wo show "), "ID");
        assert_eq!(sort("wo show WO-0"), "ID");
        assert_eq!(sort("andon resolve "), "ALERT");
        assert_eq!(sort("wo claim WO-001 --agent "), "NAME");
        assert_eq!(sort("wo move WO-001 "), "STAGE");
        assert_eq!(complete_line("wo show WO-0").from, 8);
    }
}

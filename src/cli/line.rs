//! The console's `:`: the same grammar, one line, nothing on the terminal.

use std::borrow::Cow;

use clap::{ArgMatches, error::ErrorKind};

use super::{
    context::{Call, Globals},
    dispatch,
    error::CliError,
    grammar, innermost,
    output::Style,
};
use crate::{
    domain::{command::Role, order::Actor},
    link::{Connection, Operator},
    text,
};

/// Who types, and where the answer is shown.
#[derive(Clone, Debug)]
pub struct LineContext {
    /// Who acts, where the line does not say otherwise.
    pub actor: Actor,
    /// What the actor may do.
    pub role: Role,
    /// The way to the line that the console is on, for what lies beside it; without it such commands are refused.
    pub connection: Option<Connection>,
    /// The cells of a line of the answer.
    pub width: usize,
    /// Whether the terminal can show more than ASCII.
    pub unicode: bool,
}

/// What a line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOutput {
    /// What to show, cleaned, without colours.
    pub text: String,
    /// Whether it was not done.
    pub failed: bool,
}

/// Runs one line of the command line's grammar, without the program's name, on an engine that is there already.
/// What belongs in a shell is refused with a word.
pub fn run_line(line: &str, operator: &mut dyn Operator, context: &LineContext) -> LineOutput {
    match try_line(line, operator, context) {
        Ok(output) => output,
        Err(error) => LineOutput {
            text: error.to_string(),
            failed: true,
        },
    }
}

fn try_line(
    line: &str,
    operator: &mut dyn Operator,
    context: &LineContext,
) -> Result<LineOutput, CliError> {
    let matches = match read(&split(line)?)? {
        Read::Help(text) => {
            return Ok(LineOutput {
                text,
                failed: false,
            });
        }
        Read::Matches(matches) => matches,
    };
    let Some((noun, beneath)) = matches.subcommand() else {
        return Err(CliError::Usage("type a command, or help".into()));
    };
    let inner = innermost(&matches);
    let globals = Globals::read(inner)?.or_actor(&context.actor, context.role);
    if globals.choice.is_made() {
        let what = "the console stays with its ledger: leave --ledger, --attach and --context out";
        return Err(CliError::Usage(what.into()));
    }
    let style = Style {
        json: inner.get_flag("json"),
        colour: false,
        pretty: true,
        width: Some(context.width.max(1)),
        unicode: context.unicode,
    };
    let mut call = Call::line(globals, style, operator, context.connection.clone());
    let done = dispatch(noun, beneath, &mut call);
    let mut text = call.out.into_text();
    let failed = done.is_err();
    if let Err(error) = done {
        text.push_str(&error.to_string());
    }
    Ok(LineOutput { text, failed })
}

/// What words come to.
pub(super) enum Read {
    /// The help that they ask for.
    Help(String),
    /// A command.
    Matches(ArgMatches),
}

/// Reads words by the grammar, without the program's name.
pub(super) fn read(words: &[Cow<'_, str>]) -> Result<Read, CliError> {
    let tree = grammar::tree().no_binary_name(true);
    match tree.try_get_matches_from(words.iter().map(|word| &**word)) {
        Ok(matches) => Ok(Read::Matches(matches)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let text = error.render().to_string();
                Ok(Read::Help(text::clean_block(&text).into_owned()))
            }
            _ => Err(CliError::Usage(usage(&error))),
        },
    }
}

/// Returns clap's message without the word before it, which we print ourselves.
pub(super) fn usage(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.trim_end();
    text.strip_prefix("error: ").unwrap_or(text).to_owned()
}

/// Returns the words of a line as a shell splits them: blanks part words, quotes keep them together, a backslash keeps
/// the next character as it is. Nothing is expanded.
pub(super) fn split(line: &str) -> Result<Vec<Cow<'_, str>>, CliError> {
    split_until(line, None)
}

/// Returns the words of a script's line: the same, without the comment that a word with `#` before it begins.
pub(super) fn split_script(line: &str) -> Result<Vec<Cow<'_, str>>, CliError> {
    split_until(line, Some('#'))
}

fn split_until(line: &str, comment: Option<char>) -> Result<Vec<Cow<'_, str>>, CliError> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if word.is_none() && Some(c) == comment => break,
            (None, c) if c.is_whitespace() => words.extend(word.take().map(Cow::Owned)),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(CliError::Usage(format!("a quote {open} is not closed")));
    }
    words.extend(word.map(Cow::Owned));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, wanted: &[&str]) {
        let words = split(line).unwrap_or_default();
        assert_eq!(words, wanted, "{line}");
    }

    #[test]
    fn lines_split_as_in_a_shell() {
        check("wo list", &["wo", "list"]);
        check("  a \t b  ", &["a", "b"]);
        check(
            r#"wo create --title "two words""#,
            &["wo", "create", "--title", "two words"],
        );
        check(r#"a'b "c'd"#, &[r#"ab "cd"#]);
        check(r#"'' """#, &["", ""]);
        check(r#"a\ b \" "\"""#, &["a b", "\"", "\""]);
        check("", &[]);
        check("a # b", &["a", "#", "b"]);
        let script = |line| split_script(line).unwrap_or_default();
        assert_eq!(script("a b#c '# d' # e 'f"), ["a", "b#c", "# d"]);
        assert!(script("  # nothing").is_empty());
        assert!(split("'open").is_err() && split("\"open").is_err());
    }
}

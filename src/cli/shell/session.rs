//! What lasts from line to line, and what one line does.

use std::{
    borrow::Cow,
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::MAX_LINE;
use crate::{
    cli::{
        context::{Call, Globals, Open},
        dispatch,
        error::{CliError, EXIT_REFUSED},
        grammar::NOUNS,
        innermost,
        line::{Read, read, split_script},
        output::{Colour, Output, Sink, Style, Tone},
    },
    config::{Config, Mark, process_env},
    domain::query::{
        Answer, Query,
        names::{Name, NameQuery},
    },
    link::Chosen,
};

/// What is said at the end of the list of what can be typed.
const HELP: &str =
    "help NOUN tells its verbs, help NOUN VERB what one takes; exit or Ctrl-D leaves.";

/// What a line came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The next one, please.
    Next,
    /// It was not done, with this code; that has been said.
    Failed(u8),
    /// The session is over.
    Over,
}

/// The engine between two lines, and while a line is completed.
#[derive(Clone, Default)]
pub(super) struct Engine(Arc<Mutex<Open>>);

impl Engine {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session.
#[derive(Clone)]
pub(super) struct Session {
    globals: Globals,
    json: bool,
    colour: Colour,
    engine: Engine,
}

impl Session {
    /// Returns a session of whoever opened it.
    pub(super) fn new(call: &Call<'_>, colour: Colour) -> Self {
        Session {
            globals: call.globals.clone(),
            json: call.json(),
            colour,
            engine: Engine::default(),
        }
    }

    /// Returns the style of what is printed between lines.
    pub(super) fn style(&self) -> Style {
        Style::stdout(self.json, self.colour)
    }

    /// Returns the ledger's name and its mark, or None where there is no ledger.
    pub(super) fn ledger(&self) -> Option<(String, Option<Mark>)> {
        let call = Call::session(self.globals.clone(), self.style(), Open::default());
        let (name, place) = match call.chosen().ok()? {
            Chosen::Ledger(place) => (place.name(), place.home.path().to_owned()),
            Chosen::Engine(target, _) => (target.name(), target.address.to_string().into()),
        };
        let (config, _) = Config::load(&process_env, &[]);
        let (mark, _) = config.mark(&name, &place);
        Some((name, mark))
    }

    /// Returns names that fit; none where the ledger cannot be asked.
    pub(super) fn names(&self, query: NameQuery) -> Vec<Name> {
        let mut call = self.call(self.globals.clone(), self.style());
        let answer = call.ask(&Query::Names(query));
        *self.engine.lock() = call.into_open();
        match answer {
            Ok(Answer::Names(found)) => found.names,
            _ => vec![],
        }
    }

    fn call(&self, globals: Globals, style: Style) -> Call<'static> {
        Call::session(globals, style, std::mem::take(&mut *self.engine.lock()))
    }

    /// Does one line. `number` is its place in a script, to be said where it fails.
    pub(super) fn line(&mut self, line: &str, number: Option<u64>) -> Came {
        let mut json = self.json;
        match self.step(line, &mut json) {
            Ok(came) => came,
            Err(CliError::Closed) => Came::Over,
            Err(error) => self.tell(json, number, &error),
        }
    }

    fn step(&self, line: &str, json: &mut bool) -> Result<Came, CliError> {
        if line.len() > MAX_LINE {
            return Err(CliError::Usage(too_long()));
        }
        let mut words = split_script(line)?;
        *json |= words
            .iter()
            .take_while(|word| *word != "--")
            .any(|word| word == "--json");
        // Lines of the manual can be pasted as they are.
        let named = words.first().is_some_and(|word| word == "obeya");
        if named {
            words.remove(0);
        }
        let plain: Vec<&str> = words.iter().map(|word| &**word).collect();
        match plain.as_slice() {
            [] if named => Err(no_console()),
            [] => Ok(Came::Next),
            ["exit" | "quit"] => Ok(Came::Over),
            [leave @ ("exit" | "quit"), first, ..] => {
                let first = crate::text::clean(first);
                let what = format!("{leave} takes no arguments: leave '{first}' out");
                Err(CliError::Usage(what))
            }
            ["help"] => self.help(),
            ["help", ..] => {
                words.remove(0);
                words.push("--help".into());
                self.command(&words, json)
            }
            _ => self.command(&words, json),
        }
    }

    fn command(&self, words: &[Cow<'_, str>], json: &mut bool) -> Result<Came, CliError> {
        let matches = match read(words).map_err(|error| in_short(error, words))? {
            Read::Help(text) => {
                let mut out = Output::new(self.style(), Sink::Stdout);
                out.verbatim(&text)?;
                out.flush()?;
                return Ok(Came::Next);
            }
            Read::Matches(matches) => matches,
        };
        let Some((noun, beneath)) = matches.subcommand() else {
            return Err(no_console());
        };
        let inner = innermost(&matches);
        *json |= inner.get_flag("json");
        let globals = Globals::read(inner)?;
        if globals.choice.is_made() {
            let what =
                "a session stays with its ledger: leave --ledger, --attach and --context out";
            return Err(CliError::Usage(what.into()));
        }
        let colour = inner.get_one("color").copied().unwrap_or(self.colour);
        let style = Style::stdout(*json, colour);
        let mut call = self.call(globals.or_session(&self.globals), style);
        let done = dispatch(noun, beneath, &mut call);
        // What there is comes before the error.
        let flushed = call.out.flush();
        *self.engine.lock() = call.into_open();
        flushed.and(done).map(|()| Came::Next)
    }

    fn help(&self) -> Result<Came, CliError> {
        let mut out = Output::new(self.style(), Sink::Stdout);
        for noun in NOUNS.iter().filter(|noun| !is_elsewhere(noun.name)) {
            let name = match noun.alias {
                Some(alias) => format!("  {} ({alias})", noun.name),
                None => format!("  {}", noun.name),
            };
            let name = crate::text::pad(&name, 20);
            out.spans(&[
                (Tone::Head, &name),
                (Tone::Plain, " "),
                (Tone::Plain, noun.about),
            ])?;
        }
        out.line(HELP)?;
        out.flush()?;
        Ok(Came::Next)
    }

    /// Says of a line that it makes no sense, and why.
    pub(super) fn refuse(&self, number: Option<u64>, what: String) -> Came {
        self.tell(self.json, number, &CliError::Usage(what))
    }

    /// Says why a line was not done: as JSON on standard output, else on standard error.
    fn tell(&self, json: bool, number: Option<u64>, error: &CliError) -> Came {
        if json {
            let Some(mut document) = error.document() else {
                return Came::Failed(error.code());
            };
            if let Some(number) = number {
                document["line"] = number.into();
            }
            let mut out = Output::new(Style::stdout(true, self.colour), Sink::Stdout);
            return match out.json(&document).and_then(|()| out.flush()) {
                Ok(()) => Came::Failed(error.code()),
                Err(_) => Came::Over,
            };
        }
        let mut text = error.to_string();
        if text.is_empty() && error.code() == EXIT_REFUSED && number.is_some() {
            text.push_str("what was checked is not right");
        }
        if let Some(number) = number {
            text.insert_str(0, &format!("line {number}: "));
        }
        if !text.is_empty() {
            // Where standard error is gone nobody is left to tell.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
        Came::Failed(error.code())
    }
}

/// Returns whether a noun takes a process of its own, so that it is not offered here.
pub(super) fn is_elsewhere(noun: &str) -> bool {
    matches!(noun, "shell" | "demo" | "watch")
}

/// Returns what is said of a line that is too long.
pub(super) fn too_long() -> String {
    format!("a line has at most {} KiB", MAX_LINE / 1024)
}

/// Returns what is wrong with a line's words in one line, with where the shell itself tells more: clap's own advice is for
/// a command line.
fn in_short(error: CliError, words: &[Cow<'_, str>]) -> CliError {
    let CliError::Usage(text) = error else {
        return error;
    };
    let first = text.lines().take_while(|line| !line.trim().is_empty());
    let first: Vec<&str> = first.map(str::trim).collect();
    let named = NOUNS.iter().find(|noun| {
        words
            .first()
            .is_some_and(|word| *word == noun.name || noun.alias == Some(&**word))
    });
    let hint = match named {
        Some(noun) => format!("help {} tells more", noun.name),
        None => "help lists what can be typed".to_owned(),
    };
    CliError::Usage(format!("{}; {hint}", first.join(" ")))
}

fn no_console() -> CliError {
    CliError::Usage(
        "the console has no place in obeya shell: run it as a command of its own".into(),
    )
}

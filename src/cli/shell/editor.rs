//! Lines typed at a terminal: a prompt, a history, completions, hints.

use std::{
    borrow::Cow,
    io::{self, Write as _},
};

use reedline::{
    Color, ColumnarMenu, DefaultHinter, Emacs, Highlighter, KeyCode, KeyModifiers,
    MenuBuilder as _, Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus,
    Reedline, ReedlineEvent, ReedlineMenu, Signal, StyledText, default_emacs_keybindings,
};

use super::{
    completion::Completion,
    history,
    script::{self, Reader},
    session::{Came, Session},
};
use crate::{cli::error::Done, config::Accent, text};

/// The menu of completions.
const MENU: &str = "completions";
/// What stands between the ledger's name and what is typed.
const INDICATOR: &str = "> ";

/// Does what is typed, line by line, until somebody leaves.
pub(super) fn run(session: &mut Session) -> Done {
    let (history, forgotten) = history::open();
    if let Some(why) = forgotten {
        note(&why);
    }
    let mut editor = editor(session).with_history(history);
    loop {
        match editor.read_line(&Ledger::of(session)) {
            // A pasted text may have several lines.
            Ok(Signal::Success(typed)) => {
                let over = typed
                    .lines()
                    .any(|line| session.line(line, None) == Came::Over);
                // A history that cannot be written is no reason to stop working.
                let _ = editor.sync_history();
                if over {
                    return Ok(());
                }
            }
            Ok(Signal::CtrlD) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                drop(editor);
                note(&format!("this terminal cannot be edited in: {error}"));
                return script::run(session, Reader::Dialogue);
            }
        }
    }
}

fn note(text: &str) {
    // Where the terminal is gone nobody is left to tell.
    let _ = writeln!(io::stderr().lock(), "note: {}", text::clean(text));
}

fn editor(session: &Session) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let tab = [ReedlineEvent::Menu(MENU.into()), ReedlineEvent::MenuNext];
    let tab = ReedlineEvent::UntilFound(tab.into());
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, tab);
    keys.add_binding(
        KeyModifiers::SHIFT,
        KeyCode::BackTab,
        ReedlineEvent::MenuPrevious,
    );
    let menu = ColumnarMenu::default()
        .with_name(MENU)
        .with_marker(INDICATOR);
    Reedline::create()
        .with_ansi_colors(session.style().colour)
        .with_completer(Box::new(Completion(session.clone())))
        .with_quick_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_hinter(Box::new(DefaultHinter::default()))
        .with_highlighter(Box::new(Plain))
        .with_history_exclusion_prefix(Some(" ".into()))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .use_bracketed_paste(true)
}

/// Shows what is typed as it is.
struct Plain;

impl Highlighter for Plain {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        let mut text = StyledText::new();
        text.push((Default::default(), line.to_owned()));
        text
    }
}

/// The ledger's name before the line, in its mark's colour.
struct Ledger {
    name: String,
    colour: Color,
}

impl Ledger {
    fn of(session: &Session) -> Self {
        let Some((name, mark)) = session.ledger() else {
            return Ledger {
                name: "no ledger".into(),
                colour: Color::Reset,
            };
        };
        let label = mark.as_ref().and_then(|mark| mark.label.as_ref());
        Ledger {
            name: label.map_or_else(|| name.clone(), |label| format!("[{label}] {name}")),
            colour: mark.map_or(Color::Reset, |mark| colour(mark.accent)),
        }
    }
}

/// Returns an accent in the terminal's own colours.
fn colour(accent: Accent) -> Color {
    match accent {
        Accent::Red => Color::Red,
        Accent::Orange | Accent::Yellow => Color::Yellow,
        Accent::Green => Color::Green,
        Accent::Cyan => Color::Cyan,
        Accent::Blue => Color::Blue,
        Accent::Violet => Color::Magenta,
    }
}

impl Prompt for Ledger {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        (&*self.name).into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        INDICATOR.into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        INDICATOR.into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let nothing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing ",
        };
        format!(" ({nothing}with '{}'){INDICATOR}", search.term).into()
    }

    fn get_prompt_color(&self) -> Color {
        self.colour
    }

    fn get_indicator_color(&self) -> Color {
        Color::Reset
    }
}

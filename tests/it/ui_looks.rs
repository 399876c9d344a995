//! Themes, marks and keymaps as the console wears them.

use obeya::{
    config::{Accent, ColorDepth, Document, GlyphSet, Mark},
    domain::command::Role,
    ui::{
        action::Action,
        effect::Effect,
        keymap::{self, Keymap},
        look::{Look, Wanted},
        msg::Msg,
        theme::{self, Role as Meaning, Theme},
    },
};
use ratatui::style::Color;

use crate::support::{
    console::{Console, lacks, shows},
    sample,
};

const WIDE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);

fn themed(name: &str) -> Theme {
    theme::load(name, &|_| Ok(None), ColorDepth::True, GlyphSet::Unicode).0
}

fn themes() -> Msg {
    Msg::Themes(theme::names().map(themed).collect())
}

fn keys_of(name: &str) -> Keymap {
    keymap::load(name, &|_| Ok(None), None, &Action::is_known).0
}

fn marked(size: (u16, u16), depth: ColorDepth, label: Option<&str>) -> Console {
    let glyphs = GlyphSet::Unicode;
    let mut console = Console::with(sample::line(), size, depth, glyphs, Role::Operator);
    let mark = Mark {
        label: label.map(str::to_owned),
        accent: Accent::Red,
    };
    let look = Look {
        theme: Theme::dark(depth, glyphs),
        keymap: keys_of("vim"),
        mark: Some(mark),
        problems: Vec::new(),
    };
    console.tell(Msg::Look(Box::new(look)));
    console
}

#[test]
fn a_theme_is_tried_on_and_given_back() {
    let mut console = Console::new(sample::line(), WIDE);
    console.keys("2:themes<enter>");
    assert_eq!(console.wishes, [Effect::Files(Wanted::Themes)]);
    console.tell(themes());
    shows(&console, "high-contrast");
    assert_eq!(console.model.theme.name(), "dark");
    console.keys("<down>");
    assert_eq!(console.model.theme.name(), "light");
    // The view beside the list is drawn in it too.
    let white = Some(Color::Rgb(255, 255, 255));
    assert_eq!(console.buffer()[(0, 20)].style().bg, white);
    console.keys("<up><down><down><esc>");
    lacks(&console, "high-contrast");
    assert_eq!(console.model.theme, themed("dark"));
    assert_eq!(console.wishes.len(), 1);
}

#[test]
fn a_theme_is_found_by_words_and_kept() {
    let mut console = Console::new(sample::line(), SMALL);
    console.keys("2").tell(themes()).keys("nor");
    assert_eq!(console.model.theme.name(), "nord");
    // Nothing has this name: what was tried last stays until it is decided.
    console.keys("zzz");
    shows(&console, "nothing has that name");
    console.keys("<enter>");
    assert_eq!(console.model.theme.name(), "dark");
    console.tell(themes()).keys("solar<enter>");
    assert_eq!(console.model.theme, themed("solarized"));
    let kept = Effect::Files(Wanted::KeepTheme("solarized".into()));
    assert_eq!(console.wishes, [kept]);
    // What comes while the list is open is what a no returns to.
    console.tell(themes()).keys("<down>");
    let look = Look {
        theme: themed("gruvbox"),
        keymap: keys_of("vim"),
        mark: None,
        problems: Vec::new(),
    };
    console.tell(Msg::Look(Box::new(look))).keys("<esc>");
    assert_eq!(console.model.theme, themed("gruvbox"));
}

#[test]
fn a_broken_file_changes_nothing_and_says_where() {
    let mut console = Console::new(sample::line(), SMALL);
    let find = |name: &str| {
        let text = "inherits = 'dark'\n[palette]\nred = '#ff'\n[roles]\nsky = 'red'";
        Ok((name == "mine").then(|| Document::new("themes/mine.toml", text)))
    };
    let (theme, problems) = theme::load("mine", &find, ColorDepth::True, GlyphSet::Unicode);
    let keymap = keys_of("emacs");
    let look = Look {
        theme,
        keymap,
        mark: None,
        problems,
    };
    console.tell(Msg::Look(Box::new(look)));
    shows(
        &console,
        "all stays as it was: themes/mine.toml:3:7: '#ff' is no colour",
    );
    shows(&console, "to mend it, use \"#rrggbb\", an ANSI name");
    shows(&console, "or 1 more:");
    assert_eq!(console.model.theme, themed("dark"));
    assert_eq!(console.model.keymap, keys_of("vim"));
}

#[test]
fn a_marked_ledger_is_told_from_others_everywhere() {
    let mut console = marked(WIDE, ColorDepth::True, Some("PROD"));
    let red = console.model.theme.style(Meaning::AccentRed).bg;
    for view in ["1", "2", "3", "4", "5", "6", "2<enter>", "<esc>?", "<esc>o"] {
        console.keys(view);
        let screen = console.screen();
        let (first, last) = (screen.lines().next(), screen.lines().last());
        assert!(first.unwrap().starts_with("  PROD  de"), "{screen}");
        assert!(last.unwrap().ends_with("PROD"), "{screen}");
        assert_eq!(console.buffer()[(3, 0)].style().bg, red);
    }
    // A dialog has its colour around it: a question is not answered for the wrong ledger.
    let corner = console
        .buffer()
        .content()
        .iter()
        .find(|cell| cell.symbol() == "┏")
        .cloned();
    assert_eq!(corner.unwrap().style().fg, red);
}

#[test]
fn a_mark_is_a_word_where_there_is_no_colour() {
    let console = marked(SMALL, ColorDepth::None, Some("PROD"));
    assert!(
        console.screen().starts_with(" [PROD] demo"),
        "{}",
        console.screen()
    );
    let console = marked(SMALL, ColorDepth::None, None);
    assert!(
        console.screen().starts_with(" [demo] ●"),
        "{}",
        console.screen()
    );
    let console = marked((20, 5), ColorDepth::None, Some("PROD"));
    shows(&console, "[PROD] demo");
    let console = Console::new(sample::line(), SMALL);
    assert!(
        console.screen().starts_with(" demo ●"),
        "{}",
        console.screen()
    );
}

#[test]
fn an_unfinished_chord_shows_how_it_may_go_on() {
    let mut console = Console::new(sample::line(), WIDE);
    console.model.keymap = keys_of("emacs");
    console.keys("2<ctrl-x>");
    insta::assert_snapshot!(popup(&console), @r"
    ┏━ ctrl-x … ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
    ┃ h       Mark all that are shown, or none                     ┃
    ┃ ctrl-c  Leave the console                                    ┃
    ┃ k       Close, or clear the filter                           ┃
    ┃ ?       Show the keys of this view                           ┃
    ┃ o       Next view                                            ┃
    ┃ u       Take the last act back, within ten seconds           ┃
    ┃ z       Do the last act again, on what is selected or marked ┃
    ┃ m       Switch the mouse on or off                           ┃
    ┃ ctrl-f  Create a work order                                  ┃
    ┃ t       Choose a theme                                       ┃
    ┃ ctrl-r  Read themes, keys and settings anew                  ┃
    ┃ ctrl-z  Suspend to the shell                                 ┃
    ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
    ");
    console.keys("<ctrl-f>");
    shows(&console, "New work order");
    // A form has chords too, and they stand over it.
    console.keys("Parcels<ctrl-c>");
    shows(&console, "ctrl-k  Close without saving");
    console.keys("<ctrl-c>");
    shows(&console, "Parcels");
    // On a low screen there are two columns, and nothing is left out.
    let mut low = Console::new(sample::line(), (80, 10));
    low.model.keymap = keys_of("emacs");
    low.keys("2<ctrl-c>");
    for about in [
        "Complete",
        "Cancel, with",
        "Reopen",
        "priority",
        "bucket",
        "Remove a dep",
    ] {
        shows(&low, about);
    }
}

/// Returns the box at the bottom right, without what is around it.
fn popup(console: &Console) -> String {
    let screen = console.screen();
    let top = screen
        .lines()
        .position(|line| line.contains("┏━ ctrl-x"))
        .unwrap();
    let left = screen
        .lines()
        .nth(top)
        .unwrap()
        .chars()
        .position(|c| c == '┏')
        .unwrap();
    let boxed = screen
        .lines()
        .skip(top)
        .take_while(|line| line.chars().nth(left).is_some_and(|c| "┏┃┗".contains(c)));
    boxed
        .map(|line| line.chars().skip(left).collect::<String>() + "\n")
        .collect()
}

/// The acts of a day, by the keys of every shipped map.
#[test]
fn every_keymap_drives_the_board() {
    for (name, keys) in [
        ("vim", ["j", "o", ";", "4", "<esc>"]),
        ("emacs", ["n", "+", "<alt-x>", "4", "<ctrl-x>k"]),
        ("arrows", ["<down>", "<f7>", "<f3>", "4", "<esc>"]),
    ] {
        let [down, create, find, andon, back] = keys;
        let mut console = Console::new(sample::line(), WIDE);
        console.model.keymap = keys_of(name);
        console.keys("2");
        let first = console.model.board.selected;
        console.keys(down);
        assert_ne!(console.model.board.selected, first, "{name}");
        console.keys(create).keys("By hand<f2>");
        shows(&console, "By hand");
        console.keys(find).keys("andon cord<enter>");
        shows(&console, "reason");
        console.keys("<esc>").keys(andon);
        shows(&console, "ALERT-002");
        console.keys("1?").keys(back);
        lacks(&console, "Keys: overview");
    }
}

#[test]
fn what_has_no_key_is_found_by_its_words() {
    let mut console = Console::new(sample::line(), WIDE);
    console.keys("2;choose a theme<enter>");
    assert_eq!(console.wishes, [Effect::Files(Wanted::Themes)]);
    console.wishes.clear();
    console.keys(";anew settings<enter>");
    assert_eq!(console.wishes, [Effect::Files(Wanted::Look)]);
}

#[test]
fn every_theme_draws_every_view_at_every_depth() {
    for name in theme::names() {
        for depth in [
            ColorDepth::True,
            ColorDepth::Ansi256,
            ColorDepth::Ansi16,
            ColorDepth::None,
        ] {
            let mut console = Console::new(sample::stopped(), SMALL);
            console.model.theme = theme::load(name, &|_| Ok(None), depth, GlyphSet::Ascii).0;
            for keys in ["1", "2", "3", "4", "5", "6", "2<enter>", "<esc>!"] {
                console.keys(keys);
                let buffer = console.buffer();
                let text = console.model.theme.style(Meaning::Text);
                let bare = buffer.content().iter().filter(|cell| {
                    // A ground of one's own has no holes in it.
                    cell.bg == Color::Reset && text.bg != Some(Color::Reset)
                });
                let holes = if text.bg.is_some() { bare.count() } else { 0 };
                assert_eq!(holes, 0, "{name} {depth:?} {keys}");
                if depth == ColorDepth::None {
                    let plain = |color| color == Color::Reset;
                    assert!(
                        buffer.content().iter().all(|c| plain(c.fg) && plain(c.bg)),
                        "{name}"
                    );
                }
                assert!(console.screen().is_ascii(), "{name} {keys}");
            }
        }
    }
}

//! Themes from the file to the style.

use ratatui::style::{Color, Modifier, Style};

use super::*;
use crate::config::Document;

/// Loads the first of `files` and returns it with its problems, one a line.
fn check(files: &[(&str, &str)], depth: ColorDepth) -> (Theme, String) {
    let find = |name: &str| {
        let found = files.iter().find(|(called, _)| *called == name);
        Ok(found.map(|(name, text)| Document::new(format!("{name}.toml"), (*text).to_owned())))
    };
    let name = files.first().map_or("dark", |(name, _)| name);
    let (theme, problems) = load(name, &find, depth, GlyphSet::Unicode);
    (
        theme,
        problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect(),
    )
}

#[test]
fn the_shipped_themes_are_whole() {
    for name in names() {
        let none = |_: &str| Ok(None);
        let (theme, problems) = load(name, &none, ColorDepth::True, GlyphSet::Unicode);
        assert_eq!(problems, [], "{name}");
        assert_eq!(
            theme.style(Role::Text),
            Style::new().fg(Color::Reset).bg(Color::Reset)
        );
    }
}

#[test]
fn a_child_changes_its_parent() {
    let (theme, problems) = check(
        &[(
            "mine",
            "inherits = 'dark'\n[palette]\ngreen = '#00ff00'\n[roles]\nstatus.queued = 'green'",
        )],
        ColorDepth::True,
    );
    assert_eq!(problems, "");
    assert_eq!(theme.style(Role::Ok).fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(
        theme.style(Role::StatusQueued).fg,
        Some(Color::Rgb(0, 255, 0))
    );
    assert_eq!(
        theme.style(Role::Warning),
        check(&[], ColorDepth::True).0.style(Role::Warning)
    );
}

#[test]
fn a_user_may_build_upon_a_shipped_name() {
    let (theme, problems) = check(
        &[("dark", "inherits = 'dark'\n[roles]\ntitle = 'magenta'")],
        ColorDepth::True,
    );
    assert_eq!(problems, "");
    assert_eq!(theme.style(Role::Title).fg, Some(Color::Magenta));
    assert!(theme.style(Role::Ok).fg.is_some());
}

#[test]
fn a_role_without_a_style_falls_back() {
    let (theme, _) = check(
        &[("small", "[roles]\nwarning = 'yellow'")],
        ColorDepth::True,
    );
    assert_eq!(theme.style(Role::AgentStale).fg, Some(Color::Yellow));
    assert_eq!(theme.style(Role::Chart), Style::new());
}

#[test]
fn every_mistake_is_placed() {
    let (_, problems) = check(
        &[
            (
                "bad",
                "inherits = 'worse'\n[palette]\nsun = '#ff'\nsea = { color = 'blue', ansi = 1 }\n[roles]\n\
             titel = 'red'\ntitle = { fg = 'moon', bold = 1, shiny = true }\nstatus.done = 'red'\n\
             ok = \n[rolls]\n",
            ),
            ("worse", "inherits = 'bad'\n[palette]\nx = []"),
        ],
        ColorDepth::True,
    );
    insta::assert_snapshot!(problems, @r##"
    worse.toml:1:12: theme 'bad' inherits from itself; use one of your own or of these: dark
    worse.toml:3:5: a TOML array is no colour; use "#rrggbb", an ANSI name, 0 to 255 or "default"
    bad.toml:3:7: '#ff' is no colour; use "#rrggbb", an ANSI name, 0 to 255 or "default"
    bad.toml:4:7: a colour has no 'ansi'; use "#rrggbb", an ANSI name, 0 to 255 or "default"
    bad.toml:6:1: there is no role 'titel'; the roles are those of themes/dark.toml
    bad.toml:7:16: 'moon' is no colour; use a name of the palette, "#rrggbb", an ANSI name or "default"
    bad.toml:7:31: bold is on or off; use true
    bad.toml:7:42: a style has no 'shiny'; use fg, bg, bold, dim, italic, underlined or reversed
    bad.toml:8:8: there is no role 'status.done'; the roles are those of themes/dark.toml
    bad.toml:9:6: string values must be quoted, expected literal string; correct the TOML here
    bad.toml:10:2: there is no table 'rolls' in a theme; use inherits, [palette] and [roles]
    "##);
}

#[test]
fn missing_themes_and_endless_ancestors() {
    let (theme, problems) = check(&[("x", "inherits = 'gone'")], ColorDepth::True);
    assert!(
        problems.contains("x.toml:1:12: there is no theme 'gone'"),
        "{problems}"
    );
    assert_eq!(theme.style(Role::Ok), Style::new());
    let (theme, problems) = load("gone", &|_| Ok(None), ColorDepth::True, GlyphSet::Ascii);
    assert_eq!(problems.len(), 1);
    assert!(theme.style(Role::Ok).fg.is_some());
    let deep = |name: &str| {
        Ok(Some(Document::new(
            format!("{name}x"),
            format!("inherits = '{name}x'"),
        )))
    };
    let (_, problems) = load("a", &deep, ColorDepth::True, GlyphSet::Ascii);
    assert_eq!(problems.len(), 1);
}

#[test]
fn without_colour_nothing_is_coloured_and_all_that_matters_is_seen() {
    let (theme, _) = check(&[], ColorDepth::None);
    for role in Role::ALL {
        let style = theme.style(*role);
        for color in [style.fg, style.bg] {
            assert!(
                matches!(color, None | Some(Color::Reset)),
                "{}",
                role.name()
            );
        }
        assert!(style.add_modifier.contains(role.mono()));
    }
}

#[test]
fn sixteen_colours_are_sixteen_and_the_selection_shows() {
    let (theme, _) = check(&[], ColorDepth::Ansi16);
    for role in Role::ALL {
        let style = theme.style(*role);
        for color in [style.fg, style.bg].into_iter().flatten() {
            assert!(rgb(color).is_none(), "{}: {color}", role.name());
        }
    }
    assert!(
        theme
            .style(Role::Selection)
            .add_modifier
            .contains(Modifier::REVERSED)
    );
}

/// Relative luminance and contrast as in WCAG 2.2, in thousandths.
fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    };
    let light = |(r, g, b)| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (light(a), light(b));
    ((a.max(b) + 0.05) / (a.min(b) + 0.05) * 1000.0) as u32
}

#[test]
fn every_role_can_be_read_on_dark_grounds() {
    let ground = |style: Style| style.bg.and_then(rgb);
    for depth in [ColorDepth::True, ColorDepth::Ansi256] {
        let (theme, _) = check(&[], depth);
        let selection = ground(theme.style(Role::Selection));
        for role in Role::ALL {
            let style = theme.style(*role);
            let Some(ink) = style.fg.and_then(rgb) else {
                continue;
            };
            let grounds = match ground(style) {
                Some(own) => vec![own],
                // Black, what many dark terminals show, and the selected row.
                None => vec![Some((0, 0, 0)), Some((30, 30, 46)), selection]
                    .into_iter()
                    .flatten()
                    .collect(),
            };
            let lines = matches!(role, Role::Border | Role::ChartEmpty);
            let least = if lines { 3000 } else { 4500 };
            for ground in grounds {
                let reached = contrast(ink, ground);
                assert!(reached >= least, "{} on {ground:?}: {reached}", role.name());
            }
        }
    }
}

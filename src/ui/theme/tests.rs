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
        assert_eq!(theme.name(), name);
        // A ground and an ink of one's own come together, or neither does.
        let text = theme.style(Role::Text);
        assert_eq!(
            text.fg == Some(Color::Reset),
            text.bg == Some(Color::Reset),
            "{name}"
        );
    }
}

#[test]
fn every_shipped_theme_says_how_every_role_looks() {
    for name in names() {
        let mut wanted: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        wanted.sort_unstable();
        assert_eq!(load::styled(name), wanted, "{name}");
    }
}

#[test]
fn mono_looks_as_no_colour_does() {
    let at = |name, depth| load(name, &|_| Ok(None), depth, GlyphSet::Unicode).0;
    let (mono, none) = (at("mono", ColorDepth::True), at("mono", ColorDepth::None));
    for role in Role::ALL {
        assert_eq!(mono.style(*role), none.style(*role), "{}", role.name());
        assert_eq!(
            mono.style(*role).add_modifier,
            role.mono(),
            "{}",
            role.name()
        );
    }
}

#[test]
fn a_mark_colours_the_lines_of_what_has_the_keys() {
    let theme = Theme::dark(ColorDepth::True, GlyphSet::Unicode);
    let red = theme.style(Role::of_accent(Accent::Red)).bg;
    assert!(red.is_some());
    assert_eq!(
        theme
            .clone()
            .marked(Accent::Red)
            .style(Role::BorderFocus)
            .fg,
        red
    );
    let none = Theme::dark(ColorDepth::None, GlyphSet::Unicode);
    let marked = none.clone().marked(Accent::Red);
    assert_eq!(
        marked.style(Role::BorderFocus),
        none.style(Role::BorderFocus)
    );
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
    worse.toml:1:12: theme 'bad' inherits from itself; use one of your own or of these: dark, light, high-contrast, colour-blind, ansi16, mono, nord, gruvbox, catppuccin, solarized
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

//! The characters the console draws with: one set in Unicode, one in ASCII.
//!
//! Every glyph takes one cell and none is an emoji: wide or odd characters corrupt borders. A
//! status is always a glyph, a letter and a colour, so that any one of them may be missing.

use ratatui::symbols::border;

use crate::config::GlyphSet;

/// Declares the glyphs: name, Unicode, ASCII.
macro_rules! glyphs {
    ($($(#[$doc:meta])* $name:ident $unicode:literal $ascii:literal,)*) => {
        /// A set of one-cell glyphs.
        #[derive(Debug, PartialEq)]
        pub struct Glyphs {
            $($(#[$doc])* pub $name: &'static str,)*
            /// The lines around a pane.
            pub border: border::Set<'static>,
            /// The lines around the pane that has the keys; unlike the others without colour too.
            pub border_focus: border::Set<'static>,
            /// A cell filled by nothing to eight eighths, upwards, for small charts.
            pub levels: [&'static str; 9],
            /// A line by its arms: 1 up, 2 down, 4 to the left, 8 to the right, and their sums.
            pub lines: [&'static str; 16],
            /// The same, of lines that stand out without colour too.
            pub heavy_lines: [&'static str; 16],
        }

        static UNICODE: Glyphs = Glyphs {
            $($name: $unicode,)*
            border: border::PLAIN,
            border_focus: border::THICK,
            levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            lines: [
                " ", "╵", "╷", "│", "╴", "┘", "┐", "┤", "╶", "└", "┌", "├", "─", "┴", "┬", "┼",
            ],
            heavy_lines: [
                " ", "╹", "╻", "┃", "╸", "┛", "┓", "┫", "╺", "┗", "┏", "┣", "━", "┻", "┳", "╋",
            ],
        };

        static ASCII: Glyphs = Glyphs {
            $($name: $ascii,)*
            border: ASCII_BORDER,
            border_focus: ASCII_BORDER_FOCUS,
            levels: [" ", ".", ":", "-", "=", "+", "*", "%", "#"],
            lines: [
                " ", "|", "|", "|", "-", "+", "+", "+", "-", "+", "+", "+", "-", "+", "+", "+",
            ],
            heavy_lines: [
                " ", "#", "#", "#", "=", "#", "#", "#", "=", "#", "#", "#", "=", "#", "#", "#",
            ],
        };

        impl Glyphs {
            /// Returns every single glyph with its name.
            pub fn named(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_BORDER_FOCUS: border::Set<'static> = border::Set {
    top_left: "#",
    top_right: "#",
    bottom_left: "#",
    bottom_right: "#",
    vertical_left: "#",
    vertical_right: "#",
    horizontal_top: "=",
    horizontal_bottom: "=",
};

glyphs! {
    /// A queued order.
    queued "○" "o",
    /// A started order.
    in_progress "◐" "/",
    /// A completed order.
    completed "●" "@",
    /// A cancelled order.
    cancelled "×" "x",
    /// An order that can be pulled now.
    ready "◆" "*",
    /// An order that waits for another.
    blocked "◇" "%",
    /// An order that an andon holds.
    held "‖" "=",
    /// An epic.
    epic "▣" "E",
    /// A step of the critical path.
    critical_path "★" "C",
    /// An alert of low severity.
    andon_low "▹" ".",
    /// An alert of medium severity.
    andon_medium "△" ":",
    /// An alert of high severity.
    andon_high "▲" "^",
    /// An alert of critical severity.
    andon_critical "■" "#",
    /// An SLA with time left.
    sla_ok "·" ",",
    /// An SLA at risk.
    sla_at_risk "◔" ";",
    /// An SLA past its time.
    sla_breached "◉" "!",
    /// A priority of eight or more.
    priority_high "↑" "^",
    /// An agent at work.
    agent_active "●" "&",
    /// An agent told to wait.
    agent_paused "◌" "z",
    /// An agent not heard of in time.
    agent_stale "○" "?",
    /// What went well.
    ok "✓" "+",
    /// What failed.
    failed "✗" "X",
    /// A marked card.
    marked "✦" "~",
    /// The edge of the selected row.
    selected "▌" ">",
    /// A folded branch.
    folded "▸" "+",
    /// An unfolded branch.
    unfolded "▾" "-",
    /// A branch with more after it.
    branch_tee "├" "|",
    /// The last branch.
    branch_end "└" "`",
    /// A branch that passes by.
    branch_pass "│" "|",
    /// The arm of a branch.
    branch_arm "─" "-",
    /// Up.
    up "↑" "^",
    /// Down.
    down "↓" "v",
    /// Left.
    left "←" "<",
    /// Right.
    right "→" ">",
    /// Where text was cut.
    ellipsis "…" "~",
    /// Between parts of a line.
    separator "│" "|",
    /// A list's mark.
    bullet "•" "-",
    /// The filled part of a bar.
    bar_full "█" "#",
    /// The empty part of a bar.
    bar_empty "░" ".",
    /// The done part of a chart of bands.
    band_done "▒" ":",
    /// A point of a chart.
    point "•" "o",
    /// Several points of a chart in one cell.
    points "●" "@",
    /// Where a bar would reach a limit.
    tick "┊" ":",
    /// The thumb of a scroll bar.
    scroll_thumb "┃" "#",
    /// The track of a scroll bar.
    scroll_track "│" "|",
    /// A prompt.
    prompt "›" ">",
}

impl Glyphs {
    /// Returns the glyphs of `set`.
    pub const fn of(set: GlyphSet) -> &'static Glyphs {
        match set {
            GlyphSet::Unicode => &UNICODE,
            GlyphSet::Ascii => &ASCII,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn all(glyphs: &'static Glyphs) -> Vec<&'static str> {
        let borders = [glyphs.border, glyphs.border_focus].map(|set| {
            [
                set.top_left,
                set.top_right,
                set.bottom_left,
                set.bottom_right,
                set.vertical_left,
                set.vertical_right,
                set.horizontal_top,
                set.horizontal_bottom,
            ]
        });
        let named = glyphs.named().into_iter().map(|(_, glyph)| glyph);
        let drawn = borders.concat().into_iter().chain(glyphs.levels);
        let lines = glyphs.lines.into_iter().chain(glyphs.heavy_lines);
        named.chain(drawn).chain(lines).collect()
    }

    #[test]
    fn every_glyph_takes_one_cell() {
        for glyph in all(&UNICODE).into_iter().chain(all(&ASCII)) {
            assert_eq!(text::width(glyph), 1, "{glyph}");
            assert_eq!(glyph.chars().count(), 1, "{glyph}");
            assert_eq!(text::clean(glyph), glyph);
        }
    }

    #[test]
    fn no_glyph_can_become_an_emoji() {
        // A character that has an emoji form is two cells wide once its form is chosen.
        for glyph in all(&UNICODE).into_iter().filter(|glyph| !glyph.is_ascii()) {
            assert_eq!(text::width(&format!("{glyph}\u{fe0f}")), 1, "{glyph}");
        }
    }

    #[test]
    fn ascii_is_ascii() {
        assert!(all(&ASCII).concat().is_ascii());
    }

    #[test]
    fn marks_beside_each_other_differ() {
        for glyphs in [&UNICODE, &ASCII] {
            let status = [
                glyphs.queued,
                glyphs.in_progress,
                glyphs.completed,
                glyphs.cancelled,
                glyphs.ready,
                glyphs.blocked,
                glyphs.held,
            ];
            let andon = [
                glyphs.andon_low,
                glyphs.andon_medium,
                glyphs.andon_high,
                glyphs.andon_critical,
            ];
            let sla = [glyphs.sla_ok, glyphs.sla_at_risk, glyphs.sla_breached];
            let agent = [glyphs.agent_active, glyphs.agent_paused, glyphs.agent_stale];
            for group in [&status[..], &andon, &sla, &agent] {
                let mut seen = group.to_vec();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), group.len(), "{group:?}");
            }
        }
    }

    #[test]
    fn an_ascii_mark_means_one_thing() {
        let marks = [
            ASCII.queued,
            ASCII.in_progress,
            ASCII.completed,
            ASCII.cancelled,
            ASCII.ready,
            ASCII.blocked,
            ASCII.held,
            ASCII.epic,
            ASCII.critical_path,
            ASCII.andon_low,
            ASCII.andon_medium,
            ASCII.andon_high,
            ASCII.andon_critical,
            ASCII.sla_ok,
            ASCII.sla_at_risk,
            ASCII.sla_breached,
            ASCII.agent_active,
            ASCII.agent_paused,
            ASCII.agent_stale,
            ASCII.ok,
            ASCII.failed,
            ASCII.selected,
            ASCII.bullet,
            ASCII.ellipsis,
        ];
        let mut seen = marks.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), marks.len(), "{marks:?}");
    }
}

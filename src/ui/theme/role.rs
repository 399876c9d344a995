//! What a style means: the one table of roles.

use ratatui::style::Modifier;

use crate::config::Accent;

const PLAIN: Modifier = Modifier::empty();
const BOLD: Modifier = Modifier::BOLD;
const DIM: Modifier = Modifier::DIM;
const LINED: Modifier = Modifier::UNDERLINED;
const REVERSED: Modifier = Modifier::REVERSED;
const ALARM: Modifier = Modifier::BOLD.union(Modifier::REVERSED);
const ALERT: Modifier = Modifier::BOLD.union(Modifier::UNDERLINED);

/// Declares the roles: variant, name in a theme, the role whose style it takes when a theme does
/// not name it, and the look that stands for its colour where there is none.
macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident $name:literal $fallback:ident $mono:ident,)*) => {
        /// A meaning that a theme gives a style.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role { $($(#[$doc])* $role,)* }

        impl Role {
            /// Every role, in the order of the table.
            pub const ALL: &'static [Role] = &[$(Role::$role,)*];

            /// Returns the name in a theme's `[roles]`.
            pub const fn name(self) -> &'static str {
                match self { $(Role::$role => $name,)* }
            }

            /// Returns the role whose style this one takes when a theme does not name it;
            /// [`Role::Text`] is its own.
            pub const fn fallback(self) -> Role {
                match self { $(Role::$role => Role::$fallback,)* }
            }

            /// Returns the look that stands for the colour on a terminal without one.
            pub const fn mono(self) -> Modifier {
                match self { $(Role::$role => $mono,)* }
            }
        }
    };
}

roles! {
    /// Plain text on the plain background.
    Text "text" Text PLAIN,
    /// What matters less: ages, hints, disabled entries.
    Muted "muted" Text DIM,
    /// A view's or pane's title.
    Title "title" Text BOLD,
    /// The lines around a pane.
    Border "border" Muted PLAIN,
    /// The lines around the pane that has the keys.
    BorderFocus "border.focus" Title BOLD,
    /// The selected row or card.
    Selection "selection" Text REVERSED,
    /// The heads of a table's columns.
    Header "header" Muted LINED,
    /// The line of views, and the line of hints.
    Bar "bar" Muted PLAIN,
    /// A queued order.
    StatusQueued "status.queued" Text PLAIN,
    /// A started order.
    StatusInProgress "status.in_progress" Link BOLD,
    /// A completed order.
    StatusCompleted "status.completed" Ok PLAIN,
    /// A cancelled order.
    StatusCancelled "status.cancelled" Muted DIM,
    /// An order that waits for another.
    Blocked "blocked" Warning LINED,
    /// An order that an andon holds.
    Held "held" Error ALERT,
    /// An order that can be pulled now.
    Ready "ready" Ok BOLD,
    /// A step of the critical path.
    CriticalPath "critical_path" Warning BOLD,
    /// An SLA with time left.
    SlaOk "sla.ok" Ok PLAIN,
    /// An SLA past four fifths of its time.
    SlaAtRisk "sla.at_risk" Warning LINED,
    /// An SLA past its time.
    SlaBreached "sla.breached" Error ALERT,
    /// An alert of low severity.
    AndonLow "andon.low" Text PLAIN,
    /// An alert of medium severity.
    AndonMedium "andon.medium" Warning LINED,
    /// An alert of high severity.
    AndonHigh "andon.high" Error ALERT,
    /// An alert of critical severity.
    AndonCritical "andon.critical" AndonHigh ALARM,
    /// A priority of eight or more.
    PriorityHigh "priority.high" Warning BOLD,
    /// An agent at work.
    AgentActive "agent.active" Ok PLAIN,
    /// An agent told to wait.
    AgentPaused "agent.paused" Muted DIM,
    /// An agent not heard of in time.
    AgentStale "agent.stale" Warning LINED,
    /// A key in a hint.
    Key "key" Title BOLD,
    /// Text that is being typed.
    Input "input" Text LINED,
    /// What a filter or search found.
    Match "match" Warning LINED,
    /// Something failed or was refused.
    Error "error" Text BOLD,
    /// Something deserves a look.
    Warning "warning" Text PLAIN,
    /// Something went well.
    Ok "ok" Text PLAIN,
    /// The id of something one can go to.
    Link "link" Text PLAIN,
    /// A chart's filled part.
    Chart "chart" Link PLAIN,
    /// A chart's empty part.
    ChartEmpty "chart.empty" Muted DIM,
    /// The mark of a ledger whose accent is red.
    AccentRed "accent.red" Title ALARM,
    /// The mark of a ledger whose accent is orange.
    AccentOrange "accent.orange" Title ALARM,
    /// The mark of a ledger whose accent is yellow.
    AccentYellow "accent.yellow" Title ALARM,
    /// The mark of a ledger whose accent is green.
    AccentGreen "accent.green" Title ALARM,
    /// The mark of a ledger whose accent is cyan.
    AccentCyan "accent.cyan" Title ALARM,
    /// The mark of a ledger whose accent is blue.
    AccentBlue "accent.blue" Title ALARM,
    /// The mark of a ledger whose accent is violet.
    AccentViolet "accent.violet" Title ALARM,
}

impl Role {
    /// Returns the role of a ledger's mark in that colour.
    pub const fn of_accent(accent: Accent) -> Self {
        match accent {
            Accent::Red => Role::AccentRed,
            Accent::Orange => Role::AccentOrange,
            Accent::Yellow => Role::AccentYellow,
            Accent::Green => Role::AccentGreen,
            Accent::Cyan => Role::AccentCyan,
            Accent::Blue => Role::AccentBlue,
            Accent::Violet => Role::AccentViolet,
        }
    }

    /// Returns the role that a theme calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(*role));
        }
        assert_eq!(Role::named("nonsense"), None);
    }

    #[test]
    fn every_fallback_ends_at_text() {
        for role in Role::ALL {
            let mut at = *role;
            for _ in 0..Role::ALL.len() {
                at = at.fallback();
            }
            assert_eq!(at, Role::Text, "{}", role.name());
        }
    }

    #[test]
    fn what_must_be_seen_is_seen_without_colour() {
        let loud = [
            Role::Selection,
            Role::BorderFocus,
            Role::Blocked,
            Role::Held,
            Role::SlaAtRisk,
            Role::SlaBreached,
            Role::AndonMedium,
            Role::AndonHigh,
            Role::AndonCritical,
            Role::AgentStale,
            Role::Error,
            Role::Match,
        ];
        for role in loud {
            assert!(!role.mono().is_empty(), "{}", role.name());
        }
    }
}

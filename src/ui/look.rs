//! How the console looks and which keys it has: what the user's files say, read outside and worn here.

use super::{keymap::Keymap, theme::Theme};
use crate::config::{Mark, Problem};

/// What the user's files came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The theme.
    pub theme: Theme,
    /// The keys.
    pub keymap: Keymap,
    /// How the ledger is marked, if it is.
    pub mark: Option<Mark>,
    /// What was wrong in the files; what they say is whole only if this is empty.
    pub problems: Vec<Problem>,
}

/// What is wanted of the user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Read them anew; comes as [`super::msg::Msg::Look`].
    Look,
    /// Every theme there is, to choose from; comes as [`super::msg::Msg::Themes`].
    Themes,
    /// Have this theme from now on; what came of it comes as [`super::msg::Msg::Printed`].
    KeepTheme(String),
    /// Save this filter under this name, or forget the one of that name; comes as [`super::msg::Msg::Filters`].
    KeepFilter(String, Option<String>),
    /// Write a new file; what came of it comes as [`super::msg::Msg::Printed`].
    NewFile {
        /// Its path, as it was typed.
        path: String,
        /// What it is to hold.
        text: String,
    },
}

/// A choice of theme that is under way.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// The themes to choose from.
    pub themes: Vec<Theme>,
    /// What was worn before.
    pub before: Theme,
}

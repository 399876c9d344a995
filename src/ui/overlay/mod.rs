//! What stands over a view: dialogs have the keys while they are open.

pub mod confirm;
pub mod editor;
pub mod form;
pub mod help;
pub mod palette;
pub mod prompt;
pub mod toast;

use ratatui::layout::Rect;

use self::{confirm::Confirm, form::Form, help::Page, palette::Palette, prompt::Prompt};
use super::{keymap::Scope, model::Model, pen::Pen};

/// A dialog.
#[derive(Debug)]
pub enum Overlay {
    /// The keys of the view, or what a command printed.
    Page(Page),
    /// A question before something that stops or throws away.
    Confirm(Confirm),
    /// Several fields.
    Form(Box<Form>),
    /// One line of text.
    Prompt(Box<Prompt>),
    /// A choice from a list, found by typing.
    Palette(Box<Palette>),
}

impl Overlay {
    /// Returns where keys hold while it is open, the innermost first.
    pub fn scopes(&self) -> &'static [Scope] {
        match self {
            Overlay::Page(_) => &[Scope::Help, Scope::List, Scope::Global],
            Overlay::Confirm(_) => &[Scope::Confirm],
            Overlay::Form(_) => &[Scope::Form],
            Overlay::Prompt(_) | Overlay::Palette(_) => &[Scope::Prompt],
        }
    }

    /// Draws it over the view.
    pub fn draw(&self, model: &Model, area: Rect, pen: &mut Pen<'_>) {
        match self {
            Overlay::Page(page) => page.draw(area, pen),
            Overlay::Confirm(confirm) => confirm.draw(model, area, pen),
            Overlay::Form(form) => form.draw(area, pen),
            Overlay::Prompt(prompt) => prompt.draw(model, area, pen),
            Overlay::Palette(palette) => palette.draw(area, pen),
        }
    }
}

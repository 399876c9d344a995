//! Messages on screen: the pages about them, what was last seen of the bus, and what is selected.

use serde::{Deserialize, Serialize};

use super::{
    action::Action,
    addresses::Place,
    effect::Effect,
    model::{Model, View},
    overlay::{
        Overlay,
        confirm::{Confirm, Yes},
    },
    parts::List,
};
use crate::{
    domain::message::{BusView, DeadLetterView, DeliveryView, MessageSeq, MessageView, Reader},
    text,
};

/// How many messages of a sort are shown, the newest: older ones are found by the command line.
pub const ROWS: usize = 200;

/// How much of a message is shown where it is asked about, in characters.
const FACT: usize = 70;

/// What was seen of the bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbag {
    /// Topics, inboxes and who takes from them.
    pub bus: BusView,
    /// The newest messages of all, newest first.
    pub recent: Vec<MessageView>,
    /// What waits for whoever sits here, oldest first.
    pub inbox: Vec<DeliveryView>,
    /// The newest dead letters, newest first.
    pub dead: Vec<DeadLetterView>,
}

/// What is to be done about a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailAct {
    /// Put it back to whom it was meant for.
    Requeue(u64),
    /// Throw it away.
    Purge(u64),
}

/// A page about messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Topics and inboxes.
    #[default]
    Topics,
    /// What was sent.
    Messages,
    /// What waits for whoever sits here.
    Inbox,
    /// What could not be delivered.
    Dead,
}

impl Page {
    /// Every page, left to right.
    pub const ALL: [Page; 4] = [Page::Topics, Page::Messages, Page::Inbox, Page::Dead];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Page::Topics => "Topics",
            Page::Messages => "Messages",
            Page::Inbox => "Inbox",
            Page::Dead => "Dead letters",
        }
    }
}

/// Which page is on screen, what is on it, and what is selected on each.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// The page on screen.
    pub page: Page,
    /// What was last seen; none before the first look.
    pub seen: Option<Mailbag>,
    /// Where messages can go, as it is derived from what is known.
    pub places: Vec<Place>,
    /// Whether somebody was called for dead letters that nobody has looked at since.
    called: bool,
    lists: [List<u64>; Page::ALL.len()],
}

impl Mail {
    /// Goes to a page further along, around the end.
    pub fn turn(&mut self, pages: isize) {
        let count = Page::ALL.len();
        let on = (self.page as usize + count).wrapping_add_signed(pages.clamp(-1, 1)) % count;
        self.page = Page::ALL.get(on).copied().unwrap_or_default();
    }

    /// Returns the rows of the page on screen, by number: of the address, the message or the letter.
    pub fn rows(&self) -> Vec<u64> {
        if self.page == Page::Topics {
            return (0..).take(self.places.len()).collect();
        }
        let Some(seen) = &self.seen else {
            return Vec::new();
        };
        match self.page {
            Page::Topics => Vec::new(),
            Page::Messages => seen.recent.iter().map(|message| message.seq).collect(),
            Page::Inbox => seen
                .inbox
                .iter()
                .map(|message| message.message.seq)
                .collect(),
            Page::Dead => seen.dead.iter().map(|letter| letter.number).collect(),
        }
    }

    /// Returns the list of the page on screen.
    pub fn list(&self) -> &List<u64> {
        let [topics, messages, inbox, dead] = &self.lists;
        match self.page {
            Page::Topics => topics,
            Page::Messages => messages,
            Page::Inbox => inbox,
            Page::Dead => dead,
        }
    }

    fn list_mut(&mut self) -> &mut List<u64> {
        let [topics, messages, inbox, dead] = &mut self.lists;
        match self.page {
            Page::Topics => topics,
            Page::Messages => messages,
            Page::Inbox => inbox,
            Page::Dead => dead,
        }
    }

    /// Selects a row by its number.
    pub fn select(&mut self, number: u64) {
        self.list_mut().selected = Some(number);
    }

    /// Moves the selection by rows.
    pub fn step(&mut self, by: isize) {
        let rows = self.rows();
        self.list_mut().step(&rows, by);
    }

    /// Keeps the selection on its row.
    pub fn settle(&mut self, shown: usize) {
        let rows = self.rows();
        self.list_mut().settle(&rows, shown);
    }

    /// Returns the message that is selected, whole.
    pub fn selected(&self) -> Option<&MessageView> {
        let seen = self.seen.as_ref()?;
        let at: MessageSeq = self.list().selected?;
        match self.page {
            Page::Topics => None,
            Page::Messages => seen.recent.iter().find(|message| message.seq == at),
            Page::Inbox => {
                let found = seen.inbox.iter().find(|found| found.message.seq == at)?;
                Some(&found.message)
            }
            Page::Dead => {
                let letter = seen.dead.iter().find(|letter| letter.number == at)?;
                Some(&letter.message)
            }
        }
    }

    /// Returns the address that is selected.
    pub fn selected_place(&self) -> Option<&Place> {
        let at = usize::try_from(self.list().selected?).ok()?;
        self.places.get(at).filter(|_| self.page == Page::Topics)
    }

    /// Returns the dead letter that is selected.
    pub fn selected_dead(&self) -> Option<&DeadLetterView> {
        let number = self.letter()?;
        let dead = &self.seen.as_ref()?.dead;
        dead.iter().find(|letter| letter.number == number)
    }

    /// Returns the number of the dead letter that is selected.
    pub fn letter(&self) -> Option<u64> {
        self.list().selected.filter(|_| self.page == Page::Dead)
    }

    /// Returns how many dead letters there are.
    pub fn dead(&self) -> u64 {
        self.seen.as_ref().map_or(0, |seen| seen.bus.dead_letters)
    }
}

/// Takes what was seen of the bus. New dead letters call once, until somebody has looked at them or there are none; those
/// that were there at first call nobody.
pub fn seen(model: &mut Model, seen: Mailbag) -> Vec<Effect> {
    let looks = model.view == View::Messages && model.mail.page == Page::Dead;
    let mail = &mut model.mail;
    let newest = |bag: &Mailbag| bag.dead.first().map_or(0, |letter| letter.number);
    let new = mail
        .seen
        .as_ref()
        .is_some_and(|before| newest(&seen) > newest(before));
    let calls = new && !looks && !mail.called;
    mail.called = (mail.called || calls) && !looks && seen.bus.dead_letters > 0;
    let call = seen.dead.first().filter(|_| calls).map(|letter| {
        let to = &letter.message.address;
        format!(
            "dead letter {} to {to}: {}",
            letter.number,
            letter.reason.sentence()
        )
    });
    mail.seen = Some(seen);
    call.map(Effect::Notify).into_iter().collect()
}

/// Returns the number of the dead letter that an act would be about.
pub fn selected_letter(model: &Model) -> Option<u64> {
    model.mail.letter().filter(|_| model.view == View::Messages)
}

/// Does an act on the selected dead letter: one that is thrown away is gone, so that is asked first.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(number) = selected_letter(model) else {
        return Vec::new();
    };
    match action {
        Action::Requeue => vec![Effect::Mail(MailAct::Requeue(number))],
        Action::Purge => {
            let letter = model.mail.selected_dead();
            let facts = letter.map(|letter| {
                let body: String = text::clean(&letter.message.line())
                    .chars()
                    .take(FACT)
                    .collect();
                vec![
                    format!(
                        "to {}: {}",
                        letter.message.address,
                        letter.reason.sentence()
                    ),
                    body,
                    "Nobody gets it then.".into(),
                ]
            });
            model.overlay = Some(Overlay::Confirm(Confirm {
                question: format!("Throw dead letter {number} away?"),
                facts: facts.unwrap_or_default(),
                stake: None,
                yes: Yes::Mail(MailAct::Purge(number)),
                form: None,
            }));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Returns the inbox of whoever sits at a console, unless the name can be none's.
pub fn inbox_of(name: &str) -> Option<Reader> {
    name.parse().ok().map(Reader::of_inbox)
}

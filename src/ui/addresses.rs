//! Where messages can go: known from the start, though nobody may have sent one yet.

use std::collections::BTreeMap;

use super::model::Model;
use crate::domain::{
    message::{Address, AddressView, Name, Topic},
    query::agents::roster,
};

/// An address, what the bus has of it, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the bus has of it.
    pub view: AddressView,
    /// What is sent there.
    pub purpose: String,
}

/// Returns the six topics, then the inboxes by name: those of whoever sits here, of the agents and of their roles, and what
/// others the bus knows.
pub fn all(model: &Model) -> Vec<Place> {
    let mut inboxes: BTreeMap<Name, String> = BTreeMap::new();
    let mut put = |name: &str, purpose: String| {
        // What is no name of an inbox has none.
        if let Ok(name) = name.parse() {
            inboxes.insert(name, purpose);
        }
    };
    let known = model.mail.seen.as_ref();
    let known = known.map_or(&[][..], |seen| &seen.bus.addresses);
    for owner in known.iter().filter_map(|view| view.address.owner()) {
        put(owner.as_str(), "an inbox".into());
    }
    for agent in roster(&model.state) {
        if let Some(role) = &agent.role {
            put(role, "to whoever has this role".into());
        }
        put(&agent.name, "to this agent".into());
    }
    put(&model.session.me.name, "to you".into());
    let topics = Topic::ALL.iter().map(|topic| {
        let purpose = topic.about().to_owned();
        (Address::Topic(*topic), purpose)
    });
    let inboxes = inboxes
        .into_iter()
        .map(|(name, purpose)| (Address::Inbox(name), purpose));
    let place = |(address, purpose): (Address, String)| Place {
        view: known
            .iter()
            .find(|view| view.address == address)
            .cloned()
            .unwrap_or_else(|| AddressView::unused(address)),
        purpose,
    };
    topics.chain(inboxes).map(place).collect()
}

//! What an import did, for whoever asked for it: counts, and a note for everything that did not come in as it stood.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Bucket, Kind, Status, vocabulary};

vocabulary! {
    /// Why an import has something to say about an item.
    NoteKind ("kind of note") {
        /// A field changed there and here; ours stayed.
        Kept = "kept",
        /// An edge would have closed a cycle and was refused.
        Cycle = "cycle",
        /// An edge leads to an item that is neither in the file nor here; it became a link.
        UnknownTarget = "unknown_target",
        /// An item had more than one parent; the others became links.
        SecondParent = "second_parent",
        /// An open item's parent is closed; it became a link.
        ClosedParent = "closed_parent",
        /// There was more of something than an order can carry.
        Limit = "limit",
        /// It was closed before it was created; its lead time counts as zero.
        ZeroLead = "zero_lead",
        /// A time lay in the future or before 1970 and was moved to the nearest that can be.
        Clamped = "clamped",
        /// It is open again there and closed here; it stays closed.
        ReopenedThere = "reopened_there",
        /// It was closed there, but work or a change here keeps it open.
        ClosedThere = "closed_there",
        /// It changed there after it was closed here; it stays as it was closed.
        ClosedHere = "closed_here",
        /// Its id stands in the file more than once; the last line counts.
        Duplicate = "duplicate",
        /// A text was too long and was cut, or moved into the description.
        Cut = "cut",
    }
}

impl NoteKind {
    /// Returns the headline of a group of such notes.
    pub const fn headline(self) -> &'static str {
        match self {
            NoteKind::Kept => "changed there and here, ours kept",
            NoteKind::Cycle => "edges refused: they would close a cycle",
            NoteKind::UnknownTarget => "edges to items that are not here, kept as links",
            NoteKind::SecondParent => "second parents, kept as links",
            NoteKind::ClosedParent => "closed parents of open items, kept as links",
            NoteKind::Limit => "more than an order can carry",
            NoteKind::ZeroLead => "closed before created, lead time counted as zero",
            NoteKind::Clamped => "times that cannot be, moved to the nearest that can",
            NoteKind::ReopenedThere => "open again there, still closed here",
            NoteKind::ClosedThere => "closed there, still open here",
            NoteKind::ClosedHere => "changed there after they were closed here, left as they were",
            NoteKind::Duplicate => "in the file more than once, the last line counts",
            NoteKind::Cut => "texts too long, cut or moved into the description",
        }
    }
}

/// One thing that the report says about one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// What sort of thing.
    pub kind: NoteKind,
    /// The item, by its id in the other system.
    pub external: String,
    /// What exactly; empty where the kind says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Note {
    /// Returns a note about an item.
    pub fn new(kind: NoteKind, external: &str, text: impl Into<String>) -> Self {
        Note {
            kind,
            external: external.into(),
            text: text.into(),
        }
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// The system that the file came from.
    pub source: String,
    /// Items in the file.
    pub items: u32,
    /// Items that were new here.
    pub added: u32,
    /// Items that changed what was here.
    pub updated: u32,
    /// Items that were here already and changed nothing.
    pub unchanged: u32,
    /// Items by the status that the file gives them.
    pub by_status: BTreeMap<Status, u32>,
    /// Items by kind.
    pub by_kind: BTreeMap<Kind, u32>,
    /// Items by bucket.
    pub by_bucket: BTreeMap<Bucket, u32>,
    /// Everything that did not come in as it stood.
    pub notes: Vec<Note>,
}

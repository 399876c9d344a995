//! Why a call was not done, as a tool's error: the rule with its data, a sentence, and what a model can do about it.

use rmcp::{ErrorData, model::CallToolResult};
use serde_json::{Value, json};

use crate::{
    domain::{
        order::{Actor, Wait},
        query::order_view::OrderView,
        refusal::Refusal,
    },
    link::{Failure, Fault},
    text,
};

/// How many things a mend names.
const NAMED: usize = 5;

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Snag {
    /// A rule does not allow it.
    Refused(Box<Refusal>),
    /// The arguments made no sense, as a sentence.
    Usage(String),
    /// The line could not be used; nothing was written.
    Fault(Fault),
    /// It may have been written.
    Unknown(Fault),
}

impl Snag {
    /// Returns the snag of an order that the caller does not hold by a claim made here.
    pub(super) fn not_claimed_here(view: &OrderView) -> Self {
        let id = view.id;
        match (&view.holder, view.lease) {
            (Some(holder), None) => Snag::Usage(format!(
                "{id} has no lease to renew: {holder} holds it for good."
            )),
            (_, lease) => Refusal::StaleEpoch {
                id,
                given: None,
                current: lease.map(|lease| lease.epoch),
            }
            .into(),
        }
    }

    /// Returns the documented JSON.
    pub(super) fn document(&self, actor: &Actor) -> Value {
        match self {
            Snag::Refused(refusal) => {
                let mut body = serde_json::to_value(refusal).unwrap_or_default();
                body["message"] = text::clean(&refusal.to_string()).into();
                body["mend"] = mend(refusal, actor).into();
                json!({ "refusal": body })
            }
            Snag::Usage(message) => json!({ "error": {
                "kind": "usage",
                "message": text::clean(message),
                "mend": ["Correct the arguments and call again."],
            } }),
            Snag::Fault(fault) => json!({ "error": fault_body(fault, &[]) }),
            Snag::Unknown(fault) => {
                let look =
                    "It may have been written all the same: look with show before you call again.";
                let mut body = fault_body(fault, &[look]);
                body["unknown"] = true.into();
                json!({ "error": body })
            }
        }
    }

    /// Returns a tool's answer that is an error.
    pub(super) fn result(&self, actor: &Actor) -> CallToolResult {
        CallToolResult::structured_error(self.document(actor))
    }

    /// Returns the protocol's error, for what is no tool.
    pub(super) fn error(&self, actor: &Actor) -> ErrorData {
        let data = Some(self.document(actor));
        match self {
            Snag::Refused(refusal) if matches!(**refusal, Refusal::NotFound { .. }) => {
                ErrorData::resource_not_found(refusal.to_string(), data)
            }
            Snag::Refused(refusal) => ErrorData::invalid_params(refusal.to_string(), data),
            Snag::Usage(message) => ErrorData::invalid_params(message.clone(), data),
            Snag::Fault(fault) | Snag::Unknown(fault) => {
                ErrorData::internal_error(fault.what.clone(), data)
            }
        }
    }
}

fn fault_body(fault: &Fault, more: &[&str]) -> Value {
    let mends = [fault.mend.as_str()]
        .into_iter()
        .chain(more.iter().copied());
    let mut mends: Vec<_> = mends.filter(|mend| !mend.is_empty()).collect();
    if mends.is_empty() {
        mends.push("Call again; if that fails too, a person looks with `obeya doctor`.");
    }
    json!({
        "kind": fault.kind,
        "message": text::clean(&fault.what),
        "path": text::clean(&fault.path),
        "mend": mends,
    })
}

/// Returns what would lift a refusal: in the tools' words where a tool does it, else in the command line's.
fn mend(refusal: &Refusal, actor: &Actor) -> Vec<String> {
    match refusal {
        Refusal::NotFound { subject } if subject.starts_with("open alert") => vec![
            "Call andon without arguments: each alert that can recover shows its fingerprint."
                .into(),
        ],
        Refusal::NotFound { .. } => vec!["Call show without arguments for what there is.".into()],
        Refusal::NotStarted { id } => vec![format!("Call claim with order {id} first.")],
        Refusal::AlreadyStarted { id, holder, .. } if holder == actor => vec![format!(
            "You hold {id}. If it was claimed in another session, call claim with order {id} and the epoch that was answered then; else wait until its lease lapses."
        )],
        Refusal::AlreadyStarted { .. } | Refusal::NotHolder { .. } => {
            vec!["Call next for other work: somebody else does this.".into()]
        }
        Refusal::Epic { id } => vec![format!(
            "Call deps with order {id}, and claim one of its children."
        )],
        Refusal::Blocked { id, waits_for } => {
            let way = |wait: &crate::domain::order::Dependency| match wait.state {
                Wait::Cancelled => format!(
                    "Call deps with order {id} and remove {}: it was cancelled.",
                    wait.on
                ),
                _ => format!(
                    "{} has to be completed first: call why with order {}.",
                    wait.on, wait.on
                ),
            };
            waits_for.iter().take(NAMED).map(way).collect()
        }
        Refusal::StaleEpoch {
            id, current: None, ..
        } => {
            vec![format!(
                "Nobody holds {id} now. Call claim with order {id}, and stop working on it if that is refused."
            )]
        }
        Refusal::StaleEpoch {
            id, given: None, ..
        } => vec![format!(
            "Call claim with order {id}; if it was claimed in another session of yours, with the epoch that was answered then."
        )],
        Refusal::StaleEpoch { id, .. } => vec![format!(
            "Stop working on {id}: a newer claim holds it. Call next for other work."
        )],
        Refusal::GateClosed { id, gates } => {
            let way = |closed: &crate::domain::gate::ClosedGate| match closed.approval {
                true => format!(
                    "A person has to approve {} for {id}: say so in a comment and take other work meanwhile.",
                    closed.gate
                ),
                false => format!(
                    "Call gates with order {id} and run {}; mend what fails and run it again.",
                    closed.gate
                ),
            };
            gates.iter().take(NAMED).map(way).collect()
        }
        Refusal::ChildrenOpen { children, .. } => children
            .iter()
            .take(NAMED)
            .map(|id| format!("{id} has to be completed first."))
            .collect(),
        Refusal::NothingReady { queued: 0, .. } => {
            vec!["There is no work for you: you are done, or create some.".into()]
        }
        Refusal::NothingReady { .. } => vec![
            "Nothing can start now. Call show for what is in the way, or wait and call next again."
                .into(),
        ],
        Refusal::Invalid { field, .. } => {
            vec![format!("Mend {field} as the message says, and call again.")]
        }
        Refusal::Held { .. } => {
            let mut ways = vec![
                "The andon cord was pulled: call andon to see why, and take other work meanwhile."
                    .to_owned(),
            ];
            ways.extend(refusal.lift().into_iter().map(by_hand));
            ways
        }
        _ => refusal.lift().into_iter().map(by_hand).collect(),
    }
}

/// Returns a remedy of the command line: no tool does it.
fn by_hand(way: String) -> String {
    match way.strip_prefix("obeya ") {
        Some(_) => format!("In a shell: {way}"),
        None => way,
    }
}

impl From<Refusal> for Snag {
    fn from(refusal: Refusal) -> Self {
        Snag::Refused(Box::new(refusal))
    }
}

impl From<Fault> for Snag {
    fn from(fault: Fault) -> Self {
        Snag::Fault(fault)
    }
}

impl From<Failure> for Snag {
    fn from(failure: Failure) -> Self {
        Snag::Fault(failure.fault().clone())
    }
}

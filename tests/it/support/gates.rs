//! Gates and what is seen at them, as plain as they can be.

use obeya::domain::{
    andon::Severity,
    gate::{GateHold, GateRule, GateRun, Tree, Verdict},
    record::{Hash, Seq},
};

/// Returns a required gate of every order, for completion.
pub(crate) fn rule() -> GateRule {
    GateRule {
        stage: None,
        buckets: vec![],
        kinds: vec![],
        required: true,
        approval: false,
        severity: Severity::Medium,
        hold: GateHold::Nothing,
        digest: Hash::of(b"1"),
    }
}

/// Returns what was seen at such a gate where there is no version control, by a look that began after record `began`.
pub(crate) fn run(verdict: Verdict, began: Seq) -> GateRun {
    GateRun {
        verdict,
        command: Some("make".into()),
        exit: Some(0),
        duration_ms: Some(10),
        tree: Tree::Unversioned,
        output: None,
        note: None,
        definition: rule().digest,
        began,
        term: None,
        asked: None,
    }
}

/// Returns the code of this content.
pub(crate) fn tree(content: &str) -> Tree {
    Tree::Git {
        commit: None,
        tree: content.into(),
    }
}

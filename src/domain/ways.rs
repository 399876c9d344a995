//! Ways out of refusals that take more than a line to find.

use super::andon::Scope;

/// Returns the command that lists what there is of the kind of a subject, which [`NotFound`](super::refusal::Refusal::NotFound) names in words.
pub(super) fn listing(subject: &str) -> &'static str {
    let has = |word: &str| subject.split([' ', '-']).any(|part| part == word);
    if subject.starts_with("order ") {
        "obeya work-order list --all"
    } else if subject.starts_with("token ") {
        "obeya token list"
    } else if has("receipt") {
        "obeya work-order list --status completed"
    } else if has("alert") || has("ALERT") {
        "obeya andon list --all"
    } else if has("agent") {
        "obeya agent list"
    } else if has("stage") {
        "obeya stage list"
    } else {
        "obeya work-order list --all"
    }
}

/// Returns what makes room for one more where a limit is reached with so many in it. Where nothing is, nothing can leave:
/// only a higher limit helps.
pub(super) fn room(scope: &Scope, count: u32) -> Vec<String> {
    let room = count.saturating_add(1);
    let ways = match scope {
        Scope::Bucket(bucket) => vec![
            format!("complete or release an order in {bucket}"),
            format!("obeya bucket set {bucket} --wip {room}"),
        ],
        Scope::Stage(stage) => vec![
            format!("move an order out of {stage}"),
            format!("obeya stage set {stage} --wip {room}"),
        ],
        _ => vec![],
    };
    ways.into_iter().skip(usize::from(count == 0)).collect()
}

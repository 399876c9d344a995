//! Workspaces: who notes them, under which term and claim, and that an agent's work is merged before it is done.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps a refusal has failed"
)]

use obeya::domain::{
    command::Command,
    event::Event,
    id::OrderId,
    order::{Landing, Workspace},
    receipt::Receipt,
    refusal::Refusal,
};

use crate::support::{
    hand::Outcome,
    line::{Line, Who, open, rule, system},
    workspaces::at,
};

fn note(line: &mut Line, id: OrderId, workspace: Workspace, epoch: Option<u32>) -> Outcome {
    let (workspace, term) = (Box::new(workspace), line.state.term);
    let who = Who { epoch, ..system() };
    let command = Command::RecordWorkspace {
        id,
        workspace,
        term,
    };
    line.submit(&who, &command)
}

/// A line with a host of term 1 and an order in an agent's hands, under epoch 1.
fn begun() -> (Line, OrderId) {
    let mut line = Line::new();
    line.person().submit(Command::ElectHost { pid: 7 }).unwrap();
    let id = line.order("work");
    line.agent("bot").claim(id).unwrap();
    (line, id)
}

#[test]
fn an_agents_work_is_merged_before_it_is_done() {
    let (mut line, id) = begun();
    note(&mut line, id, at(Landing::Open), Some(1)).unwrap();
    let refusal = line.agent("bot").epoch(1).complete(id).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "WO-001 was made on branch obeya/WO-001, which is not merged yet: the host completes that, or a person"
    );
    note(&mut line, id, at(Landing::Merged), Some(1)).unwrap();
    line.agent("bot").epoch(1).complete(id).unwrap();
    let receipt = Receipt::of(line.records.last().unwrap()).unwrap();
    assert_eq!(receipt.workspace.as_deref(), Some(&at(Landing::Merged)));
    // What is merged is the project's: the next work on it begins anew.
    line.person().reopen(id).unwrap();
    assert_eq!(open(&line, id).workspace, None);
}

#[test]
fn a_branch_that_is_to_stay_does_and_a_person_may_leave_any() {
    let (mut line, id) = begun();
    note(&mut line, id, at(Landing::Kept), Some(1)).unwrap();
    line.agent("bot").epoch(1).complete(id).unwrap();
    let (mut line, id) = begun();
    note(&mut line, id, at(Landing::Open), Some(1)).unwrap();
    line.person().complete(id).unwrap();
    line.person().reopen(id).unwrap();
    let left = open(&line, id).workspace.as_deref();
    assert_eq!(left, Some(&at(Landing::Open)), "it goes on where it was");
}

#[test]
fn only_the_host_in_office_notes_it_and_only_while_the_claim_holds() {
    let (mut line, id) = begun();
    let command = |term| Command::RecordWorkspace {
        id,
        workspace: Box::new(at(Landing::Open)),
        term,
    };
    assert_eq!(rule(line.person().submit(command(1))), "engine_only");
    for term in [0, 2] {
        assert_eq!(rule(line.submit(&system(), &command(term))), "stale_term");
    }
    let stale = note(&mut line, id, at(Landing::Open), Some(2));
    assert_eq!(rule(stale), "stale_epoch");
    line.agent("bot").epoch(1).release(id).unwrap();
    let over = note(&mut line, id, at(Landing::Open), Some(1));
    assert_eq!(rule(over), "stale_epoch");
    let nobody = note(&mut line, id, at(Landing::Open), None);
    assert_eq!(rule(nobody), "not_started");
}

#[test]
fn the_same_again_is_no_record_and_what_is_no_commit_is_refused() {
    let (mut line, id) = begun();
    note(&mut line, id, at(Landing::Open), Some(1)).unwrap();
    let last = line.records.last().unwrap();
    assert!(matches!(
        last.decode(),
        Ok(Event::WorkspaceRecorded { term: 1, .. })
    ));
    let before = line.records.len();
    note(&mut line, id, at(Landing::Open), Some(1)).unwrap();
    assert_eq!(line.records.len(), before);
    for head in ["", "main", "--force", &"z".repeat(40), &"a".repeat(41)] {
        let workspace = Workspace {
            head: head.into(),
            ..at(Landing::Open)
        };
        let refused = note(&mut line, id, workspace, Some(1)).unwrap_err();
        assert!(
            matches!(&refused, Refusal::Invalid { field, .. } if field == "head"),
            "{refused}"
        );
    }
}

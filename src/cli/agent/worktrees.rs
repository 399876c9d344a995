//! `obeya agent worktrees`: where orders are made apart, and which of those places may go.

use clap::{Arg, ArgMatches};
use serde_json::json;

use super::super::{
    arguments::flag,
    context::Call,
    error::Done,
    output::Tone,
    table::{Cell, Table, cell, flex, left, right},
};
use crate::{
    domain::{command::Role, refusal::Refusal},
    link::{self, WorktreeView},
};

/// A mebibyte, as sizes are shown.
const MEBIBYTE: u64 = 1 << 20;

pub(super) fn arguments() -> [Arg; 1] {
    [flag(
        "prune",
        "Remove those whose order is closed and that hold nothing of their own",
    )]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.shell_only("agent worktrees")?;
    let home = call.home()?;
    let all = link::worktrees(&home)?;
    if !matches.get_flag("prune") {
        return show(call, &all);
    }
    call.no_dry_run("agent worktrees --prune")?;
    let (has, needs) = (call.acting().1, Role::Operator);
    if has < needs {
        return Err(Refusal::Role { has, needs }.into());
    }
    let (mut removed, mut kept) = (vec![], vec![]);
    for view in &all {
        let order = view.kept.order;
        match link::put_away(&home, view) {
            None => removed.push(order),
            Some(why) => kept.push((order, why)),
        }
    }
    if call.json() {
        let kept: Vec<_> = kept
            .iter()
            .map(|(order, why)| json!({ "order": order, "why": why }))
            .collect();
        return call.out.json(&json!({ "removed": removed, "kept": kept }));
    }
    let (gone, left) = (removed.len(), kept.len());
    for order in removed {
        call.out.line(&format!("{order}: removed"))?;
    }
    for (order, why) in kept {
        call.out
            .tone(Tone::Muted, &format!("{order}: kept, {why}"))?;
    }
    let sum = match all.len() {
        0 => "there are no worktrees, so that none was removed".into(),
        _ => format!("removed: {gone}, kept: {left}"),
    };
    call.out.tone(Tone::Muted, &sum)
}

fn show(call: &mut Call<'_>, all: &[WorktreeView]) -> Done {
    if call.json() {
        return call.out.json(&json!({ "worktrees": all }));
    }
    if all.is_empty() {
        return call.out.tone(Tone::Muted, "there are none");
    }
    let mut table = Table::new([
        left("ORDER"),
        left("BRANCH").drop(2),
        right("MIB").drop(1),
        left("KEPT FOR"),
        flex("PATH"),
    ]);
    for view in all {
        table.row([
            cell(view.kept.order),
            cell(&view.kept.branch),
            cell(view.kept.bytes.div_ceil(MEBIBYTE)),
            match view.why() {
                Some(why) => cell(why),
                None => Cell::toned(Tone::Muted, "nothing: prune it"),
            },
            cell(&view.kept.path),
        ]);
    }
    call.out.table(&table)
}

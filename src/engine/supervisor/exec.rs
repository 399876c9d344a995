//! One process for one order.
//!
//! The order reaches the agent on standard input, in its environment and in its arguments; what it exits with and its
//! last line of JSON with a `result` are what came of it. Exit code 0 alone is not: "done" needs words.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::{
    context::{Claim, Holding},
    dispatch::{self, Report, Worked, renewal},
    inbox::Told as Change,
    landing,
    machine::Ending,
    meter::Meter,
    place::Place,
    process::{Process, sweep},
    runner::{Ended, Said, Told},
    runs::RunNote,
};
use crate::{
    config::line::{AgentRule, Progress},
    domain::query::life::{LifeSource, LifeState},
};

/// What a shell ends with that finds no such program, and what else runs one for another.
pub(super) const NOT_FOUND: i32 = 127;

/// Works on one order with one process, and returns what that says about the agent.
pub(super) async fn run(mut place: Place, claim: Claim) -> Ending {
    place.tell(Change::Order(Some(claim.order)));
    let (context, rule) = (Arc::clone(&place.context), Arc::clone(&place.rule));
    // First of all, so that whatever happens to this host the next one knows of the claim.
    let mut note = match place.begin(Some(&claim)) {
        Ok(note) => note,
        Err(why) => {
            let worked = Worked::Crashed(why);
            return dispatch::settle(&context, &rule, &claim, worked, &mut place.stop).await;
        }
    };
    let mut meter = Meter::new(&context, &rule, &claim);
    let worked = work(&mut place, &claim, &mut note, &mut meter).await;
    meter.record(&context).await;
    note.usage = meter.told();
    place.keep(&note);
    let end = summary(&worked);
    let ending = dispatch::settle(&context, &rule, &claim, worked, &mut place.stop).await;
    meter.close(&context).await;
    // And it is over only now: a host that is killed over gates or a merge leaves the claim to the next one.
    note.end = Some(end);
    place.keep(&note);
    ending
}

async fn work(place: &mut Place, claim: &Claim, note: &mut RunNote, meter: &mut Meter) -> Worked {
    let (context, rule) = (Arc::clone(&place.context), Arc::clone(&place.rule));
    let worktree = match landing::begin(&context, &rule, claim, &mut place.stop).await {
        Ok(worktree) => worktree,
        Err(worked) => return worked,
    };
    let order = context.order(claim.order).await.unwrap_or_default();
    let spec = place.spec(note, Some((claim, &order)), worktree.as_ref());
    match place.start(note, &spec).await {
        Ok(process) => {
            meter.begin(&note.run);
            follow(place, claim, note, process, meter).await
        }
        Err(why) => Worked::Crashed(why),
    }
}

/// Returns how a run ended, in words.
pub(super) fn summary(worked: &Worked) -> String {
    match worked {
        Worked::Reported(report) => format!("{:?}", report.result).to_lowercase(),
        Worked::Crashed(why) => format!("crashed: {why}"),
        Worked::Missing(why) => why.clone(),
        Worked::Stopped(why) => format!("stopped: {why}"),
        Worked::Over(Holding::Completed) => "done".into(),
        Worked::Over(Holding::Lapsed) => "lapsed".into(),
        Worked::Over(Holding::Spent(why)) => why.clone(),
        Worked::Over(_) => "its claim was taken back".into(),
    }
}

/// Listens to a run until nothing of it is left.
async fn follow(
    place: &mut Place,
    claim: &Claim,
    note: &mut RunNote,
    mut process: Process,
    meter: &mut Meter,
) -> Worked {
    let (context, rule) = (Arc::clone(&place.context), Arc::clone(&place.rule));
    let mut news = context.news.clone();
    let mut next_renewal = Instant::now() + renewal(claim);
    let (mut progress, mut said, mut over) = (false, String::new(), None);
    let (mut told, mut spoke) = (false, false);
    loop {
        tokio::select! {
            heard = process.hear() => match heard {
                Some(Said::Started(identity)) => {
                    place.tell(Change::Process(note.run.clone(), identity.pid));
                    place.state(LifeState::Busy, LifeSource::Process, None);
                    note.process = Some(identity);
                    place.keep(note);
                }
                Some(Said::Alive) => progress |= rule.progress == Progress::Output,
                Some(Said::Line(line)) => {
                    meter.line(&line);
                    if let Some((state, words)) = spoken(&line) {
                        (progress, spoke) = (true, true);
                        said = words;
                        place.state(state, LifeSource::Protocol, Some(said.clone()));
                    }
                }
                Some(Said::Ended(ended)) => {
                    meter.last(ended.last.as_deref());
                    return judged(&rule, over, spoke, &ended);
                }
                Some(Said::Failed(why)) => return Worked::Crashed(why),
                Some(Said::Missing(why)) => return Worked::Missing(why),
                None => {
                    let left = sweep(&note.run).await;
                    return Worked::Crashed(format!("its runner was killed; {left} processes were left"));
                }
            },
            // Whoever is gone tells nothing more.
            Ok(()) = news.changed() => {}
            Ok(()) = place.stop.changed() => {}
            () = tokio::time::sleep_until(next_renewal.min(meter.due())) => {}
        }
        if Instant::now() >= next_renewal {
            next_renewal = Instant::now() + renewal(claim);
            if std::mem::take(&mut progress) {
                context.renew(&rule.name, claim, &said).await;
            }
        }
        if Instant::now() >= meter.due() {
            meter.record(&context).await;
            note.usage = meter.told();
            place.keep(note);
        }
        let holding = context.holding(&rule.name, claim);
        if holding != Holding::Held && over.is_none() {
            over = Some(holding);
        }
        // An agent that completed its order by itself may end in peace.
        let fenced = over
            .as_ref()
            .is_some_and(|over| *over != Holding::Completed);
        if (fenced || *place.stop.borrow()) && !std::mem::replace(&mut told, true) {
            process.tell(&Told::Stop).await;
        }
    }
}

/// Returns what a line of an agent says that it is about: `{"type":"progress","note":…}`, `{"type":"state","state":"waiting"}`.
fn spoken(line: &str) -> Option<(LifeState, String)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let state = match (text("type")?, text("state")) {
        ("progress", _) => LifeState::Busy,
        ("state", Some("waiting")) => LifeState::Waiting,
        ("state", Some("busy")) => LifeState::Busy,
        _ => return None,
    };
    Some((state, dispatch::sentence(text("note").unwrap_or_default())))
}

/// Returns that an agent ended as a shell does that finds no such program.
pub(super) fn not_found(rule: &AgentRule) -> String {
    let (program, name) = (rule.command.first(), &rule.name);
    let program = program.map_or("", String::as_str);
    format!(
        "'{program}' ended with code {NOT_FOUND}: a program that it calls is not installed, and `obeya agent logs {name}` says which"
    )
}

/// Returns what came of an order whose process has ended. `spoke` says whether it told of any progress.
fn judged(rule: &AgentRule, over: Option<Holding>, spoke: bool, ended: &Ended) -> Worked {
    let report = ended.last.as_deref().map(serde_json::from_str::<Report>);
    // What was done when the budget was spent is done: that it costs nothing more was all that was asked.
    let spent = matches!(over, Some(Holding::Spent(_)));
    let done = matches!(&report, Some(Ok(report)) if report.result == dispatch::Verdict::Done);
    if let Some(over) = over.filter(|_| !(spent && done && ended.code == Some(0))) {
        return Worked::Over(over);
    }
    match (report, ended.code) {
        _ if ended.told && !spent => Worked::Stopped("the run was told to end".into()),
        (Some(Ok(report)), Some(0)) => Worked::Reported(report),
        // Who says that it failed may say so with its exit code too; who says that it is done may not.
        (Some(Ok(report)), Some(_)) if report.result != dispatch::Verdict::Done => {
            Worked::Reported(report)
        }
        (Some(Err(error)), Some(0)) => {
            Worked::Crashed(format!("its result cannot be read: {error}"))
        }
        (None, Some(0)) => Worked::Crashed("it exited 0 without a result".into()),
        (None, Some(NOT_FOUND)) if !spoke => Worked::Missing(not_found(rule)),
        (_, Some(code)) => Worked::Crashed(format!("it exited with code {code}")),
        (_, None) => {
            let signal = ended.signal.unwrap_or_default();
            Worked::Crashed(format!("signal {signal} ended it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn done_needs_words_and_a_good_exit() {
        let rule = AgentRule::named("dev");
        let check = |last: Option<&str>, code: Option<i32>, wanted: &str| {
            let ended = Ended {
                code,
                last: last.map(str::to_owned),
                ..Ended::default()
            };
            assert_eq!(summary(&judged(&rule, None, false, &ended)), wanted);
        };
        let done = Some(r#"{"result":"done"}"#);
        check(done, Some(0), "done");
        check(done, Some(1), "crashed: it exited with code 1");
        check(None, Some(0), "crashed: it exited 0 without a result");
        check(Some(r#"{"result":"failed"}"#), Some(1), "failed");
        check(None, None, "crashed: signal 0 ended it");
        check(None, Some(NOT_FOUND), &not_found(&rule));
        check(done, Some(NOT_FOUND), "crashed: it exited with code 127");
        let torn = summary(&judged(
            &rule,
            None,
            false,
            &Ended {
                code: Some(0),
                last: Some("{\"result\"".into()),
                ..Ended::default()
            },
        ));
        assert!(
            torn.starts_with("crashed: its result cannot be read"),
            "{torn}"
        );
    }
}

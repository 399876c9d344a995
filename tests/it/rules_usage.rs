//! What agents use up, and what budgets do about it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use obeya::domain::{
    andon::{Scope, Severity},
    budget::BudgetScope,
    command::Command,
    event::Event,
    id::{AlertId, OrderId},
    order::{Actor, Bucket},
    refusal::Refusal,
    time::{DAY, SECOND, Timestamp},
    usage::{Budget, Usage},
};

use crate::support::line::{Line, open, rule, system};

/// What a budget's alert holds when an order spends it.
type Covered = fn(OrderId) -> Scope;

const TOKENS: Budget = Budget {
    tokens: Some(100),
    cost: None,
};

fn set(line: &mut Line, scope: BudgetScope, budget: Budget) -> Vec<Event> {
    let command = Command::SetBudget { scope, budget };
    line.submit(&system(), &command).unwrap()
}

fn used(id: OrderId, tokens: u64, cost: u64) -> Command {
    Command::RecordUsage {
        id,
        agent: None,
        run: None,
        tokens,
        cost,
    }
}

/// Notes usage as a host does.
fn host(line: &mut Line, agent: &str, id: OrderId, tokens: u64) -> Vec<Event> {
    let command = Command::RecordUsage {
        id,
        agent: Some(agent.into()),
        run: Some("run".into()),
        tokens,
        cost: 0,
    };
    line.submit(&system(), &command).unwrap()
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::kind).collect()
}

fn tomorrow(line: &mut Line) {
    let midnight = i64::from(line.now.day() + 1) * DAY;
    line.now = Timestamp(midnight);
}

#[test]
fn usage_is_summed_by_order_agent_bucket_and_day() {
    let mut line = Line::new();
    let (one, two) = (line.order_in(Bucket::Features), line.order_in(Bucket::Cost));
    line.agent("ann").claim(one).unwrap();
    line.agent("bob").claim(two).unwrap();
    line.agent("ann").epoch(1).submit(used(one, 10, 5)).unwrap();
    line.agent("ann").epoch(1).submit(used(one, 1, 0)).unwrap();
    host(&mut line, "bob", two, 100);
    let changed = open(&line, one).changed;
    let day = line.now.day();
    let sum = |line: &Line, scope| line.state.used(&scope, day);
    let of = |tokens, cost| Usage { tokens, cost };
    assert_eq!(sum(&line, Scope::Order(one)), of(11, 5));
    assert_eq!(sum(&line, Scope::Agent("ann".into())), of(11, 5));
    assert_eq!(sum(&line, Scope::Agent("bob".into())), of(100, 0));
    assert_eq!(sum(&line, Scope::Bucket(Bucket::Features)), of(11, 5));
    assert_eq!(sum(&line, Scope::Line), of(111, 5));
    // It is nothing that somebody changed of the order, and what is over cannot be undone for it.
    assert_eq!(open(&line, one).changed, changed);
    tomorrow(&mut line);
    let day = line.now.day();
    assert!(line.state.used(&Scope::Line, day).is_none());
    assert_eq!(line.state.used(&Scope::Order(one), day), of(11, 5));
}

#[test]
fn the_receipt_says_what_the_order_used_up_and_later_counts_go_to_the_day() {
    let mut line = Line::new();
    let id = line.order("work");
    line.agent("ann").claim(id).unwrap();
    host(&mut line, "ann", id, 7);
    let events = line.agent("ann").epoch(1).complete(id).unwrap();
    let said = Usage { tokens: 7, cost: 0 };
    assert!(
        matches!(&events[..], [Event::OrderCompleted { usage, .. }] if *usage == said),
        "{events:?}"
    );
    // What was spent was spent, whatever became of the order.
    assert_eq!(kinds(&host(&mut line, "ann", id, 5)), ["usage_recorded"]);
    let day = line.now.day();
    assert_eq!(line.state.used(&Scope::Line, day).tokens, 12);
    // A reopened order goes on counting.
    line.person().reopen(id).unwrap();
    assert_eq!(open(&line, id).usage, said);
}

#[test]
fn only_who_holds_an_order_reports_its_usage_and_the_engine() {
    let mut line = Line::new();
    let id = line.order("work");
    assert_eq!(
        rule(line.agent("ann").submit(used(id, 1, 0))),
        "not_started"
    );
    line.agent("ann").claim(id).unwrap();
    assert_eq!(rule(line.agent("bob").submit(used(id, 1, 0))), "not_holder");
    assert_eq!(
        rule(line.agent("ann").submit(used(id, 1, 0))),
        "stale_epoch"
    );
    assert_eq!(
        rule(line.agent("ann").epoch(9).submit(used(id, 1, 0))),
        "stale_epoch"
    );
    assert_eq!(rule(line.person().submit(used(id, 1, 0))), "not_holder");
    let for_bob = Command::RecordUsage {
        id,
        agent: Some("bob".into()),
        run: None,
        tokens: 1,
        cost: 0,
    };
    assert_eq!(
        rule(line.agent("ann").epoch(1).submit(for_bob)),
        "engine_only"
    );
    assert_eq!(
        rule(line.agent("ann").submit(used(OrderId::work(99), 1, 0))),
        "not_found"
    );
    assert_eq!(
        line.agent("ann").epoch(1).submit(used(id, 0, 0)).unwrap(),
        []
    );
    let other = line.order("mine");
    line.person().start(other).unwrap();
    line.person().submit(used(other, 5, 0)).unwrap();
    let day = line.now.day();
    assert!(line.state.used(&Scope::Agent("ada".into()), day).is_none());
    assert_eq!(line.state.used(&Scope::Line, day).tokens, 5);
}

#[test]
fn only_the_engine_sets_budgets() {
    let mut line = Line::new();
    let scope = BudgetScope::Line;
    let command = Command::SetBudget {
        scope: scope.clone(),
        budget: TOKENS,
    };
    assert_eq!(rule(line.person().submit(command)), "engine_only");
    let nothing = Command::SetBudget {
        scope: scope.clone(),
        budget: Budget::default(),
    };
    assert_eq!(rule(line.submit(&system(), &nothing)), "invalid");
    let remove = Command::RemoveBudget {
        scope: scope.clone(),
    };
    assert_eq!(rule(line.submit(&system(), &remove)), "not_found");
    assert_eq!(
        kinds(&set(&mut line, scope.clone(), TOKENS)),
        ["budget_set"]
    );
    assert_eq!(set(&mut line, scope, TOKENS), []);
    assert_eq!(rule(line.person().submit(remove.clone())), "engine_only");
    let removed = line.submit(&system(), &remove).unwrap();
    assert_eq!(kinds(&removed), ["budget_removed"]);
    assert!(line.state.settings.budgets.is_empty());
}

#[test]
fn the_record_that_reaches_a_limit_raises_one_alert_that_holds_what_the_budget_covers() {
    let scopes: [(BudgetScope, Covered); 4] = [
        (BudgetScope::Line, |_| Scope::Line),
        (BudgetScope::Bucket(Bucket::Features), |_| {
            Scope::Bucket(Bucket::Features)
        }),
        (BudgetScope::Order, Scope::Order),
        (BudgetScope::Agent("ann".into()), |_| {
            Scope::Agent("ann".into())
        }),
    ];
    for (scope, covered) in scopes {
        let mut line = Line::new();
        set(&mut line, scope, TOKENS);
        let id = line.order_in(Bucket::Features);
        let next = line.order_in(Bucket::Features);
        line.agent("ann").claim(id).unwrap();
        assert_eq!(kinds(&host(&mut line, "ann", id, 99)), ["usage_recorded"]);
        let events = host(&mut line, "ann", id, 1);
        let covered = covered(id);
        let wanted = format!("budget:{covered}");
        assert!(
            matches!(&events[1..], [Event::AlertRaised { severity: Severity::High, fingerprint: Some(print), hold: Some(hold), .. }]
                if *print == wanted && *hold == covered),
            "{events:?}"
        );
        assert_eq!(kinds(&host(&mut line, "ann", id, 50)), ["usage_recorded"]);
        // Nothing goes on in it, but what is done is done.
        assert_eq!(rule(line.agent("ann").epoch(1).right(id)), "held");
        assert_eq!(
            kinds(&line.agent("ann").epoch(1).complete(id).unwrap()),
            ["order_completed"]
        );
        let started = line.agent("ann").claim(next);
        match covered {
            Scope::Order(_) => {
                started.unwrap();
                // With the order its alert is over.
                assert_eq!(line.state.alerts.len(), 0);
            }
            _ => assert_eq!(rule(started), "held"),
        }
    }
}

#[test]
fn a_pull_or_claim_by_an_agent_is_refused_where_its_budget_is_spent_though_nothing_holds() {
    let mut line = Line::new();
    set(&mut line, BudgetScope::Agent("ann".into()), TOKENS);
    let (id, next) = (line.order("one"), line.order("two"));
    line.agent("ann").claim(id).unwrap();
    host(&mut line, "ann", id, 120);
    line.person().resolve(AlertId(1)).unwrap();
    let refusal = line.agent("ann").claim(next).unwrap_err();
    let midnight = Timestamp(i64::from(line.now.day() + 1) * DAY);
    assert!(
        matches!(&refusal, Refusal::BudgetSpent { scope: Scope::Agent(name), spent, until, .. }
            if name == "ann" && spent.tokens == 120 && *until == Some(midnight)),
        "{refusal:?}"
    );
    assert_eq!(rule(line.agent("ann").start(next)), "budget_spent");
    assert_eq!(rule(line.agent("ann").next()), "budget_spent");
    // Others go on, and so does a person.
    line.agent("bob").next().unwrap();
    let third = line.order("three");
    line.person().start(third).unwrap();
    tomorrow(&mut line);
    line.order("four");
    line.agent("ann").next().unwrap();
}

#[test]
fn a_pull_passes_by_what_would_spend_a_spent_budget() {
    let mut line = Line::new();
    set(&mut line, BudgetScope::Bucket(Bucket::Features), TOKENS);
    set(
        &mut line,
        BudgetScope::Order,
        Budget {
            tokens: Some(500),
            cost: None,
        },
    );
    let dear = line.order_in(Bucket::Cost);
    line.agent("ann").claim(dear).unwrap();
    host(&mut line, "ann", dear, 500);
    line.agent("ann").epoch(1).release(dear).unwrap();
    let id = line.order_in(Bucket::Features);
    line.agent("ann").claim(id).unwrap();
    host(&mut line, "ann", id, 100);
    let more = line.order_in(Bucket::Features);
    for alert in [1, 2] {
        line.person().resolve(AlertId(alert)).unwrap();
    }
    let refusal = line.agent("ann").next().unwrap_err();
    assert!(
        matches!(
            &refusal,
            Refusal::NothingReady {
                queued: 2,
                spent: 2,
                held: 0,
                ..
            }
        ),
        "{refusal:?}"
    );
    let cheap = line.order_in(Bucket::Cost);
    line.agent("ann").next().unwrap();
    assert!(open(&line, cheap).work().is_some() && open(&line, more).work().is_none());
    // An order's budget is of its whole life: no day gives it back.
    tomorrow(&mut line);
    let refusal = line.agent("ann").claim(dear).unwrap_err();
    assert!(
        matches!(refusal, Refusal::BudgetSpent { until: None, .. }),
        "{refusal:?}"
    );
}

#[test]
fn a_days_end_frees_what_a_days_budget_held() {
    let mut line = Line::new();
    set(&mut line, BudgetScope::Line, TOKENS);
    let id = line.order("one");
    line.agent("ann").claim(id).unwrap();
    host(&mut line, "ann", id, 100);
    tomorrow(&mut line);
    line.now = line.now.plus(-1);
    assert!(!kinds(&line.tick()).contains(&"alert_recovered"));
    line.now = line.now.plus(1);
    let due = kinds(&line.tick());
    assert!(
        due.ends_with(&["alert_recovered", "alert_resolved"]),
        "{due:?}"
    );
    assert!(line.state.alerts.is_empty());
    // Usage around midnight goes to the day it is noted on.
    assert_eq!(kinds(&host(&mut line, "ann", id, 99)), ["usage_recorded"]);
    assert_eq!(
        kinds(&host(&mut line, "ann", id, 1)),
        ["usage_recorded", "alert_raised"]
    );
}

#[test]
fn a_higher_budget_frees_what_it_held_and_so_does_none() {
    for command in [
        Command::SetBudget {
            scope: BudgetScope::Order,
            budget: Budget {
                tokens: Some(101),
                cost: Some(1),
            },
        },
        Command::RemoveBudget {
            scope: BudgetScope::Order,
        },
    ] {
        let mut line = Line::new();
        set(&mut line, BudgetScope::Order, TOKENS);
        let id = line.order("one");
        line.agent("ann").claim(id).unwrap();
        host(&mut line, "ann", id, 100);
        assert_eq!(line.tick(), []);
        line.submit(&system(), &command).unwrap();
        assert_eq!(kinds(&line.tick()), ["alert_recovered", "alert_resolved"]);
        assert_eq!(line.tick(), []);
        line.agent("ann").epoch(1).right(id).unwrap();
    }
}

#[test]
fn what_a_person_widened_is_his_to_resolve() {
    let mut line = Line::new();
    set(&mut line, BudgetScope::Bucket(Bucket::Features), TOKENS);
    let id = line.order_in(Bucket::Features);
    line.agent("ann").claim(id).unwrap();
    host(&mut line, "ann", id, 100);
    let widen = Command::TriggerAndon {
        reason: "all of it".into(),
        severity: Severity::High,
        hold: Some(obeya::domain::command::Hold::Scope(Scope::Line)),
        fingerprint: Some("budget:bucket:features".into()),
        order: None,
    };
    line.person().submit(widen).unwrap();
    assert_eq!(rule(line.agent("ann").epoch(1).complete(id)), "held");
    line.renewals.insert(id, (1, line.now.plus(2 * DAY)));
    tomorrow(&mut line);
    assert_eq!(kinds(&line.tick()), ["alert_recovered"]);
    assert_eq!(line.tick(), []);
    assert_eq!(line.state.alerts.len(), 1);
}

#[test]
fn a_clock_that_goes_back_over_midnight_counts_for_the_day_it_says() {
    let mut line = Line::new();
    set(&mut line, BudgetScope::Line, TOKENS);
    let id = line.order("one");
    line.agent("ann").claim(id).unwrap();
    line.renewals.insert(id, (1, line.now.plus(9 * DAY)));
    tomorrow(&mut line);
    host(&mut line, "ann", id, 100);
    assert_eq!(line.state.alerts.len(), 1);
    line.now = line.now.plus(-SECOND);
    // The alert of a day that is yet to come stands; what is spent counts for today.
    assert_eq!(kinds(&line.tick()), [] as [&str; 0]);
    let day = line.now.day();
    assert!(line.state.used(&Scope::Line, day).is_none());
    assert_eq!(kinds(&host(&mut line, "ann", id, 100)), ["usage_recorded"]);
    // Both days are spent, so the next but one is free.
    let next = line.order("two");
    line.person().resolve(AlertId(1)).unwrap();
    let refusal = line.agent("bob").claim(next).unwrap_err();
    let free = Timestamp(i64::from(day + 2) * DAY);
    assert!(
        matches!(refusal, Refusal::BudgetSpent { until: Some(until), .. } if until == free),
        "{refusal:?}"
    );
}

#[test]
fn a_count_that_is_too_large_saturates() {
    let mut line = Line::new();
    let all = Budget {
        tokens: Some(u64::MAX),
        cost: Some(u64::MAX),
    };
    set(&mut line, BudgetScope::Line, all);
    let id = line.order("one");
    line.agent("ann").claim(id).unwrap();
    assert_eq!(
        kinds(&host(&mut line, "ann", id, u64::MAX - 1)),
        ["usage_recorded"]
    );
    assert_eq!(
        kinds(&host(&mut line, "ann", id, u64::MAX)),
        ["usage_recorded", "alert_raised"]
    );
    assert_eq!(open(&line, id).usage.tokens, u64::MAX);
    let used = line.state.used(&Scope::Line, line.now.day());
    assert_eq!((used.tokens, used.cost), (u64::MAX, 0));
}

#[test]
fn a_budget_of_nothing_lets_no_agent_begin_and_no_day_frees_it() {
    let mut line = Line::new();
    let nothing = Budget {
        tokens: None,
        cost: Some(0),
    };
    set(&mut line, BudgetScope::Line, nothing);
    let id = line.order("one");
    let refusal = line.agent("ann").next().unwrap_err();
    assert!(
        matches!(refusal, Refusal::BudgetSpent { until: None, .. }),
        "{refusal:?}"
    );
    line.person().start(id).unwrap();
    line.person().submit(used(id, 1, 0)).unwrap();
    assert_eq!(line.state.alerts.len(), 1);
    tomorrow(&mut line);
    assert!(!kinds(&line.tick()).contains(&"alert_recovered"));
    assert_eq!(open(&line, id).work().unwrap().holder, Actor::person("ada"));
}

//! What agents used up, by day, bucket, agent and order, and how budgets stand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Days, date};
use crate::domain::{
    andon::Scope,
    books::Books,
    budget::BudgetScope,
    id::OrderId,
    order::{BUCKETS, Bucket},
    query::{
        filter::Filter,
        reading::{Answered, Reading},
        value::Moment,
    },
    state::State,
    time::Timestamp,
    usage::{BudgetView, Usage, UsageView},
};

/// What was used up in some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageReport {
    /// The first day, `2026-02-02`.
    pub since: String,
    /// The last day: today, which is not over yet.
    pub until: String,
    /// In all.
    pub used: UsageView,
    /// Each day, oldest first.
    pub days: Vec<UsedOn>,
    /// Each bucket.
    pub buckets: Vec<UsedIn>,
    /// The agents, the dearest first.
    pub agents: Vec<UsedBy>,
    /// How many agents there are in all.
    pub agents_total: usize,
    /// The orders that are open or were closed in these days, each with what it used up in its whole life, the dearest first.
    pub orders: Vec<UsedFor>,
    /// How many orders there are in all.
    pub orders_total: usize,
    /// The budgets as they stand today.
    pub budgets: Vec<BudgetStanding>,
}

/// What was used up on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedOn {
    /// The UTC day, `2026-02-02`.
    pub date: String,
    /// What.
    #[serde(flatten)]
    pub used: UsageView,
}

/// What was used up in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedIn {
    /// Which.
    pub bucket: Bucket,
    /// What.
    #[serde(flatten)]
    pub used: UsageView,
}

/// What an agent used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedBy {
    /// Its name.
    pub agent: String,
    /// What.
    #[serde(flatten)]
    pub used: UsageView,
}

/// What work on an order used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedFor {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// What.
    #[serde(flatten)]
    pub used: UsageView,
}

/// How a budget stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetStanding {
    /// Of what: `line`, `bucket:features`, `agent:rust-dev`, `order` for the limit of every order, `order:WO-001` for one
    /// that is spent.
    pub scope: String,
    /// What may be used up.
    pub limit: BudgetView,
    /// What was: today, or in the order's life. Nothing for the limit of every order.
    pub used: UsageView,
    /// Whether it is spent.
    pub spent: bool,
    /// When it is whole again by itself, if it is spent and ever is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// Returns what is sorted by: the dearest first, then what took most tokens.
fn dearest(used: UsageView) -> std::cmp::Reverse<(u64, u64)> {
    std::cmp::Reverse((used.cost.0, used.tokens))
}

impl<B: Books> Reading<'_, B> {
    /// Returns what was used up from a moment's day on, with at most `limit` agents and orders.
    pub(in crate::domain::query) fn usage(
        &mut self,
        since: Timestamp,
        limit: usize,
    ) -> Answered<UsageReport, B> {
        let (state, now) = (self.state, self.now);
        let span = Days::new(state, since, now);
        let mut all = Usage::default();
        let mut days: BTreeMap<u32, Usage> =
            span.each().map(|day| (day, Usage::default())).collect();
        let mut buckets = [Usage::default(); BUCKETS];
        let mut agents: BTreeMap<&str, Usage> = BTreeMap::new();
        let inside = state
            .days()
            .filter(|(day, _)| (span.first..=span.last).contains(day));
        for (number, day) in inside {
            for (row, bucket) in day.0.iter().zip(&mut buckets) {
                all.add(row.usage);
                bucket.add(row.usage);
                days.entry(number).or_default().add(row.usage);
                for (name, used) in &row.agents {
                    agents.entry(name).or_default().add(*used);
                }
            }
        }
        let mut agents: Vec<_> = agents
            .into_iter()
            .map(|(name, used)| UsedBy {
                agent: name.into(),
                used: used.view(),
            })
            .collect();
        agents.sort_by_key(|agent| dearest(agent.used));
        let mut orders = self.dear_orders(span.start())?;
        let (agents_total, orders_total) = (agents.len(), orders.len());
        agents.truncate(limit);
        orders.truncate(limit);
        let buckets = Bucket::ALL.iter().zip(buckets);
        Ok(UsageReport {
            since: date(span.first),
            until: date(span.last),
            used: all.view(),
            days: days
                .into_iter()
                .map(|(day, used)| UsedOn {
                    date: date(day),
                    used: used.view(),
                })
                .collect(),
            buckets: buckets
                .map(|(bucket, used)| UsedIn {
                    bucket: *bucket,
                    used: used.view(),
                })
                .collect(),
            agents,
            agents_total,
            orders,
            orders_total,
            budgets: budgets(state, now),
        })
    }

    /// Returns the orders on which anything was used up, open ones and those closed since then.
    fn dear_orders(&mut self, since: Timestamp) -> Answered<Vec<UsedFor>, B> {
        let used_for = |id, title: &str, used: Usage| UsedFor {
            id,
            title: title.into(),
            used: used.view(),
        };
        let open = self.state.orders();
        let mut orders: Vec<_> = open
            .map(|order| used_for(order.id, &order.title, order.usage))
            .collect();
        let past = self.past_orders(&Filter::default(), since)?;
        let closed = past.ended.iter();
        orders.extend(closed.map(|order| used_for(order.id, &order.title, order.usage)));
        orders.retain(|order| !order.used.is_none());
        orders.sort_by_key(|order| (dearest(order.used), order.id));
        Ok(orders)
    }
}

/// Returns the budgets as they stand: of each order's, the limit and the open orders that spent it.
fn budgets(state: &State, now: Timestamp) -> Vec<BudgetStanding> {
    let day = now.day();
    let mut standing = vec![];
    let of = |scope: &Scope, limit: BudgetView| {
        let spent = state.is_spent(scope, day);
        let until = state.spent_until(scope, day).filter(|_| spent);
        BudgetStanding {
            scope: scope.to_string(),
            limit,
            used: state.used(scope, day).view(),
            spent,
            until: until.map(Moment),
        }
    };
    for (scope, budget) in &state.settings.budgets {
        let limit = budget.view();
        match scope {
            BudgetScope::Line => standing.push(of(&Scope::Line, limit)),
            BudgetScope::Bucket(bucket) => standing.push(of(&Scope::Bucket(*bucket), limit)),
            BudgetScope::Agent(name) => standing.push(of(&Scope::Agent(name.clone()), limit)),
            BudgetScope::Order => {
                standing.push(BudgetStanding {
                    scope: scope.to_string(),
                    limit,
                    used: UsageView::default(),
                    spent: false,
                    until: None,
                });
                let orders = state.orders().map(|order| Scope::Order(order.id));
                let orders = orders.filter(|scope| state.is_spent(scope, day));
                standing.extend(orders.map(|scope| of(&scope, limit)));
            }
        }
    }
    standing
}

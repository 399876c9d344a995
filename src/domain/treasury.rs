//! What budgets allow: what was used up of each, which are spent, and until when.
//!
//! A budget of a day is that of the UTC day of a record, so that the same records come to the same sums everywhere. What
//! was used up only grows; a day's end, or another budget, is what lifts a limit that was reached.

use super::{
    andon::{Alert, Scope},
    budget::BudgetScope,
    order::Order,
    refusal::Refusal,
    state::{MAX_DAY, State},
    time::{DAY, Timestamp},
    usage::{Budget, Usage},
};

/// What the name of a spent budget's condition begins with.
const CONDITION: &str = "budget:";
/// How many days ahead are looked at for one on which a budget is not spent: where the clock went back, the next few may
/// have been spent already.
const DAYS_AHEAD: u32 = 3;

impl State {
    /// Returns the budget of a scope, if it has one.
    pub fn budget(&self, scope: &Scope) -> Option<Budget> {
        if self.settings.budgets.is_empty() {
            return None;
        }
        let scope = BudgetScope::of(scope)?;
        self.settings.budgets.get(&scope).copied()
    }

    /// Returns what was used up in a scope on a UTC day; of an open order, in its whole life.
    pub fn used(&self, scope: &Scope, day: u32) -> Usage {
        // Days are counted up to a last one, as records are.
        let rows = || {
            self.day(day.min(MAX_DAY))
                .into_iter()
                .flat_map(|day| &day.0)
        };
        let sum =
            |parts: &mut dyn Iterator<Item = Usage>| parts.fold(Usage::default(), Usage::with);
        match scope {
            Scope::Order(id) => self.order(*id).map(|order| order.usage).unwrap_or_default(),
            Scope::Bucket(bucket) => {
                let row = rows().nth(bucket.index());
                row.map(|row| row.usage).unwrap_or_default()
            }
            Scope::Agent(name) => sum(&mut rows().filter_map(|row| row.agents.get(name).copied())),
            Scope::Line => sum(&mut rows().map(|row| row.usage)),
            Scope::Epic(_) | Scope::Stage(_) => Usage::default(),
        }
    }

    /// Returns whether a scope's budget is spent on a day. Where there is none, or the order is closed, nothing is.
    pub fn is_spent(&self, scope: &Scope, day: u32) -> bool {
        let open = match scope {
            Scope::Order(id) => self.order(*id).is_some(),
            _ => true,
        };
        let budget = self.budget(scope).filter(|_| open);
        budget.is_some_and(|budget| budget.is_spent_by(self.used(scope, day)))
    }

    /// Returns when a budget that is spent on a day is whole again by itself, if it ever is.
    pub fn spent_until(&self, scope: &Scope, day: u32) -> Option<Timestamp> {
        if matches!(scope, Scope::Order(_)) {
            return None;
        }
        let days = (1..=DAYS_AHEAD).map(|ahead| day.saturating_add(ahead));
        let whole = days.into_iter().find(|day| !self.is_spent(scope, *day))?;
        Some(Timestamp(i64::from(whole).saturating_mul(DAY)))
    }

    /// Returns the refusal of a scope's spent budget, if it is spent.
    pub fn budget_refusal(&self, scope: Scope, now: Timestamp) -> Option<Refusal> {
        let budget = self.budget(&scope)?;
        let day = now.day();
        self.is_spent(&scope, day).then(|| Refusal::BudgetSpent {
            spent: self.used(&scope, day).view(),
            limit: budget.view(),
            until: self.spent_until(&scope, day),
            scope,
        })
    }

    /// Returns the refusal of the first spent budget, if there is one, that an agent would spend by working on an order.
    pub fn over_budget(&self, order: &Order, agent: &str, now: Timestamp) -> Option<Refusal> {
        if self.settings.budgets.is_empty() {
            return None;
        }
        let mut scopes = scopes(order, Some(agent)).into_iter();
        scopes.find_map(|scope| self.budget_refusal(scope, now))
    }

    /// Returns the refusals of all budgets that are spent, the widest first.
    pub fn spent_budgets(&self, now: Timestamp) -> Vec<Refusal> {
        let of = |scope: &BudgetScope| match scope {
            BudgetScope::Line => vec![Scope::Line],
            BudgetScope::Bucket(bucket) => vec![Scope::Bucket(*bucket)],
            BudgetScope::Agent(name) => vec![Scope::Agent(name.clone())],
            BudgetScope::Order => {
                let orders = self.work_orders();
                orders.map(|order| Scope::Order(order.id)).collect()
            }
        };
        let scopes = self.settings.budgets.keys().flat_map(of);
        scopes
            .filter_map(|scope| self.budget_refusal(scope, now))
            .collect()
    }

    /// Returns what has to be told of work that spends these scopes' budgets: whatever one of them limits has a limit here.
    /// None stands for nothing at all.
    pub fn metered(&self, scopes: &[Scope]) -> Option<Budget> {
        let budgets = scopes.iter().filter_map(|scope| self.budget(scope));
        budgets.reduce(|one, other| Budget {
            tokens: one.tokens.or(other.tokens),
            cost: one.cost.or(other.cost),
        })
    }

    /// Returns when the alert of a spent budget is over: a moment that may be past, or None for another alert and for a
    /// budget that is spent until somebody raises it.
    pub fn budget_alert_over(&self, alert: &Alert) -> Option<Timestamp> {
        let scope = condition_of(alert)?;
        let stands = alert.recovered.is_none() || alert.is_of_budget();
        stands.then_some(())?;
        let day = alert.last_seen.day();
        match self.is_spent(&scope, day) {
            true => self.spent_until(&scope, day),
            false => Some(alert.last_seen),
        }
    }
}

impl Alert {
    /// Returns whether it stands for a spent budget, and holds what that covers and nothing else. What is done costs
    /// nothing more, so that such a hold lets it be completed.
    pub fn is_of_budget(&self) -> bool {
        self.hold.is_some() && self.hold == condition_of(self)
    }
}

/// Returns the budgets that an agent, or a person, spends by working on an order: the widest first.
pub fn scopes(order: &Order, agent: Option<&str>) -> Vec<Scope> {
    let agent = agent.map(|name| Scope::Agent(name.into()));
    let all = [Scope::Line, Scope::Bucket(order.bucket)].into_iter();
    all.chain(agent).chain([Scope::Order(order.id)]).collect()
}

/// Returns the condition that a spent budget stands for.
pub fn condition(scope: &Scope) -> String {
    format!("{CONDITION}{scope}")
}

/// Returns the scope whose budget an alert says to be spent, if it is about one.
fn condition_of(alert: &Alert) -> Option<Scope> {
    let scope = alert.fingerprint.as_deref()?.strip_prefix(CONDITION)?;
    let scope = scope.parse().ok()?;
    BudgetScope::of(&scope).map(|_| scope)
}

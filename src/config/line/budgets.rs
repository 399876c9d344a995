//! `[budgets]`: what may be used up, in tokens and in money.
//!
//! ```toml
//! [budgets]
//! day = { tokens = 2_000_000, cost = 20 }
//!
//! [budgets.order]
//! cost = 2.5
//!
//! [budgets.buckets.features]
//! tokens = 1_000_000
//! ```

use super::{
    Words,
    reader::{Reader, Value},
};

/// What a budget looks like.
const SHAPE: &str = "{ tokens = …, cost = … }";

/// What may be used up. At least one of the two is there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// In tokens.
    pub tokens: Option<u64>,
    /// In money, in whatever currency the agents report.
    pub cost: Option<f64>,
}

impl Budget {
    /// Returns the budget of one table, or None if anything in it is wrong.
    pub(super) fn read(reader: &mut Reader<'_>, name: &str, value: &Value<'_>) -> Option<Budget> {
        let before = reader.found.len();
        let mut budget = Budget::default();
        for (key, value) in reader.table(name, value, SHAPE)? {
            let word = key.get_ref().as_ref();
            match word {
                "tokens" => budget.tokens = Some(reader.number(word, value, 0, u64::MAX)?),
                "cost" => budget.cost = Some(reader.amount(word, value)?),
                other => {
                    let what = format!("a budget has no '{other}'");
                    reader.wrong(key.span(), what, "use tokens or cost");
                }
            }
        }
        if budget == Budget::default() && reader.found.len() == before {
            reader.wrong(
                value.span(),
                "this budget limits nothing",
                format!("write {SHAPE}"),
            );
        }
        (reader.found.len() == before).then_some(budget)
    }
}

/// The budgets that are not an agent's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budgets {
    /// The whole line's, for a day.
    pub day: Option<Budget>,
    /// Each order's, for its life.
    pub order: Option<Budget>,
    /// Those of classes of service, for a day.
    pub buckets: Vec<(String, Budget)>,
    /// Whether something of it could not be read: a limit that somebody wrote may be missing.
    pub mistaken: bool,
}

impl Budgets {
    /// Returns the budgets of the table; one with a mistake in it is left out.
    pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>, words: Words<'_>) -> Budgets {
        let before = reader.found.len();
        let mut budgets = Budgets::of(reader, value, words);
        budgets.mistaken = reader.found.len() > before;
        budgets
    }

    fn of(reader: &mut Reader<'_>, value: &Value<'_>, words: Words<'_>) -> Budgets {
        let mut budgets = Budgets::default();
        let shape = "[budgets] with day, order or buckets";
        let Some(table) = reader.table("budgets", value, shape) else {
            return budgets;
        };
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            match word {
                "day" => budgets.day = Budget::read(reader, word, value),
                "order" => budgets.order = Budget::read(reader, word, value),
                "buckets" => {
                    for (key, table) in reader
                        .table(word, value, "[budgets.buckets.NAME]")
                        .into_iter()
                        .flatten()
                    {
                        let bucket = key.get_ref().as_ref();
                        if !words.buckets.contains(&bucket) {
                            let mend = format!("use {}", words.buckets.join(", "));
                            reader.wrong(
                                key.span(),
                                format!("there is no bucket '{bucket}'"),
                                mend,
                            );
                            continue;
                        }
                        let budget = Budget::read(reader, bucket, table);
                        budgets
                            .buckets
                            .extend(budget.map(|budget| (bucket.to_owned(), budget)));
                    }
                }
                other => {
                    let what = format!("budgets have no '{other}'");
                    reader.wrong(key.span(), what, "use day, order or buckets");
                }
            }
        }
        budgets
    }
}

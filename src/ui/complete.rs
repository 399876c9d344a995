//! What may come next in a line that is being typed: words of the grammar, ids, names, terms.

use serde::{Deserialize, Serialize};

use super::{
    action::Action,
    arrange::{LanesBy, Sort},
    filter::TERMS,
    model::{Model, View},
    overlay::prompt::{Prompt, Purpose},
};
use crate::domain::{
    order::{Bucket, Kind, Status},
    query::agents::roster,
};

/// The most that is offered: several screens of it.
const MAX_OFFERS: usize = 100;

/// What the grammar says about a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grammar {
    /// The line.
    pub line: String,
    /// The byte at which its last word begins.
    pub from: usize,
    /// The words that fit there, each with what it does.
    pub words: Vec<(String, String)>,
    /// What sort of value belongs there, as the grammar's help calls it.
    pub value: Option<String>,
}

/// A word that may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The word.
    pub word: String,
    /// What it does or is.
    pub about: String,
}

/// What may come next in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// The line that they are for.
    pub line: String,
    /// The byte at which the word begins that they would replace.
    pub from: usize,
    /// The words, the likeliest first.
    pub all: Vec<Offer>,
    /// The one that was taken, while one goes through them.
    pub taken: Option<usize>,
}

fn offer(word: impl Into<String>, about: impl Into<String>) -> Offer {
    Offer {
        word: word.into(),
        about: about.into(),
    }
}

/// Returns what may come next in a command, by the grammar and by what there is now.
pub fn command(model: &Model, grammar: Grammar) -> Offers {
    let Grammar {
        line,
        mut from,
        words,
        value,
    } = grammar;
    let typed = line.get(from..).unwrap_or_default().to_owned();
    let mut all: Vec<Offer> = Vec::new();
    let bare = line.trim_start();
    match bare.split_once(' ') {
        None => {
            let actions = Action::ALL.iter().filter(|action| action.is_typed());
            let actions = actions.map(|action| offer(action.name(), action.about()));
            all.extend(words.into_iter().map(|(word, about)| offer(word, about)));
            all.extend(actions.filter(|offer| offer.word.starts_with(bare)));
        }
        Some((action, argument)) if arguments(model, action).is_some() => {
            from = line.len() - argument.trim_start().len();
            let argument = argument.trim_start();
            let known = arguments(model, action).unwrap_or_default();
            all.extend(known.into_iter().filter(|o| o.word.starts_with(argument)));
        }
        Some(_) => {
            all.extend(words.into_iter().map(|(word, about)| offer(word, about)));
            if let Some(value) = &value {
                let word = line.get(from..).unwrap_or_default();
                all.extend(values(model, value, word));
            }
        }
    }
    debug_assert!(line.is_char_boundary(from), "{line} {from} {typed}");
    all.truncate(MAX_OFFERS);
    Offers {
        line,
        from,
        all,
        taken: None,
    }
}

/// Returns what an action of the console may be given, if it takes anything.
fn arguments(model: &Model, action: &str) -> Option<Vec<Offer>> {
    Some(match action {
        "view" => View::ALL.iter().map(|v| offer(v.name(), "")).collect(),
        "sort" => Sort::ALL
            .iter()
            .map(|s| offer(s.name(), s.said()))
            .collect(),
        "lanes" => LanesBy::ALL
            .iter()
            .map(|by| offer(by.name(), by.said()))
            .collect(),
        "mark" => vec![
            offer("all", "all that are shown, or none of them"),
            offer("column", "all of the column, or none of it"),
            offer("none", "take every mark off"),
            offer("next", "mark and go down"),
        ],
        "graph" => vec![
            offer(
                "mermaid",
                "copy what is drawn as Mermaid, or write it to the FILE named",
            ),
            offer(
                "dot",
                "copy what is drawn as DOT, or write it to the FILE named",
            ),
        ],
        "filter" => {
            let saved = model.filters.iter();
            let mut all: Vec<Offer> = saved
                .clone()
                .map(|(name, text)| offer(name, text))
                .collect();
            all.push(offer("save", "save the active filter under a name"));
            let forget = |(name, _): (&String, _)| offer(format!("forget {name}"), "forget it");
            all.extend(saved.map(forget));
            all
        }
        _ => return None,
    })
}

/// Returns the values of a sort that there are now and that fit what is typed.
fn values(model: &Model, sort: &str, typed: &str) -> Vec<Offer> {
    let typed = typed.to_lowercase();
    let state = &model.state;
    let fits = |offer: &Offer| offer.word.to_lowercase().starts_with(&typed);
    let all: Vec<Offer> = match sort {
        "ID" | "FROM" | "TO" | "EPIC" | "TARGET" => {
            // An order is found by any part of its number or title, the selected one first.
            let wanted = |order: &&std::sync::Arc<crate::domain::order::Order>| {
                sort != "EPIC" || order.is_epic()
            };
            let orders = state.orders().filter(wanted).filter(|order| {
                order.id.to_string().to_lowercase().contains(&typed)
                    || order.title.to_lowercase().contains(&typed)
            });
            let mut found: Vec<_> = orders.take(MAX_OFFERS).collect();
            found.sort_by_key(|order| Some(order.id) != model.selected_order());
            let found = found.into_iter();
            return found
                .map(|order| offer(order.id.to_string(), &order.title))
                .collect();
        }
        "ALERT" => {
            let alerts = model.alerts().into_iter();
            let alerts = alerts.map(|alert| offer(alert.id.to_string(), &alert.reason));
            alerts.collect()
        }
        "NAME" => names(model),
        "STAGE" => {
            let stages = state.settings.stages.iter();
            let mut all: Vec<Offer> = stages.map(|stage| offer(&stage.name, "")).collect();
            all.extend([offer("left", "one back"), offer("right", "one on")]);
            all
        }
        "LABEL" => labels(model),
        "BUCKET" => words(Bucket::ALL, Bucket::word),
        "SCOPE" => {
            let mut all = vec![offer("line", "everything"), offer("none", "nothing")];
            all.extend(Bucket::ALL.iter().map(|b| offer(format!("bucket:{b}"), "")));
            let stages = state.settings.stages.iter();
            all.extend(stages.map(|stage| offer(format!("stage:{}", stage.name), "")));
            let epics = state.open_epics();
            all.extend(epics.map(|epic| offer(format!("epic:{}", epic.id), &epic.title)));
            let agents = names(model).into_iter();
            all.extend(agents.map(|name| offer(format!("agent:{}", name.word), name.about)));
            all
        }
        _ => Vec::new(),
    };
    all.into_iter().filter(fits).collect()
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<Offer> {
    all.iter().map(|value| offer(word(*value), "")).collect()
}

/// Returns those who are registered or hold something.
fn names(model: &Model) -> Vec<Offer> {
    let known = roster(&model.state);
    let named = known.iter().map(|agent| {
        let about = match agent.holds.len() {
            0 => String::new(),
            n => format!("holds {n}"),
        };
        offer(agent.name.clone(), about)
    });
    named.collect()
}

/// Returns the labels that open orders carry.
fn labels(model: &Model) -> Vec<Offer> {
    let labels = model.state.orders().flat_map(|order| order.labels.iter());
    let labels: std::collections::BTreeSet<&String> = labels.collect();
    labels.into_iter().map(|label| offer(label, "")).collect()
}

/// Returns what may come next in a filter.
pub fn filter(model: &Model, line: String) -> Offers {
    let begin = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = line.get(begin..).unwrap_or_default();
    let bare = word.trim_start_matches('!');
    let mut from = line.len() - bare.len();
    let all = match bare.split_once(':') {
        None => {
            let terms = TERMS.iter().flat_map(|(term, about)| {
                let terms = term.split(' ');
                terms.map(move |term| (term, *about))
            });
            let terms = terms.filter(|(term, _)| *term != "word" && !term.starts_with('!'));
            let begun = terms.map(|(term, about)| {
                let end = term.find([':', '>', '<']).map_or(term.len(), |at| at + 1);
                offer(term.get(..end).unwrap_or(term), about)
            });
            begun
                .filter(|offer| offer.word.starts_with(bare) && offer.word != bare)
                .collect()
        }
        Some((name, value)) => {
            let last = value.rfind(',').map_or(0, |at| at + 1);
            let value = value.get(last..).unwrap_or_default();
            from = line.len() - value.len();
            let known = match name {
                "bucket" => words(Bucket::ALL, Bucket::word),
                "kind" => words(Kind::ALL, Kind::word),
                "status" => words(Status::ALL, Status::word),
                "stage" => values(model, "STAGE", value),
                "label" => labels(model),
                "agent" => names(model),
                "epic" => values(model, "EPIC", value),
                _ => Vec::new(),
            };
            let value = value.to_lowercase();
            let epic = name == "epic";
            let fits = |o: &Offer| {
                (epic || o.word.to_lowercase().starts_with(&value)) && !o.word.contains(' ')
            };
            known.into_iter().filter(fits).collect()
        }
    };
    Offers {
        line,
        from,
        all,
        taken: None,
    }
}

/// Returns the line of a command whose offers are wanted, if the prompt has none for what is typed.
pub fn wanted(prompt: &Prompt) -> Option<String> {
    let line = prompt.editor.text();
    let stale = prompt.offers.as_ref().is_none_or(|o| o.line != line);
    stale.then_some(line)
}

impl Offers {
    /// Returns the line with more of its last word: as far as all offers agree, else the next of them.
    pub fn further(&mut self) -> Option<String> {
        let typed = self.line.get(self.from..)?;
        let before = self.line.get(..self.from)?;
        let first = self.all.first()?;
        let shared = match self.taken {
            Some(_) => "",
            None => shared(&self.all),
        };
        let quoted = |word: &str| match word.contains(char::is_whitespace) {
            true if !word.starts_with("forget ") => format!("\"{word}\""),
            _ => word.to_owned(),
        };
        let line = if self.all.len() == 1 {
            let open = first.word.ends_with([':', '<', '>', '=']);
            let gap = if open { "" } else { " " };
            format!("{before}{}{gap}", quoted(&first.word))
        } else if shared.len() > typed.len() && shared.starts_with(typed) {
            format!("{before}{shared}")
        } else {
            let next = self.taken.map_or(0, |at| (at + 1) % self.all.len());
            self.taken = Some(next);
            let line = format!("{before}{}", quoted(&self.all.get(next)?.word));
            self.line.clone_from(&line);
            return Some(line);
        };
        Some(line)
    }
}

/// Returns how far all words are the same.
fn shared(all: &[Offer]) -> &str {
    let Some(first) = all.first() else { return "" };
    all.iter().fold(first.word.as_str(), |shared, other| {
        let same = shared.char_indices().zip(other.word.chars());
        let end = same.take_while(|((_, a), b)| a == b).last();
        let end = end.map_or(0, |((at, c), _)| at + c.len_utf8());
        shared.get(..end).unwrap_or_default()
    })
}

/// Returns whether offers are shown for lines of this sort.
pub fn offers_for(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Command | Purpose::Filter)
}

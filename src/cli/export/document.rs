//! `export json` and `jsonl`: everything that the questions answer, for other programs.

use std::io::{self, Write as _};

use serde_json::{Value, json};

use super::{orders, sink::Sink};
use crate::{
    cli::{
        context::{Call, answer},
        error::Done,
    },
    domain::query::{MAX_LIMIT, Query},
};

/// Writes everything: one document, or one thing a line.
pub(super) fn write(call: &mut Call<'_>, sink: Sink, lines: bool) -> Done {
    let mut target = Target {
        lines,
        sink,
        first: true,
    };
    let mut cut = false;
    target.begin(call)?;
    target.section(call, "buckets", |call, put| {
        let buckets = answer!(call, Query::Buckets, Buckets).buckets;
        buckets
            .iter()
            .try_for_each(|bucket| put(call, json!(bucket)))
    })?;
    target.section(call, "stages", |call, put| {
        let stages = answer!(call, Query::Stages, Stages).stages;
        stages.iter().try_for_each(|stage| put(call, json!(stage)))
    })?;
    target.section(call, "agents", |call, put| {
        let limit = Some(MAX_LIMIT);
        let page = answer!(call, Query::Agents { limit }, Agents);
        let agents = page.agents;
        cut |= agents.len() < page.total;
        agents.iter().try_for_each(|agent| put(call, json!(agent)))
    })?;
    target.section(call, "alerts", |call, put| {
        let query = Query::Alerts {
            all: true,
            severity: None,
            limit: Some(MAX_LIMIT),
        };
        let alerts = answer!(call, query, Alerts).alerts;
        cut |= alerts.len() >= MAX_LIMIT;
        alerts.iter().try_for_each(|alert| put(call, json!(alert)))
    })?;
    target.section(call, "work_orders", |call, put| {
        orders(call, None, true, &mut |call, order| put(call, json!(order)))
    })?;
    if cut {
        // Standard output may be the export itself. That nobody reads the other one is no reason to stop.
        let _ = writeln!(
            io::stderr(),
            "note: of agents and alerts an export holds {MAX_LIMIT} each; older ones are left out"
        );
    }
    target.end(call)
}

type Put<'p> = &'p mut dyn FnMut(&mut Call<'_>, Value) -> Done;

/// Where the export goes, and in which form: one document, or one thing a line with its sort before it.
struct Target {
    lines: bool,
    sink: Sink,
    /// Whether the next thing is the first of its list.
    first: bool,
}

impl Target {
    fn begin(&mut self, call: &mut Call<'_>) -> Done {
        match self.lines {
            true => Ok(()),
            false => self.write(call, "{"),
        }
    }

    fn section(
        &mut self,
        call: &mut Call<'_>,
        name: &str,
        each: impl FnOnce(&mut Call<'_>, Put<'_>) -> Done,
    ) -> Done {
        if !self.lines {
            let comma = if self.first { "" } else { "," };
            self.write(call, &format!("{comma}\n\"{name}\":["))?;
        }
        self.first = true;
        each(call, &mut |call, thing| self.put(call, name, thing))?;
        self.first = false;
        match self.lines {
            true => Ok(()),
            false => self.write(call, "]"),
        }
    }

    fn put(&mut self, call: &mut Call<'_>, name: &str, thing: Value) -> Done {
        if self.lines {
            let sort = name.strip_suffix('s').unwrap_or(name);
            let text = call.out.compact(&json!({ sort: thing }))?;
            return self.write(call, &format!("{text}\n"));
        }
        let comma = if self.first { "\n" } else { ",\n" };
        self.first = false;
        let text = call.out.compact(&thing)?;
        self.write(call, &format!("{comma}{text}"))
    }

    fn write(&mut self, call: &mut Call<'_>, text: &str) -> Done {
        self.sink.write(call, text)
    }

    fn end(mut self, call: &mut Call<'_>) -> Done {
        if !self.lines {
            self.write(call, "\n}\n")?;
        }
        self.sink.end(call)
    }
}

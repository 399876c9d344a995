//! `export json` and `jsonl`: everything that the questions answer, for other programs.

use serde_json::{Value, json};

use super::{PAGE, Source, sink::Sink};
use crate::{
    cli::{
        context::{Call, answer},
        error::Done,
    },
    domain::query::Query,
};

/// Writes everything: one document, or one thing a line.
pub(super) fn write(call: &mut Call<'_>, source: &mut Source, sink: Sink, lines: bool) -> Done {
    let mut target = Target {
        lines,
        sink,
        first: true,
    };
    target.begin(call)?;
    target.section(call, "buckets", |put| {
        let buckets = answer!(source, Query::Buckets, Buckets).buckets;
        buckets.iter().try_for_each(|bucket| put(json!(bucket)))
    })?;
    target.section(call, "stages", |put| {
        let stages = answer!(source, Query::Stages, Stages).stages;
        stages.iter().try_for_each(|stage| put(json!(stage)))
    })?;
    target.section(call, "agents", |put| agents(source, put))?;
    target.section(call, "alerts", |put| alerts(source, put))?;
    target.section(call, "work_orders", |put| {
        source.orders(None, true, &mut |order| put(json!(order)))
    })?;
    target.end(call)
}

type Put<'p> = &'p mut dyn FnMut(Value) -> Done;

fn agents(source: &mut Source, put: Put<'_>) -> Done {
    let mut after = None;
    loop {
        let limit = Some(PAGE);
        let page = answer!(source, Query::Agents { limit, after }, Agents).agents;
        page.iter().try_for_each(|agent| put(json!(agent)))?;
        after = match page.last() {
            Some(last) => Some(last.name.clone()),
            None => return Ok(()),
        };
    }
}

fn alerts(source: &mut Source, put: Put<'_>) -> Done {
    let mut after = None;
    loop {
        let query = Query::Alerts {
            all: true,
            severity: None,
            limit: Some(PAGE),
            after,
        };
        let page = answer!(source, query, Alerts).alerts;
        page.iter().try_for_each(|alert| put(json!(alert)))?;
        after = match page.last() {
            Some(last) => Some(last.id),
            None => return Ok(()),
        };
    }
}

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
        each: impl FnOnce(Put<'_>) -> Done,
    ) -> Done {
        if !self.lines {
            let comma = if self.first { "" } else { "," };
            self.write(call, &format!("{comma}\n\"{name}\":["))?;
        }
        self.first = true;
        each(&mut |thing| self.put(call, name, thing))?;
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

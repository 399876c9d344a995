//! `obeya export json|jsonl`: everything that the questions answer, for other programs, as it stood at one moment.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{
    arguments::{option, verb, verbs},
    context::{Call, answer},
    error::{self, CliError, Done},
};
use crate::{
    domain::query::{
        Answer, Query,
        filter::{Cursor, Filter, Sort},
    },
    link::{Frozen, Observer as _},
};

const NOUN: &str = "export";

/// How many things are asked for at once.
const PAGE: usize = 1_000;

pub(super) fn grammar(noun: Command) -> Command {
    let output = || {
        option(
            "output",
            "FILE",
            "Write to a file instead of standard output",
        )
        .value_parser(clap::value_parser!(PathBuf))
    };
    verbs(
        noun,
        [
            verb(NOUN, "json").arg(output()),
            verb(NOUN, "jsonl").arg(output()),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((form, matches)) = matches.subcommand() else {
        return Ok(());
    };
    call.no_dry_run("An export")?;
    let path = matches.get_one::<PathBuf>("output");
    let file = path
        .map(|path| Draft::begin(path).map_err(|fault| error::file(path, "creating", &fault)))
        .transpose()?;
    let mut target = Target {
        lines: form == "jsonl",
        file,
        path: path.cloned().unwrap_or_default(),
        first: true,
    };
    target.begin(call)?;
    let source = &mut Source(Frozen::open(&call.home()?)?);
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
    target.section(call, "work_orders", |put| work_orders(source, put))?;
    target.end(call)
}

/// The ledger at the moment that is exported.
struct Source(Frozen);

impl Source {
    fn ask(&mut self, query: &Query) -> Result<Answer, CliError> {
        Ok(self.0.ask(query)??)
    }
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

fn work_orders(source: &mut Source, put: Put<'_>) -> Done {
    let mut after: Option<Cursor> = None;
    loop {
        let query = Query::WorkOrders {
            filter: Filter::default(),
            all: true,
            sort: Sort::Id,
            limit: Some(PAGE),
            after,
        };
        let page = answer!(source, query, WorkOrders);
        for view in page.work_orders {
            let order = view.id.to_string();
            put(json!(answer!(
                source,
                Query::WorkOrder { order },
                WorkOrder
            )))?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// A file that takes its name only when it is whole: what was there stays until then, and for good if the export fails.
struct Draft {
    file: BufWriter<File>,
    /// Its name until then and the one it takes; nothing for a device or a pipe, which cannot be replaced.
    names: Option<(PathBuf, PathBuf)>,
}

impl Draft {
    fn begin(path: &Path) -> io::Result<Self> {
        // Behind a link lies what is meant.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let known = fs::metadata(&target).ok();
        if known.as_ref().is_some_and(|known| !known.is_file()) {
            let file = BufWriter::new(File::options().write(true).open(&target)?);
            return Ok(Draft { file, names: None });
        }
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut draft = name.to_owned();
        draft.push(format!(".{}.draft", std::process::id()));
        let draft = target.with_file_name(draft);
        let file = File::create_new(&draft)?;
        let made = Draft {
            file: BufWriter::new(file),
            names: Some((draft, target)),
        };
        if let Some(known) = known {
            made.file.get_ref().set_permissions(known.permissions())?;
        }
        Ok(made)
    }

    /// Gives the file its name once all of it is on the disk.
    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some((draft, target)) = &self.names else {
            return Ok(());
        };
        self.file.get_ref().sync_all()?;
        fs::rename(draft, target)?;
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
            .to_owned();
        self.names = None;
        File::open(folder)?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some((draft, _)) = &self.names {
            // What is left of a failed export is only in the way; the failure itself has been told.
            let _ = fs::remove_file(draft);
        }
    }
}

/// Where the export goes, and in which form: one document, or one thing a line with its sort before it.
struct Target {
    lines: bool,
    file: Option<Draft>,
    path: PathBuf,
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
        match &mut self.file {
            Some(draft) => draft
                .file
                .write_all(text.as_bytes())
                .map_err(|fault| self.failed(&fault)),
            None => call.out.verbatim(text),
        }
    }

    fn failed(&self, fault: &std::io::Error) -> CliError {
        error::file(&self.path, "writing", fault)
    }

    fn end(mut self, call: &mut Call<'_>) -> Done {
        if !self.lines {
            self.write(call, "\n}\n")?;
        }
        let Some(mut draft) = self.file.take() else {
            return Ok(());
        };
        draft.finish().map_err(|fault| self.failed(&fault))?;
        match call.json() {
            true => call
                .out
                .json(&json!({ "output": self.path.display().to_string() })),
            false => call.out.line(&format!("wrote {}", self.path.display())),
        }
    }
}

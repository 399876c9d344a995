//! Where work can come from: every source once, with what its files look like.

use std::{collections::BTreeMap, io::BufRead};

use super::{
    beads,
    columns::{self, Field},
    file::{BrokenFile, Found, ReadFile, Reading, Unit, Wrong},
    frame::{self, Progress},
    github,
    mapping::Mapping,
    obeya, taskwarrior,
};

/// A system whose files can come in.
#[derive(Debug)]
pub struct Source {
    /// What is typed after `import`.
    pub name: &'static str,
    /// What the ledger calls the system, unless it is told another name.
    pub system: &'static str,
    /// One line for help.
    pub about: &'static str,
    /// What the file is, for help.
    pub file: &'static str,
    /// How such a file is made and read, for help.
    pub example: &'static str,
    form: Form,
}

/// How a file is parted into records, and how one of them is read.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// One a line.
    Lines(Record),
    /// JSON objects, in a list or one after the other.
    Values(Record),
    /// JSON documents whose keys name what they hold.
    Documents(Record),
    /// A table.
    Columns,
}

/// Reads one record: the list that it stands in, if that has a name, and its text.
type Record = fn(&mut Reading, &str, &str, &Options) -> Result<Found, Wrong>;

/// Every source, in the order of the help.
pub const SOURCES: &[Source] = &[
    Source {
        name: "beads",
        system: "beads",
        about: "Import a beads issues file",
        file: "The issues file, one JSON object a line; - reads standard input",
        example: "  obeya import beads .beads/issues.jsonl",
        form: Form::Lines(beads::record),
    },
    Source {
        name: "github",
        system: "github",
        about: "Import issues that gh has listed",
        file: "What gh issue list --json printed; - reads standard input",
        example: "  gh issue list --state all --limit 5000 \\\n    \
                  --json number,title,body,labels,state,stateReason,createdAt,closedAt,url,assignees > issues.json\n  \
                  obeya import github issues.json",
        form: Form::Values(github::record),
    },
    Source {
        name: "csv",
        system: "csv",
        about: "Import a table whose first row names its columns",
        file: "A file of values parted by commas, or by semicolons, tabs or bars; - reads standard input",
        example: "  obeya import csv tasks.csv\n  \
                  obeya import csv jira.csv --map title=Summary --map id=\"Issue key\" --date-format \"%d/%b/%y %I:%M %p\"\n\
                  The file: id,title,priority,depends_on\n            \
                  A-1,Write the specification,8,\n            \
                  A-2,Implement it,5,A-1\n\
                  Each row needs an id, by which it is known again, and a title.\n\
                  Columns: id, title, description, kind, status, bucket, priority, labels,\n\
                  assignee, estimate_minutes, created_at, closed_at, parent, depends_on, url;\n\
                  others go into the description.",
        form: Form::Columns,
    },
    Source {
        name: "json",
        system: "obeya",
        about: "Import what another ledger's export wrote",
        file: "What obeya export json or jsonl wrote; - reads standard input",
        example: "  obeya --ledger ../other/.obeya export json | obeya import json - --source other",
        form: Form::Documents(obeya::record),
    },
    Source {
        name: "taskwarrior",
        system: "taskwarrior",
        about: "Import what task export printed",
        file: "What task export printed; - reads standard input",
        example: "  task export > tasks.json && obeya import taskwarrior tasks.json",
        form: Form::Values(taskwarrior::record),
    },
];

/// What the caller said about a file.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the ledger calls the system: ids are told apart within it.
    pub system: String,
    /// Which words stand for which of ours.
    pub mapping: Mapping,
    /// Which columns of a table stand for what.
    pub columns: BTreeMap<Field, String>,
    /// How a table writes dates, in the language of strftime.
    pub dates: Option<String>,
    /// Whether broken records are left out and listed.
    pub skip_invalid: bool,
}

impl Source {
    /// Returns a source by its name.
    pub fn named(name: &str) -> Option<&'static Source> {
        SOURCES.iter().find(|source| source.name == name)
    }

    /// Returns what holds where the caller says nothing.
    pub fn options(&self) -> Options {
        Options {
            system: self.system.into(),
            mapping: Mapping::default(),
            columns: BTreeMap::new(),
            dates: None,
            skip_invalid: false,
        }
    }

    /// Returns whether its files are tables.
    pub fn is_table(&self) -> bool {
        matches!(self.form, Form::Columns)
    }

    /// Reads a file. `progress` hears how many bytes of it are read so far.
    ///
    /// # Errors
    ///
    /// All or nothing: one broken record fails the file, unless the options ask to leave such out. What parts records
    /// from each other must be whole in any case.
    pub fn read(
        &self,
        reader: &mut dyn BufRead,
        options: &Options,
        progress: Progress<'_>,
    ) -> Result<ReadFile, BrokenFile> {
        let mut reading = Reading::of(match self.form {
            Form::Lines(_) => Unit::Line,
            _ => Unit::Record,
        });
        let parted = match self.form {
            Form::Columns => columns::read(reader, &mut reading, options, progress),
            Form::Lines(record) => frame::lines(
                reader,
                &mut reading,
                &mut |reading, list, text| record(reading, list, text, options),
                progress,
            ),
            Form::Values(record) => frame::values(
                reader,
                &mut reading,
                &mut |reading, list, text| record(reading, list, text, options),
                progress,
            ),
            Form::Documents(record) => frame::documents(
                reader,
                &mut reading,
                &mut |reading, list, text| record(reading, list, text, options),
                progress,
            ),
        };
        parted?;
        reading.finish(options.skip_invalid)
    }
}

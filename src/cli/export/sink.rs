//! Where an export goes: standard output, or a file that takes its name only when it is whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::cli::{
    context::Call,
    error::{self, CliError, Done},
};

/// Where an export goes.
pub(super) struct Sink {
    file: Option<Draft>,
    path: PathBuf,
}

impl Sink {
    /// Returns standard output, or the file that was named.
    pub(super) fn open(path: Option<&PathBuf>) -> Result<Self, CliError> {
        let file = path
            .map(|path| Draft::begin(path).map_err(|fault| error::file(path, "creating", &fault)))
            .transpose()?;
        Ok(Sink {
            file,
            path: path.cloned().unwrap_or_default(),
        })
    }

    /// Writes text of our own making.
    pub(super) fn write(&mut self, call: &mut Call<'_>, text: &str) -> Done {
        match &mut self.file {
            Some(draft) => draft
                .file
                .write_all(text.as_bytes())
                .map_err(|fault| self.failed(&fault)),
            None => call.out.verbatim(text),
        }
    }

    /// Gives a file its name, and says so.
    pub(super) fn end(mut self, call: &mut Call<'_>) -> Done {
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

    fn failed(&self, fault: &io::Error) -> CliError {
        error::file(&self.path, "writing", fault)
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

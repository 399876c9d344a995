//! The folder of receipts: a file is there whole or not at all, and never another in its place.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        query::receipts::{ReceiptView, file::ReceiptFile},
        record::Hash,
    },
    ledger::{Fault, FaultKind, Home},
};

/// The longest part of a file's name that comes from outside.
const SKU_LENGTH: usize = 64;
/// How much of a receipt's hash makes a name that no other receipt has.
const HASH_LENGTH: usize = 16;

/// How far the writing came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Into which folder.
    folder: PathBuf,
    /// How many receipts are written.
    pub(super) written: u64,
    /// The hash of the last of them; zeros where there is none.
    pub(super) hash: Hash,
    /// Why the rest could not be written when that was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

impl Mark {
    /// Returns the same folder's, further on.
    pub(super) fn with(&self, written: u64, hash: Hash) -> Mark {
        Mark {
            folder: self.folder.clone(),
            written,
            hash,
            trouble: None,
        }
    }
}

/// A folder that receipts are written into.
pub(super) struct Folder {
    path: PathBuf,
    /// Where the note of how far it came is kept: beside the ledger, so that the folder holds receipts and nothing else.
    note: PathBuf,
    /// Where a file is while it is being written. It has the ledger's own name, since several may write here.
    beside: PathBuf,
}

impl Folder {
    pub(super) fn new(path: &Path, home: &Home) -> Folder {
        let whose = Hash::of(home.path().as_os_str().as_encoded_bytes()).to_string();
        let whose = whose.get(..HASH_LENGTH).unwrap_or_default();
        Folder {
            path: path.to_owned(),
            note: home.path().join("receipts.json"),
            beside: path.join(format!(".{whose}.new")),
        }
    }

    /// Makes the folder, and takes away what a host that was killed left half written. Git is told to leave a folder alone
    /// that is made here: in a repository each receipt would move the code, and with it every gate's evidence.
    pub(super) fn make(&self) -> Result<(), Fault> {
        let made = || {
            if self.path.is_dir() {
                return Ok(());
            }
            fs::create_dir_all(&self.path)?;
            fs::write(self.path.join(".gitignore"), "*\n")
        };
        made().map_err(|error| self.fault("making", &error))?;
        let _ = fs::remove_file(&self.beside);
        Ok(())
    }

    /// Returns the mark of a folder into which nothing is written yet.
    pub(super) fn nothing(&self) -> Mark {
        Mark {
            folder: self.path.clone(),
            written: 0,
            hash: Hash::ZERO,
            trouble: None,
        }
    }

    /// Returns how far the writing into this folder came, if anybody knows. One that was taken away is filled again.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.noted().filter(|_| self.path.is_dir())
    }

    /// Returns how many receipts lie in this folder as far as is noted, and what kept the rest from being written.
    pub(super) fn standing(&self) -> (u64, Option<String>) {
        let (mark, noted) = (self.mark(), self.noted());
        let written = mark.map_or(0, |mark| mark.written);
        (written, noted.and_then(|noted| noted.trouble))
    }

    fn noted(&self) -> Option<Mark> {
        let mark: Mark = serde_json::from_slice(&fs::read(&self.note).ok()?).ok()?;
        (mark.folder == self.path).then_some(mark)
    }

    /// Notes how far the writing came. What it says is on the disk before.
    pub(super) fn keep(&self, mark: &Mark) -> Result<(), Fault> {
        let kept = || {
            File::open(&self.path)?.sync_all()?;
            self.note(mark)
        };
        kept().map_err(|error| self.fault("noting how far it came in", &error))
    }

    /// Notes what keeps receipts from being written, for whoever asks the doctor.
    pub(super) fn complain(&self, why: &Fault) {
        let mark = Mark {
            trouble: Some(why.what.clone()),
            ..self.mark().unwrap_or_else(|| self.nothing())
        };
        if self.noted().as_ref() != Some(&mark)
            && let Err(error) = self.note(&mark)
        {
            tracing::warn!(%error, "what keeps receipts from being written was not noted");
        }
    }

    fn note(&self, mark: &Mark) -> io::Result<()> {
        let fresh = self.note.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(mark)?)?;
        fs::rename(fresh, &self.note)
    }

    /// Writes a receipt, unless it is there.
    pub(super) fn put(&self, file: &ReceiptFile) -> Result<(), Fault> {
        let put = || -> io::Result<bool> {
            let mut text = serde_json::to_vec_pretty(file)?;
            text.push(b'\n');
            for name in names(&file.receipt) {
                let target = self.path.join(name);
                match fs::read(&target) {
                    Ok(there) if is_of(&there, file) => return Ok(true),
                    Ok(_) => continue,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
                let mut beside = File::create(&self.beside)?;
                beside.write_all(&text)?;
                beside.sync_all()?;
                // A link takes no name that is taken meanwhile, as a renaming would.
                match fs::hard_link(&self.beside, &target) {
                    Ok(()) => fs::remove_file(&self.beside)?,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    // A file system without links: there was nothing there just now.
                    Err(_) => fs::rename(&self.beside, &target)?,
                }
                return Ok(true);
            }
            Ok(false)
        };
        match put() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let what = format!(
                    "every name of receipt {} is taken by something else",
                    file.receipt.number
                );
                let fault = Fault::new(FaultKind::Io, &self.path, what);
                Err(fault.mend("Move the files of its order that are no receipts elsewhere."))
            }
            Err(error) => Err(self.fault("writing into", &error)),
        }
    }

    fn fault(&self, what: &str, error: &io::Error) -> Fault {
        Fault::io(&self.path, what, error)
    }
}

/// Returns whether what is there is this receipt, in whichever version's words.
fn is_of(there: &[u8], file: &ReceiptFile) -> bool {
    serde_json::from_slice(there)
        .is_ok_and(|there: ReceiptFile| there.record == file.record && there.before == file.before)
}

/// Returns the names that a receipt may have, the best first: that of what was delivered or else its number. An order that
/// was done twice has two receipts, and other ledgers may write into the same folder.
fn names(receipt: &ReceiptView) -> [String; 3] {
    let (order, number) = (receipt.order, receipt.number);
    let sku = receipt.sku.as_deref().map(plain);
    let what = match sku.filter(|sku| !sku.is_empty()) {
        Some(sku) => sku,
        None => number.to_string(),
    };
    let hash = receipt.hash.to_string();
    let hash = hash.get(..HASH_LENGTH).unwrap_or_default();
    [
        format!("{order}-{what}.json"),
        format!("{order}-{what}-{number}.json"),
        format!("{order}-{number}-{hash}.json"),
    ]
}

/// Returns outside text as part of a file's name: it reaches into no other folder, and is no option of any program.
fn plain(outside: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    outside
        .chars()
        .take(SKU_LENGTH)
        .map(|c| if fine(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        assert_eq!(plain("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(plain("sku 1\n\0é"), "sku_1___");
        assert_eq!(plain(&"x".repeat(500)).len(), SKU_LENGTH);
    }
}

//! Writes one setting into the user's file and leaves every other byte of it as it was.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use super::{Config, Document, Problem, Setting};

impl Config {
    /// Writes `setting = "value"` into the user's settings, which are made if there are none, and returns their file.
    ///
    /// # Errors
    ///
    /// The value is none of the setting, there is no home, the file cannot be read or written, or is no TOML: nothing
    /// is changed then.
    pub fn keep(&self, setting: Setting, value: &str) -> Result<PathBuf, Problem> {
        let mut tried = self.clone();
        tried.set(setting, value).map_err(|what| {
            Problem::new(setting.name(), what, format!("use {}", setting.accepts()))
        })?;
        let Some(file) = &self.file else {
            let mend = "set HOME, or OBEYA_CONFIG";
            return Err(Problem::new("config.toml", "no home folder is known", mend));
        };
        let document = Document::read(file)?.unwrap_or_else(|| Document::new("config.toml", ""));
        let text = with(&document, setting.name(), value)?;
        replace(file, &text).map_err(|error| {
            let mend = format!("write {} = \"{value}\" there yourself", setting.name());
            Problem::new(
                file.display(),
                format!("it cannot be written: {error}"),
                mend,
            )
        })?;
        Ok(file.clone())
    }
}

/// Returns the document's text with one more or another `key = "value"`.
fn with(document: &Document, key: &str, value: &str) -> Result<String, Problem> {
    let (table, problems) = document.parse();
    // Where a file is half read, nobody knows what a change would do.
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let text = document.text();
    let quoted = format!("\"{value}\"");
    let place = table.get(key).map(|old| old.span());
    let parts = place.and_then(|span| Some((text.get(..span.start)?, text.get(span.end..)?)));
    Ok(match parts {
        Some((before, after)) => format!("{before}{quoted}{after}"),
        // The top is above every table, so that the line belongs to none.
        None => format!("{key} = {quoted}\n{text}"),
    })
}

/// Replaces a file whole, or not at all. A link to it (as those who keep their settings under version control have)
/// stays a link.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let target = match fs::canonicalize(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => file.to_owned(),
        found => found?,
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = target.with_extension("toml.new");
    let written = (|| {
        let mut new = File::create(&beside)?;
        if let Ok(old) = fs::metadata(&target) {
            new.set_permissions(old.permissions())?;
        }
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, &target)
    })();
    if written.is_err() {
        // What is left of the attempt; the error that matters is the first.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn config(file: &Path) -> Config {
        let env = |name: &str| (name == "OBEYA_CONFIG").then(|| file.display().to_string());
        Config::load(&env, &[]).0
    }

    #[test]
    fn one_line_changes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("obeya/config.toml");
        let check = |before: Option<&str>, after: &str| {
            if let Some(before) = before {
                fs::write(&file, before).unwrap();
            }
            config(&file).keep(Setting::Theme, "nord").unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), after);
            assert_eq!(config(&file).theme, "nord");
        };
        check(None, "theme = \"nord\"\n");
        check(
            Some("# mine\ntheme = 'dark' # at night\nsync = true\n"),
            "# mine\ntheme = \"nord\" # at night\nsync = true\n",
        );
        check(
            Some("[ledgers.shop]\naccent = 'red'\n"),
            "theme = \"nord\"\n[ledgers.shop]\naccent = 'red'\n",
        );
        let left: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn a_broken_file_or_value_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "theme = \nsync = true").unwrap();
        let problem = config(&file).keep(Setting::Theme, "nord").unwrap_err();
        assert!(
            problem.to_string().contains("config.toml:1:9: "),
            "{problem}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "theme = \nsync = true");
        fs::write(&file, "").unwrap();
        let problem = config(&file).keep(Setting::Theme, "a\"b").unwrap_err();
        assert!(problem.what.contains("no value of theme"), "{problem}");
        assert!(Config::default().keep(Setting::Theme, "nord").is_err());
    }

    #[test]
    fn links_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real.toml");
        let file = folder.path().join("config.toml");
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &file).unwrap();
        config(&file).keep(Setting::Keymap, "emacs").unwrap();
        assert!(file.is_symlink());
        let about = fs::metadata(&real).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&real).unwrap(), "keymap = \"emacs\"\n");
    }
}

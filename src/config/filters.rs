//! Saved filters: `filters.toml` in the user's folder, one `name = "filter"` a line.

use std::{collections::BTreeMap, path::PathBuf};

use toml::de::DeValue;

use super::{
    Config, Document, Problem,
    keep::{quoted, replace, with},
    name,
};

/// The file in the user's configuration folder.
pub const FILTERS_FILE: &str = "filters.toml";

/// Most filters that are read: more than anyone finds again.
const FILTERS_MAX: usize = 200;

/// Saved filters by name.
pub type Filters = BTreeMap<String, String>;

impl Config {
    fn filters_file(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(FILTERS_FILE))
    }

    /// Returns the saved filters, and what is wrong in their file. What they say is read where they are used.
    pub fn filters(&self) -> (Filters, Vec<Problem>) {
        let read = self.filters_file().map(|file| Document::read(&file));
        let document = match read {
            Some(Ok(Some(document))) => document,
            Some(Err(problem)) => return (Filters::new(), vec![problem]),
            Some(Ok(None)) | None => return (Filters::new(), Vec::new()),
        };
        let (table, mut found) = document.parse();
        let mut filters = Filters::new();
        for (key, value) in &table {
            let called = name(key.get_ref());
            match (called, value.get_ref()) {
                (Some(called), DeValue::String(text)) if filters.len() < FILTERS_MAX => {
                    filters.insert(called, text.to_string());
                }
                (Some(_), DeValue::String(_)) => {
                    let what = format!("there are more than {FILTERS_MAX} filters");
                    found.push(document.problem(key.span(), what, "take some out"));
                    break;
                }
                _ => {
                    let what = format!("'{}' is no saved filter", key.get_ref());
                    let mend = "write it like: mine = \"bucket:security sla<4h\"";
                    found.push(document.problem(key.span(), what, mend));
                }
            }
        }
        let problems = document.in_order(found);
        (filters, problems)
    }

    /// Saves a filter under a name, or forgets the one of that name, and returns the file. Whatever else is in the file
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// The name cannot be one, there is no home, the file cannot be read or written, or is no TOML: nothing is changed
    /// then.
    pub fn keep_filter(&self, called: &str, text: Option<&str>) -> Result<PathBuf, Problem> {
        let mend = "use letters, digits, '-' and '_'";
        let called = name(called)
            .ok_or_else(|| Problem::new(called, "a filter cannot be called so", mend))?;
        let mend = "set HOME, or OBEYA_CONFIG";
        let file = self
            .filters_file()
            .ok_or_else(|| Problem::new(FILTERS_FILE, "no home folder is known", mend))?;
        let document = Document::read(&file)?.unwrap_or_else(|| Document::new(FILTERS_FILE, ""));
        let new = match text {
            Some(text) => with(&document, &called, &quoted(text))?,
            None => without(&document, &called)?,
        };
        replace(&file, &new).map_err(|error| {
            let what = format!("it cannot be written: {error}");
            Problem::new(file.display(), what, "check its permissions")
        })?;
        Ok(file)
    }
}

/// Returns the document's text without the line of a key.
fn without(document: &Document, key: &str) -> Result<String, Problem> {
    let (table, problems) = document.parse();
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let text = document.text();
    let found = table.get_key_value(key).and_then(|(key, value)| {
        let (before, after) = (text.get(..key.span().start)?, text.get(value.span().end..)?);
        // What else is on the line is about what goes.
        Some((before, after.split_once('\n').map_or("", |(_, next)| next)))
    });
    match found {
        Some((before, after)) => Ok(format!("{before}{after}")),
        None => Err(Problem::new(
            FILTERS_FILE,
            format!("there is no filter '{key}'"),
            "use a name that is there",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn filters_are_kept_by_name_and_the_rest_of_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            folder: Some(folder.path().to_owned()),
            ..Config::default()
        };
        let file = folder.path().join(FILTERS_FILE);
        assert_eq!(config.filters(), (Filters::new(), Vec::new()));
        std::fs::write(&file, "# mine\nold = 'blocked' # why\n").unwrap();
        config.keep_filter("hot", Some("sla<4h \"x\" \\")).unwrap();
        config.keep_filter("hot", Some("sla<2h \"y\"")).unwrap();
        let (filters, problems) = config.filters();
        assert_eq!(problems, []);
        assert_eq!(filters["hot"], "sla<2h \"y\"");
        assert_eq!(filters["old"], "blocked");
        config.keep_filter("old", None).unwrap();
        let left = std::fs::read_to_string(&file).unwrap();
        assert_eq!(left, "hot = 'sla<2h \"y\"'\n# mine\n");
        assert!(config.keep_filter("old", None).is_err());
        assert!(config.keep_filter("../x", Some("y")).is_err());
        std::fs::write(&file, "a = 1\n'b c' = 'x'\nd = 'y'\n").unwrap();
        let (filters, problems) = config.filters();
        assert_eq!((filters.len(), problems.len()), (1, 2));
        std::fs::write(&file, "a = \n").unwrap();
        assert!(config.keep_filter("b", Some("x")).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a = \n");
    }
}

//! Settings: a file, the environment and flags become one [`Config`].
//!
//! Later sources win: the file, then `OBEYA_…` variables, then flags. Nothing here can stop the
//! console: what cannot be read becomes a [`Problem`] and the default stays. The environment comes
//! in as a lookup, so that every rule is tested without touching the process.

mod contexts;
mod document;
mod filters;
mod keep;
mod ledgers;
pub mod line;
mod terminal;

use std::{
    fs,
    path::{Path, PathBuf},
};

use directories::ProjectDirs;
use toml::de::DeValue;

use self::ledgers::Marks;
pub use self::{
    contexts::{CONTEXTS_FILE, Context, Contexts},
    document::{Document, FILE_LIMIT, Place, Problem},
    filters::{FILTERS_FILE, Filters},
    ledgers::{Accent, LEDGER_FILE, Mark},
    terminal::{ColorDepth, GlyphSet, Link, Notify},
};

/// Looks up an environment variable.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns a variable of this process, if it is set and valid UTF-8; use as an [`Env`].
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Longest name of a theme or keymap: room for any word, and no path grows from it.
const NAME_LIMIT: usize = 64;

/// Most of the user's themes or keymaps that are offered: several screens of them.
const OFFERED: usize = 100;

/// A setting: a key of the file, a variable and a flag at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The theme's name.
    Theme,
    /// The keymap's name.
    Keymap,
    /// How many colours to use.
    Color,
    /// Which glyphs to draw with.
    Glyphs,
    /// Whether frames are wrapped in synchronized output.
    Sync,
    /// How a critical alert calls.
    Notify,
    /// How many bytes a second the terminal may be sent.
    Link,
}

impl Setting {
    /// Every setting, in the order of the manual.
    pub const ALL: [Setting; 7] = [
        Setting::Theme,
        Setting::Keymap,
        Setting::Color,
        Setting::Glyphs,
        Setting::Sync,
        Setting::Notify,
        Setting::Link,
    ];

    /// Returns the key in `config.toml`; `--key` is the flag.
    pub const fn name(self) -> &'static str {
        match self {
            Setting::Theme => "theme",
            Setting::Keymap => "keymap",
            Setting::Color => "color",
            Setting::Glyphs => "glyphs",
            Setting::Sync => "sync",
            Setting::Notify => "notify",
            Setting::Link => "link",
        }
    }

    /// Returns the environment variable.
    pub const fn variable(self) -> &'static str {
        match self {
            Setting::Theme => "OBEYA_THEME",
            Setting::Keymap => "OBEYA_KEYMAP",
            Setting::Color => "OBEYA_COLOR",
            Setting::Glyphs => "OBEYA_GLYPHS",
            Setting::Sync => "OBEYA_SYNC",
            Setting::Notify => "OBEYA_NOTIFY",
            Setting::Link => "OBEYA_LINK",
        }
    }

    /// Returns what the setting accepts, in words.
    pub const fn accepts(self) -> &'static str {
        match self {
            Setting::Theme | Setting::Keymap => "a name of letters, digits, '-' and '_'",
            Setting::Color => "auto, none, 16, 256 or true",
            Setting::Glyphs => "auto, unicode or ascii",
            Setting::Sync => "on or off",
            Setting::Notify => "none, bell, osc9 or osc777",
            Setting::Link => "auto, fast, slow or bytes per second from 256",
        }
    }
}

/// What the user chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The theme's name: a file in the user's `themes` folder, else one that is shipped.
    pub theme: String,
    /// The keymap's name: a file in the user's `keymaps` folder, else one that is shipped.
    pub keymap: String,
    /// The forced colour depth; `None` asks the environment.
    pub color: Option<ColorDepth>,
    /// The forced glyph set; `None` asks the environment.
    pub glyphs: Option<GlyphSet>,
    /// Whether frames are wrapped in synchronized output (mode 2026).
    pub sync: bool,
    /// How a critical alert calls.
    pub notify: Notify,
    /// How many bytes a second the terminal may be sent.
    pub link: Link,
    /// Where the user's files are; `None` if there is no home.
    pub folder: Option<PathBuf>,
    /// The settings' own file in there, whether it exists or not.
    file: Option<PathBuf>,
    ledgers: Marks,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            theme: "dark".to_owned(),
            keymap: "vim".to_owned(),
            color: None,
            glyphs: None,
            sync: true,
            notify: Notify::Bell,
            link: Link::Auto,
            folder: None,
            file: None,
            ledgers: Marks::default(),
        }
    }
}

impl Config {
    /// Returns the settings of the user's file, `env` and `flags`, and what was wrong in them.
    ///
    /// The file is `config.toml` in the user's configuration folder; `OBEYA_CONFIG` names another,
    /// whose folder then also holds `themes`, `keymaps` and `keymap.toml`.
    pub fn load(env: Env<'_>, flags: &[(Setting, String)]) -> (Config, Vec<Problem>) {
        let mut config = Config::default();
        let mut problems = Vec::new();
        let named = env("OBEYA_CONFIG")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let required = named.is_some();
        let file = named.or_else(|| {
            ProjectDirs::from("", "", "obeya").map(|dirs| dirs.config_dir().join("config.toml"))
        });
        if let Some(file) = file {
            match Document::read(&file) {
                Ok(Some(document)) => config.apply_document(&document, &mut problems),
                Ok(None) if required => problems.push(Problem::new(
                    file.display(),
                    "there is no such file",
                    "create it, or unset OBEYA_CONFIG",
                )),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
            config.folder = file.parent().map(PathBuf::from);
            config.file = Some(file);
        }
        let variables = Setting::ALL.into_iter().filter_map(|setting| {
            let value = env(setting.variable()).filter(|value| !value.is_empty())?;
            Some((setting.variable().to_owned(), setting, value))
        });
        let flags = flags
            .iter()
            .map(|(setting, value)| (format!("--{}", setting.name()), *setting, value.clone()));
        for (source, setting, value) in variables.chain(flags) {
            if let Err(what) = config.set(setting, &value) {
                problems.push(Problem::new(
                    source,
                    what,
                    format!("use {}", setting.accepts()),
                ));
            }
        }
        (config, problems)
    }

    /// Changes one setting; an unacceptable value changes nothing and is described.
    pub fn set(&mut self, setting: Setting, value: &str) -> Result<(), String> {
        let refused = || format!("'{value}' is no value of {}", setting.name());
        match setting {
            Setting::Theme => self.theme = name(value).ok_or_else(refused)?,
            Setting::Keymap => self.keymap = name(value).ok_or_else(refused)?,
            Setting::Color => {
                self.color = match value {
                    "auto" => None,
                    _ => Some(ColorDepth::named(value).ok_or_else(refused)?),
                }
            }
            Setting::Glyphs => {
                self.glyphs = match value {
                    "auto" => None,
                    _ => Some(GlyphSet::named(value).ok_or_else(refused)?),
                }
            }
            Setting::Notify => self.notify = Notify::named(value).ok_or_else(refused)?,
            Setting::Link => self.link = Link::named(value).ok_or_else(refused)?,
            Setting::Sync => {
                self.sync = match value {
                    "on" | "true" => true,
                    "off" | "false" => false,
                    _ => return Err(refused()),
                }
            }
        }
        Ok(())
    }

    fn apply_document(&mut self, document: &Document, problems: &mut Vec<Problem>) {
        let (table, mut found) = document.parse();
        for (key, value) in &table {
            if key.get_ref() == "ledgers" {
                self.ledgers = Marks::read(document, value, &mut found);
                continue;
            }
            let setting = Setting::ALL
                .into_iter()
                .find(|setting| setting.name() == key.get_ref());
            let Some(setting) = setting else {
                let names = Setting::ALL.map(Setting::name).join(", ");
                let what = format!("there is no setting '{}'", key.get_ref());
                let mend = format!("use one of {names}, or [ledgers]");
                found.push(document.problem(key.span(), what, mend));
                continue;
            };
            // Numbers and truth values may be written bare: `color = 256`, `sync = true`.
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.as_str().to_owned(),
                DeValue::Boolean(truth) => truth.to_string(),
                other => format!("a TOML {}", other.type_str()),
            };
            if let Err(what) = self.set(setting, &text) {
                let mend = format!("use {}", setting.accepts());
                found.push(document.problem(value.span(), what, mend));
            }
        }
        problems.extend(document.in_order(found));
    }

    /// Returns the user's file `kind/name.toml` (a theme or a keymap), if there is one.
    ///
    /// A file that is there and cannot be read is a problem.
    pub fn document(&self, kind: &str, called: &str) -> Result<Option<Document>, Problem> {
        match (&self.folder, name(called)) {
            (Some(folder), Some(called)) => {
                Document::read(&folder.join(kind).join(called + ".toml"))
            }
            _ => Ok(None),
        }
    }

    /// Returns the names of the user's files in the folder `kind`, sorted.
    pub fn listed(&self, kind: &str) -> Vec<String> {
        let folder = self.folder.as_ref().map(|folder| folder.join(kind));
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        let named = entries.into_iter().flatten().flatten().filter_map(|entry| {
            let file = entry.file_name();
            name(file.to_str()?.strip_suffix(".toml")?)
        });
        let mut names: Vec<String> = named.take(OFFERED).collect();
        names.sort_unstable();
        names
    }

    /// Returns how the ledger in `folder`, called `name` on screen, is marked, and what was wrong in the file that says so.
    ///
    /// The user's `[ledgers]` go before the `obeya.toml` in the ledger's folder.
    pub fn mark(&self, name: &str, folder: &Path) -> (Option<Mark>, Vec<Problem>) {
        if let Some(mark) = self.ledgers.find(name, folder) {
            return (Some(mark.clone()), Vec::new());
        }
        match Document::read(&folder.join(LEDGER_FILE)) {
            Ok(Some(document)) => Mark::read(&document),
            Ok(None) => (None, Vec::new()),
            Err(problem) => (None, vec![problem]),
        }
    }

    /// Returns the user's own layer over the keymap, `keymap.toml`, if there is one.
    pub fn keymap_layer(&self) -> Result<Option<Document>, Problem> {
        self.folder.as_ref().map_or(Ok(None), |folder| {
            Document::read(&folder.join("keymap.toml"))
        })
    }

    /// Returns how many colours to use: as chosen, else as `env` tells.
    pub fn color_depth(&self, env: Env<'_>) -> ColorDepth {
        self.color.unwrap_or_else(|| ColorDepth::detect(env))
    }

    /// Returns which glyphs to draw with: as chosen, else as `env` tells.
    pub fn glyph_set(&self, env: Env<'_>) -> GlyphSet {
        self.glyphs.unwrap_or_else(|| GlyphSet::detect(env))
    }
}

/// Returns `text` if it can name a theme or keymap: no name reaches outside its folder.
fn name(text: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fine = (1..=NAME_LIMIT).contains(&text.len()) && text.chars().all(word);
    fine.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn load(file: &str, variables: &[(&str, &str)], flags: &[(Setting, &str)]) -> (Config, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        let env = |name: &str| match name {
            "OBEYA_CONFIG" => Some(path.display().to_string()),
            _ => variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, v)| (*v).to_owned()),
        };
        let flags: Vec<_> = flags.iter().map(|(s, v)| (*s, (*v).to_owned())).collect();
        let (config, problems) = Config::load(&env, &flags);
        let shown = problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect::<String>();
        (
            config,
            shown.replace(&format!("{}/", folder.path().display()), ""),
        )
    }

    #[test]
    fn later_sources_win() {
        let (config, problems) = load(
            "theme = 'one'\nkeymap = 'file'\ncolor = 256\nsync = false",
            &[("OBEYA_THEME", "two"), ("OBEYA_COLOR", "16")],
            &[(Setting::Theme, "three")],
        );
        assert_eq!(problems, "");
        assert_eq!(
            (config.theme.as_str(), config.keymap.as_str()),
            ("three", "file")
        );
        assert_eq!(
            (config.color, config.sync),
            (Some(ColorDepth::Ansi16), false)
        );
    }

    #[test]
    fn bad_lines_are_reported_and_the_rest_holds() {
        let (config, problems) = load(
            "theme = 'night'\nglyphs = 'emoji'\ncolour = 16\nkeymap = '../etc'\nsync = \n",
            &[("OBEYA_COLOR", "many")],
            &[],
        );
        assert_eq!(config.theme, "night");
        assert_eq!(config.keymap, "vim");
        insta::assert_snapshot!(problems, @r"
        config.toml:2:10: 'emoji' is no value of glyphs; use auto, unicode or ascii
        config.toml:3:1: there is no setting 'colour'; use one of theme, keymap, color, glyphs, sync, notify, link, or [ledgers]
        config.toml:4:10: '../etc' is no value of keymap; use a name of letters, digits, '-' and '_'
        config.toml:5:8: string values must be quoted, expected literal string; correct the TOML here
        OBEYA_COLOR: 'many' is no value of color; use auto, none, 16, 256 or true
        ");
    }

    #[test]
    fn missing_and_unreadable_files_are_told_apart() {
        let missing = |name: &str| (name == "OBEYA_CONFIG").then(|| "/nowhere/c.toml".to_owned());
        let (config, problems) = Config::load(&missing, &[]);
        assert_eq!(config.folder, Some(PathBuf::from("/nowhere")));
        assert_eq!(problems.len(), 1);
        let (_, problems) = load(&"#".repeat(FILE_LIMIT + 1), &[], &[]);
        assert!(problems.contains("larger than"), "{problems}");
    }
}

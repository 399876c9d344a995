//! The user's files: read at the start, read again when they change, and one setting written.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};

use super::{Caps, post::Post, site::Site};
use crate::{
    config::{Config, FILTERS_FILE, Problem, Setting, process_env},
    ui::{
        action::Action,
        keymap,
        look::{Look, Wanted},
        msg::Msg,
        theme::{self, Theme},
    },
};

/// What reading the user's files takes.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    flags: Vec<(Setting, String)>,
    caps: Caps,
    ledger: String,
    folder: PathBuf,
}

impl Desk {
    /// Returns the desk of a console on this terminal over this ledger.
    pub(super) fn new(flags: Vec<(Setting, String)>, caps: Caps, site: &Site) -> Self {
        Desk {
            flags,
            caps,
            ledger: site.name(),
            folder: site.folder(),
        }
    }

    /// Returns what `config` and the files it names come to; `problems` are those found so far.
    pub(super) fn dress(&self, config: &Config, mut problems: Vec<Problem>) -> Look {
        let (theme, more) = self.theme(config, &config.theme);
        problems.extend(more);
        let layer = config.keymap_layer().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let find = |name: &str| config.document("keymaps", name);
        let (keymap, more) = keymap::load(&config.keymap, &find, layer, &Action::is_known);
        problems.extend(more);
        let (mark, more) = config.mark(&self.ledger, &self.folder);
        problems.extend(more);
        Look {
            theme,
            keymap,
            mark,
            problems,
        }
    }

    fn theme(&self, config: &Config, name: &str) -> (Theme, Vec<Problem>) {
        let find = |name: &str| config.document("themes", name);
        theme::load(name, &find, self.caps.depth, self.caps.glyphs)
    }

    fn config(&self) -> (Config, Vec<Problem>) {
        Config::load(&process_env, &self.flags)
    }

    /// Reads or writes what is wanted, and returns what to tell.
    pub(super) fn answer(&self, wanted: Wanted) -> Msg {
        let (config, problems) = self.config();
        match wanted {
            Wanted::Look => Msg::Look(Box::new(self.look(&config, problems))),
            Wanted::Themes => {
                let mut names: Vec<String> = theme::names().map(str::to_owned).collect();
                for name in config.listed("themes") {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                let themes = names.iter().map(|name| self.theme(&config, name).0);
                Msg::Themes(themes.collect())
            }
            Wanted::KeepTheme(name) => Msg::Printed {
                ticket: 0,
                output: kept(&config, &name),
            },
            Wanted::NewFile { path, text } => Msg::Printed {
                ticket: 0,
                output: new_file(&path, &text),
            },
            Wanted::KeepFilter(name, text) => {
                let said = match config.keep_filter(&name, text.as_deref()) {
                    Ok(file) => match text {
                        Some(_) => Ok(format!("filter {name} is saved in {}", file.display())),
                        None => Ok(format!("filter {name} is forgotten")),
                    },
                    Err(problem) => Err(problem.to_string()),
                };
                Msg::Filters(config.filters().0, said)
            }
        }
    }

    /// Returns what the files come to, with short names of files: they are said in one line.
    fn look(&self, config: &Config, problems: Vec<Problem>) -> Look {
        let mut look = self.dress(config, problems);
        if let Some(folder) = &config.folder {
            for problem in &mut look.problems {
                let inside = Path::new(&problem.file).strip_prefix(folder);
                let short = inside.map(|file| file.display().to_string());
                problem.file = short.unwrap_or_else(|_| std::mem::take(&mut problem.file));
            }
        }
        look
    }

    /// Reads the files anew whenever one of them was written, and tells `post`. Returns `None` where there is nothing to
    /// watch or the system does not tell of changes: `reload` reads them then.
    ///
    /// The system tells of changes by itself (inotify on Linux), so that an idle console still does nothing.
    pub(super) fn watch(&self, config: &Config, post: Post) -> Option<RecommendedWatcher> {
        let folder = config.folder.as_ref()?;
        let desk = self.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if only_filters(&event) {
                let (filters, _) = desk.config().0.filters();
                post.tell(Msg::Filters(filters, Ok(String::new())));
            } else if is_written(&event) {
                post.tell(desk.answer(Wanted::Look));
            }
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "changed themes and keys will not be seen by themselves");
                return None;
            }
        };
        let folders = [
            folder.clone(),
            folder.join("themes"),
            folder.join("keymaps"),
        ];
        let watched = folders.iter().filter(|folder| {
            let hung = watcher.watch(folder, RecursiveMode::NonRecursive);
            hung.is_ok()
        });
        (watched.count() > 0).then_some(watcher)
    }
}

/// Returns whether nothing but the saved filters was written: they are read without a word, since it was a console that
/// wrote them.
fn only_filters(event: &notify::Event) -> bool {
    let filters = |path: &PathBuf| path.file_name().is_some_and(|name| name == FILTERS_FILE);
    is_written(event) && event.paths.iter().any(filters)
}

/// Returns whether a TOML file is whole again after a change: a file that is still being written would be read half.
fn is_written(event: &notify::Event) -> bool {
    let toml = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    let whole = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(_))
        | EventKind::Remove(_) => true,
        // Only Linux tells when a writer is done.
        EventKind::Modify(_) => !cfg!(target_os = "linux"),
        _ => false,
    };
    whole && event.paths.iter().any(toml)
}

/// Writes a file that must not be there yet, and says so.
fn new_file(path: &str, text: &str) -> Result<String, String> {
    let mut file = File::create_new(path).map_err(|fault| match fault.kind() {
        io::ErrorKind::AlreadyExists => format!("{path} is there already: name another file"),
        _ => format!("creating {path}: {fault}"),
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|fault| format!("writing {path}: {fault}"))?;
    Ok(format!("wrote {path}"))
}

/// Writes the theme into the user's settings and says so.
fn kept(config: &Config, name: &str) -> Result<String, String> {
    let file = config
        .keep(Setting::Theme, name)
        .map_err(|problem| format!("{name} holds until you leave: {problem}"))?;
    let variable = Setting::Theme.variable();
    let over = process_env(variable).filter(|value| !value.is_empty());
    Ok(match over {
        Some(over) => format!("{name} is kept, but {variable}={over} goes before it"),
        None => format!("{name} is kept in {}", file.display()),
    })
}

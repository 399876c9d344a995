//! Opens a console over a ledger, runs it, and leaves the terminal as it was.

use std::{fmt, io, io::IsTerminal as _, sync::Arc};

use super::{
    Caps, Keeper, Screen,
    attached::AttachedSession,
    desk::Desk,
    guard,
    post::Post,
    run::{self, Ended},
    session::LinkSession,
    site::Site,
    wall::WallSession,
};
use crate::{
    cli::{Colour, ConsoleOptions, LineContext},
    config::{Config, Problem, Setting, process_env},
    domain::command::Role,
    link::{self, Fault, NoLedger, Place},
    ui::{
        model::{EVENTS_KEPT, Model, Session},
        msg::{Connection, Msg},
        recording::Dress,
        wall::Wall,
    },
};

/// Why no console could be opened, or why it ended by itself.
#[derive(Debug)]
pub enum ConsoleError {
    /// Nobody could see it.
    NoTerminal,
    /// The terminal says that it cannot draw.
    DumbTerminal,
    /// There is no ledger to look at.
    NoLedger(NoLedger),
    /// The ledger could not be opened.
    Fault(Fault),
    /// The terminal could not be read or written.
    Terminal(io::Error),
    /// A signal ended it.
    Told(&'static str),
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConsoleError::NoTerminal => f.write_str(
                "the console needs a terminal; `obeya dashboard summary` prints the line at a glance",
            ),
            ConsoleError::DumbTerminal => f.write_str(
                "the console needs a terminal that can draw, and TERM is dumb; \
                 `obeya dashboard summary` prints the line at a glance",
            ),
            ConsoleError::NoLedger(none) => write!(f, "{none}\nnext: obeya init"),
            ConsoleError::Fault(fault) => fmt::Display::fmt(fault, f),
            ConsoleError::Terminal(error) => write!(f, "the terminal cannot be used: {error}"),
            ConsoleError::Told(why) => write!(f, "ended: {why}"),
        }
    }
}

impl From<Fault> for ConsoleError {
    fn from(fault: Fault) -> Self {
        ConsoleError::Fault(fault)
    }
}

impl From<io::Error> for ConsoleError {
    fn from(error: io::Error) -> Self {
        ConsoleError::Terminal(error)
    }
}

/// Opens the console and runs it until somebody leaves.
///
/// # Errors
///
/// There is no terminal or no ledger, one of them failed, or a signal ended the console.
pub fn open(options: &ConsoleOptions) -> Result<(), ConsoleError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(ConsoleError::NoTerminal);
    }
    if process_env("TERM").is_some_and(|name| name == "dumb") {
        return Err(ConsoleError::DumbTerminal);
    }
    let site = Site::find(options)?;
    site.start_log();
    let colourless = (options.colour == Colour::Never).then(|| (Setting::Color, "none".to_owned()));
    let theme = options.theme.clone().map(|name| (Setting::Theme, name));
    let flags: Vec<_> = colourless.into_iter().chain(theme).collect();
    let (config, mut problems) = Config::load(&process_env, &flags);
    let (filters, more) = config.filters();
    problems.extend(more);
    let caps = Caps::detect(&config, &process_env);
    if let Err(error) = guard::install_hooks(caps.depth) {
        tracing::warn!(%error, "a panic would print the plain report");
    }
    let desk = Desk::new(flags, caps, &site);
    let look = desk.dress(&config, problems);
    let to_look = options
        .target
        .as_ref()
        .is_some_and(|target| target.read_only);
    let role = if options.read_only || to_look || options.wall.is_some() {
        Role::Viewer
    } else {
        Role::Admin
    };
    let post = Post::default();
    let mut screen = Screen::enter(caps)?;
    let size = screen.size()?;
    let context = LineContext {
        actor: options.actor.clone(),
        role,
        connection: site.home().cloned().map(link::Connection::Local),
        width: usize::from(size.width),
        unicode: caps.glyphs == crate::config::GlyphSet::Unicode,
    };
    let mut listening = None;
    let mut session: Box<dyn run::Session> = match &site {
        Site::Elsewhere(target) => {
            let target = target.clone();
            let (own, wall) = (options.actor.clone(), options.wall.is_some());
            let session =
                AttachedSession::open(target, own, wall, post.clone(), context, desk.clone())?;
            // A wall waits for whatever is the matter to be mended.
            match session.meet() {
                Err(fault) if !wall => return Err(fault.into()),
                _ => Box::new(session),
            }
        }
        Site::Here(place) if options.wall.is_some() => Box::new(WallSession::open(
            place.home.clone(),
            post.clone(),
            desk.clone(),
        )),
        Site::Here(place) => {
            let session = linked(options, place, &post, context, &desk)?;
            let listener = post.clone();
            listening =
                Some(session.watching().subscribe(move |news| {
                    listener.changed(Arc::clone(&news.state), &news.records)
                }));
            // Asked for after the subscription began: what comes twice is known by its number, and nothing is missed.
            let recent = session.watching().recent(EVENTS_KEPT)?;
            post.begin(session.watching().state(), recent);
            Box::new(session)
        }
    };
    if !look.problems.is_empty() {
        post.tell(Msg::Printed {
            ticket: 0,
            output: Err(told(&look.problems)),
        });
    }
    let _watch = desk.watch(&config, post.clone());
    let about = Session {
        ledger: site.name(),
        me: options.actor.clone(),
        role,
        connection: match site.home() {
            Some(_) => Connection::Attached,
            None => Connection::Down {
                since: session.now(),
                why: "it is being reached".into(),
                next_try: Some(session.now()),
            },
        },
        slow: false,
    };
    let theme = match &look.mark {
        Some(mark) => look.theme.marked(mark.accent),
        None => look.theme,
    };
    let mut model = Model::new(about, theme, look.keymap, (size.width, size.height));
    model.now = session.now();
    model.mark = look.mark;
    model.filters = filters;
    if let Some(wall) = &options.wall {
        model.wall = Some(Wall::new(wall.views.clone(), wall.every));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let dress = Dress {
        keymap: config.keymap.clone(),
        depth: caps.depth,
        glyphs: caps.glyphs,
    };
    // A wall hears for months what nobody asks about.
    let logs = site.logs().filter(|_| options.wall.is_none());
    let keeper = logs.map(|logs| Keeper::new(dress, logs));
    if let Some(keeper) = keeper.clone() {
        guard::at_a_panic(move || keeper.last_words());
    }
    let ended = runtime.block_on(run::run(
        &mut screen,
        &mut model,
        session.as_mut(),
        &post,
        keeper.as_ref(),
    ));
    drop(listening);
    // The terminal is given back before anything is said about the end.
    drop(screen);
    match ended? {
        Ended::Left => Ok(()),
        Ended::Told(why) => Err(ConsoleError::Told(why)),
    }
}

/// Opens the ledger to work on it, or only to look.
fn linked(
    options: &ConsoleOptions,
    place: &Place,
    post: &Post,
    context: LineContext,
    desk: &Desk,
) -> Result<LinkSession, ConsoleError> {
    let (home, post, desk) = (place.home.clone(), post.clone(), desk.clone());
    Ok(match options.read_only {
        true => LinkSession::look(
            link::Watching::open(&place.home)?,
            home,
            post,
            context,
            desk,
        ),
        false => LinkSession::work(
            link::Session::titled(&place.home, "console", link::is_trusted(&place.home))?,
            home,
            post,
            context,
            desk,
        ),
    })
}

fn told(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

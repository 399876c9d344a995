//! The loop: takes all that happened, then draws once; waits without a timer while nothing is due.
//!
//! Keys, the engine's news and the minute come in as messages. What the console wants done goes to a [`Session`],
//! which never blocks this thread: its answers come back through the [`Post`].

use std::{io, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{
    COPY_LIMIT, Copied, Happened, Input, Inputs, Keeper, Post, Room, Screen, Signal,
    gauge::Gauge,
    pace::{Pace, Purpose},
};
use crate::{
    cli::{Completion, complete_line},
    config::{Link, process_env},
    domain::{
        command::Command,
        moment::Moment,
        query::Query,
        time::{MINUTE, Timestamp},
    },
    ui::{
        complete::Grammar,
        effect::{Effect, Ticket},
        log::Wish,
        look::Wanted,
        mail::MailAct,
        model::Model,
        msg::Msg,
        pointer::Mouse,
        recorder::Recorder,
        update::{settle, update},
        view,
    },
};

/// The least time between two frames after a key: 120 a second, faster than any hand.
const KEY_GAP: Duration = Duration::from_millis(8);
/// The least time between two frames for the engine's news: within it changes are shown together.
const NEWS_GAP: Duration = Duration::from_millis(33);
/// A frame that took long to write is followed by at least this many times as long a pause, so that a slow link
/// is never fed faster than it drains.
const COST_FACTOR: u32 = 2;
/// The longest pause between frames, however slow the link: the screen is never older than this.
const MAX_GAP: Duration = Duration::from_secs(1);
/// How many messages are taken before a frame is drawn all the same.
const MAX_DRAIN: usize = 256;

/// The way to an engine, as the loop needs it. No call may block: outcomes come as messages through the [`Post`].
pub trait Session {
    /// Submits a command, about a claim if its number is given, and about an order that has not changed since if a time
    /// is; [`Msg::Submitted`] follows.
    fn submit(
        &mut self,
        ticket: Ticket,
        command: Command,
        epoch: Option<u32>,
        as_of: Option<Timestamp>,
    );
    /// Asks a question; [`Msg::Answered`] follows.
    fn ask(&mut self, ticket: Ticket, query: Query);
    /// Goes to a moment of the past, or back to the present; [`Msg::Arrived`] follows for the past. Questions asked after
    /// it are answered as of there.
    fn travel(&mut self, ticket: Ticket, moment: Option<Moment>);
    /// Runs a line of the command line's grammar; [`Msg::Printed`] follows.
    fn run_line(&mut self, ticket: Ticket, line: String);
    /// Reads or writes the user's files; what came of it follows, as [`Wanted`] says.
    fn files(&mut self, wanted: Wanted);
    /// Does something about a dead letter; [`Msg::Mail`] follows, and what to say.
    fn mail(&mut self, act: MailAct);
    /// Looks at this of an agent's runs from now on, or at nothing; [`Msg::Runs`] follows whenever it is another.
    fn watch(&mut self, wish: Option<Wish>);
    /// Gives up what a stopped process must not hold: the host's office.
    fn step_down(&mut self);
    /// Takes it up again, after the process was continued.
    fn stand(&mut self);
    /// Returns the machine's time.
    fn now(&self) -> Timestamp;
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody left.
    Left,
    /// A signal said so, or the terminal is gone.
    Told(&'static str),
}

/// Runs the console until somebody leaves.
///
/// # Errors
///
/// The terminal could not be read or written.
pub async fn run(
    screen: &mut Screen,
    model: &mut Model,
    session: &mut dyn Session,
    post: &Post,
    keeper: Option<&Keeper>,
) -> io::Result<Ended> {
    let inputs = Inputs::new()?;
    let gauge = Gauge::find(&process_env).or_else(|| Gauge::successor(&process_env));
    let now = Instant::now().into_std();
    let pace = match screen.caps().link {
        Link::Fast => None,
        Link::Auto => Some(Pace::new(None, gauge.is_some(), now)),
        Link::Capped(rate) => Some(Pace::new(Some(rate), false, now)),
    };
    model.session.slow = pace.as_ref().is_some_and(|pace| pace.slow().is_some());
    let mut console = Console {
        screen,
        model,
        session,
        post,
        keeper,
        inputs,
        drawn_at: None,
        gap: Duration::ZERO,
        pace,
        gauge,
        counted: 0,
        titled: String::new(),
    };
    console.run().await
}

struct Console<'a> {
    screen: &'a mut Screen,
    model: &'a mut Model,
    session: &'a mut dyn Session,
    post: &'a Post,
    keeper: Option<&'a Keeper>,
    inputs: Inputs,
    /// When the last frame was begun; none before the first.
    drawn_at: Option<Instant>,
    /// What the last frame's cost makes the least time to the next.
    gap: Duration,
    /// Keeps count of a link that may be slow.
    pace: Option<Pace>,
    gauge: Option<Gauge>,
    /// How many of the bytes sent the pace knows of.
    counted: u64,
    /// The window's title.
    titled: String,
}

/// What made a frame necessary, and so how soon it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dirt {
    None,
    News,
    Key,
}

impl Dirt {
    const fn purpose(self) -> Purpose {
        match self {
            Dirt::Key => Purpose::Key,
            Dirt::News | Dirt::None => Purpose::Background,
        }
    }
}

enum Woken {
    Happened(Happened),
    News,
    Frame,
    /// The terminal took what it could not take at once.
    CaughtUp,
    /// The link is to be looked at.
    Look,
    Minute,
}

impl Console<'_> {
    async fn run(&mut self) -> io::Result<Ended> {
        let mut dirt = Dirt::Key;
        loop {
            // A terminal that is behind gets no frame; what it would show is newer once it has caught up.
            if dirt != Dirt::None && !self.screen.is_behind() && self.due(dirt) <= Instant::now() {
                self.draw(dirt)?;
                // What had no room goes with what is new by then.
                dirt = match self.screen.has_rest() {
                    true => Dirt::News,
                    false => Dirt::None,
                };
            }
            let woken = self.wait(dirt).await?;
            let (ended, made) = self.take(woken).await?;
            if let Some(ended) = ended {
                return Ok(ended);
            }
            dirt = dirt.max(made);
        }
    }

    /// Returns when a frame may be drawn.
    fn due(&self, dirt: Dirt) -> Instant {
        let floor = match dirt {
            Dirt::Key => KEY_GAP,
            Dirt::News | Dirt::None => NEWS_GAP,
        };
        let paced = self.pace.as_ref().map(|pace| pace.due(dirt.purpose()));
        let due = match self.drawn_at {
            Some(at) => at + floor.max(self.gap),
            None => Instant::now(),
        };
        paced.map_or(due, |paced| due.max(Instant::from_std(paced)))
    }

    /// Sleeps until something happens. Without a frame to draw only the next minute wakes it by itself, and once what the
    /// model waits for.
    async fn wait(&mut self, dirt: Dirt) -> io::Result<Woken> {
        let frame = self.due(dirt);
        let behind = self.screen.is_behind();
        let now = self.session.now().0;
        let till = MINUTE - now.rem_euclid(MINUTE);
        let sooner = self.model.wakes_at().map(|at| at.0.saturating_sub(now));
        let left = sooner.map_or(till, |sooner| sooner.min(till));
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        let minute = Instant::now() + left;
        let look = self.pace.as_ref().and_then(Pace::look);
        let looks = look.map_or(minute, Instant::from_std);
        Ok(tokio::select! {
            biased;
            happened = self.inputs.next() => Woken::Happened(happened),
            () = self.post.rung() => Woken::News,
            sent = self.screen.caught_up(), if behind => {
                sent?;
                Woken::CaughtUp
            }
            () = sleep_until(frame), if dirt != Dirt::None && !behind => Woken::Frame,
            () = sleep_until(looks), if look.is_some() => Woken::Look,
            () = sleep_until(minute) => Woken::Minute,
        })
    }

    /// Takes what woke the loop and all that is there already.
    async fn take(&mut self, woken: Woken) -> io::Result<(Option<Ended>, Dirt)> {
        let mut dirt = Dirt::None;
        match woken {
            Woken::Frame => return Ok((None, dirt)),
            Woken::CaughtUp => {
                if let Some(at) = self.drawn_at {
                    self.rest_after(at.elapsed());
                }
                return Ok((None, dirt));
            }
            Woken::Look => return Ok((None, self.look()?)),
            Woken::Minute => {
                self.watch_again();
                let now = self.session.now();
                self.hear(Msg::Tick(now))?;
                dirt = Dirt::News;
            }
            Woken::News => {}
            Woken::Happened(happened) => {
                dirt = Dirt::Key;
                if let Some(ended) = self.happened(happened)? {
                    return Ok((Some(ended), dirt));
                }
            }
        }
        for _ in 0..MAX_DRAIN {
            let Some(happened) = self.inputs.ready().await else {
                break;
            };
            dirt = Dirt::Key;
            if let Some(ended) = self.happened(happened)? {
                return Ok((Some(ended), dirt));
            }
        }
        for msg in self.post.take(self.session.now()) {
            // An outcome somebody waits for is shown as soon as a key would be.
            dirt = dirt.max(match msg {
                Msg::Changed { .. } => Dirt::News,
                _ => Dirt::Key,
            });
            if let Some(ended) = self.hear(msg)? {
                return Ok((Some(ended), dirt));
            }
        }
        Ok((None, dirt))
    }

    fn happened(&mut self, happened: Happened) -> io::Result<Option<Ended>> {
        match happened {
            Happened::Input(Input::Key(key)) => self.hear(Msg::Key(key)),
            Happened::Input(Input::Paste { text, .. }) => self.hear(Msg::Paste(text)),
            Happened::Input(Input::Mouse { deed, x, y }) => {
                let at = self.session.now();
                self.hear(Msg::Mouse(Mouse { deed, x, y, at }))
            }
            Happened::Input(Input::Resize) => self.measure(),
            Happened::Signal(Signal::Suspend) => self.perform(Effect::Suspend),
            Happened::Signal(Signal::Continue) => {
                self.screen.resume()?;
                self.session.stand();
                self.measure()
            }
            Happened::Signal(Signal::Quit(why)) => Ok(Some(Ended::Told(why))),
        }
    }

    fn measure(&mut self) -> io::Result<Option<Ended>> {
        let size = self.screen.size()?;
        self.hear(Msg::Resize(size.width, size.height))
    }

    fn hear(&mut self, msg: Msg) -> io::Result<Option<Ended>> {
        if let Some(keeper) = self.keeper {
            keeper.with(|recorder| recorder.hears(self.model, &msg));
        }
        let effects = update(self.model, msg);
        self.perform_all(effects)
    }

    fn perform_all(&mut self, effects: Vec<Effect>) -> io::Result<Option<Ended>> {
        for effect in effects {
            if let Some(keeper) = self.keeper {
                keeper.with(|recorder| recorder.wishes(&effect));
            }
            if let Some(ended) = self.perform(effect)? {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    fn perform(&mut self, effect: Effect) -> io::Result<Option<Ended>> {
        match effect {
            Effect::Submit {
                ticket,
                command,
                epoch,
                as_of,
            } => self.session.submit(ticket, *command, epoch, as_of),
            Effect::Ask { ticket, query } => self.session.ask(ticket, query),
            Effect::Run { ticket, line } => self.session.run_line(ticket, line),
            Effect::Travel { ticket, moment } => self.session.travel(ticket, moment),
            Effect::Complete(line) => {
                let Completion { from, words, value } = complete_line(&line);
                return self.hear(Msg::Completed(Grammar {
                    line,
                    from,
                    words,
                    value,
                }));
            }
            Effect::Files(wanted) => self.session.files(wanted),
            Effect::Mail(act) => self.session.mail(act),
            Effect::Watch(wish) => self.session.watch(wish.map(|wish| *wish)),
            Effect::Notify(text) => {
                self.screen.notify(&text)?;
                self.count(Purpose::Background);
            }
            Effect::Mouse(on) => self.screen.mouse(on)?,
            Effect::Record => return self.record(),
            Effect::Redraw => self.screen.repaint()?,
            Effect::Quit => return Ok(Some(Ended::Left)),
            Effect::Suspend => {
                // A stopped host would keep everybody waiting: the office goes first.
                self.session.step_down();
                if !self.screen.suspend()? {
                    self.session.stand();
                    let why = "this terminal has no shell to suspend to".to_owned();
                    return self.hear(Msg::Printed {
                        ticket: 0,
                        output: Err(why),
                    });
                }
            }
            Effect::Copy { what, text } => {
                let copied = self.copy(&what, &text)?;
                return self.hear(Msg::Copied(copied));
            }
        }
        Ok(None)
    }

    /// Copies, and returns what to say.
    fn copy(&mut self, what: &str, text: &str) -> io::Result<Result<String, String>> {
        if let Some(pace) = &self.pace {
            let bytes = self.screen.copy_bytes(text);
            if let Some(took) = pace.refuses(bytes, Instant::now().into_std()) {
                let took = took.as_secs();
                return Ok(Err(format!(
                    "not copied: {what} would keep this link busy for {took} s"
                )));
            }
        }
        let copied = self.screen.copy(text)?;
        self.count(Purpose::Key);
        Ok(match copied {
            Copied::Sent => Ok(format!("copied {what} (OSC 52)")),
            Copied::TooLong { bytes } => Err(format!(
                "{what} is {bytes} bytes, a clipboard takes {COPY_LIMIT}"
            )),
            Copied::Unsupported => Err("this terminal takes no copies".to_owned()),
        })
    }

    /// Tells the pace what was sent since it was last told.
    fn count(&mut self, purpose: Purpose) {
        if let Some(pace) = &mut self.pace {
            let bytes = self.screen.counters().bytes;
            pace.sent(bytes - self.counted, purpose, Instant::now().into_std());
            self.counted = bytes;
        }
    }

    /// Writes the recording, and says where.
    fn record(&mut self) -> io::Result<Option<Ended>> {
        let Some(keeper) = self.keeper else {
            return Ok(None);
        };
        keeper.with(|recorder| recorder.shows(self.model));
        let output = match keeper.write() {
            Ok(file) => Ok(format!("recorded in {}", file.display())),
            Err(error) => Err(format!("not recorded: {error}")),
        };
        self.hear(Msg::Printed { ticket: 0, output })
    }

    /// Looks how the link does, and tells the model if that deserves another word.
    fn look(&mut self) -> io::Result<Dirt> {
        let Some(pace) = &mut self.pace else {
            return Ok(Dirt::None);
        };
        let queued = self.gauge.as_ref().and_then(Gauge::queued);
        pace.saw(queued, Instant::now().into_std());
        if queued.is_none() {
            self.gauge = None;
            self.watch_again();
        }
        self.say_slow()
    }

    /// Watches the connection that took the place of one that is gone, if there is one by now.
    fn watch_again(&mut self) {
        if self.screen.caps().link == Link::Auto && self.gauge.is_none() {
            self.gauge = Gauge::successor(&process_env);
            if let (Some(pace), Some(_)) = (&mut self.pace, &self.gauge) {
                *pace = Pace::new(None, true, Instant::now().into_std());
            }
        }
    }

    /// Tells the model whether the link is slow, if that is another word than the last.
    fn say_slow(&mut self) -> io::Result<Dirt> {
        let Some(pace) = &self.pace else {
            return Ok(Dirt::None);
        };
        let slow = pace.slow().is_some();
        if slow == self.model.session.slow {
            return Ok(Dirt::None);
        }
        self.hear(Msg::Link { slow })?;
        Ok(Dirt::News)
    }

    fn draw(&mut self, dirt: Dirt) -> io::Result<()> {
        if let Some(keeper) = self.keeper {
            keeper.with(Recorder::draws);
        }
        let effects = settle(self.model);
        self.perform_all(effects)?;
        self.drawn_at = Some(Instant::now());
        let now = Instant::now().into_std();
        let purpose = dirt.purpose();
        self.screen.allow(self.pace.as_ref().map(|pace| Room {
            bytes: pace.room(purpose, now),
            newest_first: purpose == Purpose::Key,
            eye: view::eye(self.model),
        }));
        let model = &*self.model;
        let title = view::frame::title(model);
        if title != self.titled {
            self.screen.title(&title)?;
            self.titled = title;
        }
        let drawn = self
            .screen
            .draw(|frame| view::draw(model, frame.buffer_mut()))?;
        self.rest_after(drawn.waited);
        self.count(purpose);
        Ok(())
    }

    /// Makes the pause after a frame as long as its cost demands.
    fn rest_after(&mut self, cost: Duration) {
        self.gap = cost.saturating_mul(COST_FACTOR).min(MAX_GAP);
    }
}

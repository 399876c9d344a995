//! A console over a world, driven by keys: `console.keys("jj<enter>").screen()`.

use std::sync::Arc;

use obeya::{
    cli::{Completion, complete_line},
    config::{ColorDepth, GlyphSet},
    domain::{command::Role, order::Actor},
    ui::{
        action::Action,
        complete::Grammar,
        effect::Effect,
        keymap,
        log::{self, Found, LogLine, RunSeen, Sight, Window, Wish},
        model::{Model, Session},
        msg::{Connection, Failure, Msg},
        recorder::Recorder,
        theme::Theme,
        update::{settle, update},
        view,
    },
};
use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Style},
};

use super::world::World;

/// A console and what is behind it.
pub(crate) struct Console {
    pub(crate) model: Model,
    pub(crate) world: World,
    /// The line as it stood where the console stands in the past.
    then: Option<World>,
    /// What the console wanted done that is not about the ledger.
    pub(crate) wishes: Vec<Effect>,
    told: usize,
    /// What agents wrote: whose, the runs, newest first, and what was written in each.
    pub(crate) written: Vec<(String, RunSeen, Vec<u8>)>,
    /// Takes down what the console hears, if a test wants that.
    pub(crate) recorder: Option<Recorder>,
}

impl Console {
    /// Returns an operator's console of a size in full colour.
    pub(crate) fn new(world: World, size: (u16, u16)) -> Self {
        Self::with(
            world,
            size,
            ColorDepth::True,
            GlyphSet::Unicode,
            Role::Operator,
        )
    }

    /// Returns a console with colours, glyphs and a role.
    pub(crate) fn with(
        world: World,
        size: (u16, u16),
        depth: ColorDepth,
        glyphs: GlyphSet,
        role: Role,
    ) -> Self {
        let (keymap, problems) = keymap::load("vim", &|_| Ok(None), None, &Action::is_known);
        assert_eq!(problems, []);
        let session = Session {
            ledger: "demo".into(),
            me: Actor::person("ada"),
            role,
            connection: Connection::Host,
            slow: false,
        };
        let model = Model::new(session, Theme::dark(depth, glyphs), keymap, size);
        let mut console = Console {
            model,
            world,
            then: None,
            wishes: Vec::new(),
            told: 0,
            written: Vec::new(),
            recorder: None,
        };
        console.publish();
        console
    }

    /// Tells the console what the world came to.
    pub(crate) fn publish(&mut self) -> &mut Self {
        let records = self.world.records[self.told..].to_vec();
        self.told = self.world.records.len();
        self.tell(Msg::Changed {
            state: Arc::new(self.world.state.clone()),
            records,
            now: self.world.now,
        })
    }

    /// Hands the console a message, and does what it wants until it wants nothing.
    pub(crate) fn tell(&mut self, msg: Msg) -> &mut Self {
        let mut effects = self.hear(msg);
        loop {
            for effect in std::mem::take(&mut effects) {
                effects.extend(self.perform(effect));
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.draws();
            }
            let wishes = settle(&mut self.model);
            self.note(&wishes);
            effects.extend(wishes);
            if effects.is_empty() {
                return self;
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Vec<Effect> {
        let msg = match effect {
            Effect::Submit {
                ticket,
                command,
                epoch,
                as_of,
            } => {
                let actor = self.model.session.me.clone();
                let role = self.model.session.role;
                let outcome = self
                    .world
                    .submit_as_of(&actor, role, &command, epoch, as_of);
                self.publish();
                Msg::Submitted {
                    ticket,
                    outcome: outcome.map_err(Failure::Refused),
                }
            }
            Effect::Ask { ticket, query } => Msg::Answered {
                ticket,
                answer: self
                    .then
                    .as_ref()
                    .unwrap_or(&self.world)
                    .ask(&query)
                    .map(Box::new)
                    .map_err(Failure::Refused),
            },
            Effect::Complete(line) => {
                let Completion { from, words, value } = complete_line(&line);
                Msg::Completed(Grammar {
                    line,
                    from,
                    words,
                    value,
                })
            }
            Effect::Travel { moment: None, .. } => {
                self.then = None;
                return Vec::new();
            }
            Effect::Travel {
                ticket,
                moment: Some(moment),
            } => {
                let then = self.then.insert(self.world.then(moment));
                Msg::Arrived {
                    ticket,
                    stands: Ok((Arc::new(then.state.clone()), then.now)),
                }
            }
            Effect::Watch(Some(wish)) if !self.written.is_empty() => {
                Msg::Runs(Box::new(self.sight(&wish)))
            }
            wish => {
                self.wishes.push(wish);
                return Vec::new();
            }
        };
        self.hear(msg)
    }

    /// Returns what there is to see of an agent's runs: all of the output that is wished for.
    fn sight(&self, wish: &Wish) -> Sight {
        let own = || {
            self.written
                .iter()
                .filter(|(agent, ..)| *agent == wish.agent)
        };
        let mut all: Vec<_> = own().collect();
        log::working_first(&mut all, |(_, run, _)| run.end.is_some());
        let own = || all.iter();
        let chosen = own().find(|(_, run, _)| Some(&run.run) == wish.run.as_ref());
        let chosen = chosen.or(own().next());
        let output = chosen.map_or(&[][..], |(.., output)| output);
        let lines: Vec<_> = log::lines(output, 0).collect();
        let hit = |line: &&LogLine| log::find(&line.text, &wish.words).is_some();
        let hits: Vec<u64> = lines.iter().filter(hit).map(|line| line.at).collect();
        Sight {
            agent: wish.agent.clone(),
            runs: own().map(|(_, run, _)| run.clone()).collect(),
            run: chosen.map(|(_, run, _)| run.run.clone()),
            found: Found {
                words: wish.words.clone(),
                count: hits.len() as u64,
                hits,
            },
            window: Window {
                lines,
                first: true,
                last: true,
                end: output.len() as u64,
            },
        }
    }

    fn hear(&mut self, msg: Msg) -> Vec<Effect> {
        if let Some(recorder) = &mut self.recorder {
            recorder.hears(&self.model, &msg);
        }
        let wishes = update(&mut self.model, msg);
        self.note(&wishes);
        wishes
    }

    fn note(&mut self, wishes: &[Effect]) {
        if let Some(recorder) = &mut self.recorder {
            wishes.iter().for_each(|wish| recorder.wishes(wish));
        }
    }

    /// Presses keys: single characters, and names like `<enter>`.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let end = match rest.find('>') {
                Some(end) if first == '<' && end > 1 && !rest[1..end].contains('<') => end + 1,
                _ => first.len_utf8(),
            };
            let (key, after) = rest.split_at(end);
            self.tell(Msg::Key(key.parse().unwrap()));
            rest = after;
        }
        self
    }

    /// Draws the screen.
    pub(crate) fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(self.model.area());
        view::draw(&self.model, &mut buffer);
        buffer
    }

    /// Returns the screen as text.
    pub(crate) fn screen(&self) -> String {
        let buffer = self.buffer();
        let area = buffer.area;
        let row = |y| {
            let cells = (0..area.width).map(|x| buffer[(x, y)].symbol());
            cells.collect::<String>().trim_end().to_owned() + "\n"
        };
        (0..area.height).map(row).collect()
    }

    /// Returns the screen as text, and beneath it a letter for each cell's style with what the letters mean.
    pub(crate) fn styled(&self) -> String {
        let buffer = self.buffer();
        let area = buffer.area;
        let plain = Cell::EMPTY.style();
        let mut seen: Vec<Style> = Vec::new();
        let mut layer = String::new();
        for y in 0..area.height {
            let mut line = String::new();
            for x in 0..area.width {
                let cell = &buffer[(x, y)];
                let style = cell.style();
                if style == plain {
                    line.push(' ');
                    continue;
                }
                let at = seen.iter().position(|s| *s == style).unwrap_or_else(|| {
                    seen.push(style);
                    seen.len() - 1
                });
                line.push(LETTERS.chars().nth(at).unwrap_or('?'));
            }
            layer += line.trim_end();
            layer.push('\n');
        }
        let mut legend = String::new();
        for (letter, style) in LETTERS.chars().zip(&seen) {
            let color = |color: Option<Color>| color.map(|c| c.to_string()).unwrap_or_default();
            let (fg, bg) = (color(style.fg), color(style.bg));
            legend += &format!("{letter} {fg} on {bg} {:?}\n", style.add_modifier);
        }
        format!("{}---\n{layer}---\n{legend}", self.screen())
    }
}

/// Asserts that the screen has this text.
pub(crate) fn shows(console: &Console, wanted: &str) {
    let screen = console.screen();
    assert!(screen.contains(wanted), "no '{wanted}' on\n{screen}");
}

/// Asserts that the screen has not this text.
pub(crate) fn lacks(console: &Console, unwanted: &str) {
    let screen = console.screen();
    assert!(!screen.contains(unwanted), "'{unwanted}' on\n{screen}");
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

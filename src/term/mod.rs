//! The terminal: the only module that touches the tty.
//!
//! [`Screen`] owns it and draws whole frames; [`Inputs`] tells what happens to it. What is sent
//! obeys four rules: an unchanged frame is zero bytes, a changed one is a single write, the
//! terminal is never asked anything, and however the program ends the terminal is put back by one
//! routine, [`guard::restore`].

mod attached;
mod backend;
mod caps;
mod console;
mod desk;
mod exchange;
mod gauge;
pub mod guard;
mod input;
mod line;
mod logs;
mod mail;
mod osc;
mod pace;
mod post;
mod recorder;
mod run;
mod screen;
mod session;
mod signals;
mod site;
mod stream;
mod suspend;
mod wall;
mod writer;

pub use self::{
    backend::Room,
    caps::{Caps, Multiplexer},
    console::{ConsoleError, open},
    input::{Input, PASTE_LIMIT},
    osc::{COPY_LIMIT, Copied},
    post::Post,
    recorder::{Keeper, RECORDINGS},
    run::{Ended, Session, run},
    screen::{Drawn, Screen},
    signals::Signal,
    stream::{Happened, Inputs},
    writer::Counters,
};

//! A place of its own for the code of an order: a git worktree on a branch, made, brought home, and put away.
//!
//! It lies in the ledger's folder, so that the project's own files are nobody's but the people's. `place` finds and makes
//! it, `landing` brings what was made there onto the project's branch, `kept` says what is left and puts away what holds
//! nothing of its own, `room` whether the disk has space for more, `done` keeps what was said of work that is done, wherever it was made. Everything here waits for git: it is called on threads
//! that may.
//!
//! Nothing is ever thrown away that a branch does not hold: no force, no reset.

mod done;
mod kept;
mod landing;
mod place;
mod room;

pub(super) use self::kept::orders;
pub use self::{
    done::{Asked, Done, all_done, done, forget_done, keep_done},
    kept::{Kept, kept, put_away},
    landing::{Landed, Stand, Unlanded},
    place::{Worktree, check, folder_of},
    room::{Room, room},
};

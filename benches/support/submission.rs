//! How a bench hands a command in.

use obeya::{
    domain::{
        command::{Command, Submission},
        order::Actor,
    },
    testing,
};

/// Returns a submission of the bench's own person.
pub(crate) fn submission(command: Command) -> Submission {
    testing::submission(Actor::person("bench"), command)
}

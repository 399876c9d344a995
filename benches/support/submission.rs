//! How a bench hands a command in.

use obeya::domain::{
    command::{Command, Role, Submission},
    order::Actor,
    record::Door,
};
use uuid::Uuid;

/// Returns a submission of the bench's own person.
pub(crate) fn submission(command: Command) -> Submission {
    Submission {
        id: Uuid::now_v7(),
        actor: Actor::person("bench"),
        role: Role::Admin,
        door: Door::Cli,
        uid: 1000,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    }
}

//! What the system calls whoever runs the program.

use std::fs;

use super::context::variable;

/// Returns the name of the system's user. It may be wrong, as any name may: the ledger notes the user's number too.
pub(super) fn user_name() -> String {
    variable("USER")
        .or_else(|| variable("LOGNAME"))
        .unwrap_or_else(|| {
            let uid = rustix::process::getuid().as_raw();
            let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
            let own = list.lines().find(|line| {
                let number = line.split(':').nth(2);
                number.is_some_and(|number| number.parse() == Ok(uid))
            });
            let name = own.and_then(|line| line.split(':').next());
            name.map_or_else(|| format!("uid-{uid}"), str::to_owned)
        })
}

//! The obeya binary: arguments to a run, and its exit code.

use std::process::exit;

use obeya::{
    cli::{self, Invocation},
    term::{self, ConsoleError},
};

fn main() {
    match cli::run(std::env::args_os()) {
        // What was loaded is not taken apart: the process ends here.
        Invocation::Done(code) => exit(code.into()),
        Invocation::Console(options) => match term::open(&options) {
            Ok(()) => {}
            Err(error) => {
                term::guard::tell(&format!("error: {error}\n"));
                let code = match error {
                    ConsoleError::NoTerminal | ConsoleError::DumbTerminal => cli::EXIT_USAGE,
                    _ => cli::EXIT_UNAVAILABLE,
                };
                exit(code.into());
            }
        },
    }
}

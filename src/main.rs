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
        Invocation::Console(options) => finish(term::open(&options)),
        Invocation::Demo(demo, options) => {
            let ended = term::open(&options);
            // It stops, and removes its ledger.
            drop(demo);
            finish(ended);
        }
    }
}

fn finish(ended: Result<(), ConsoleError>) {
    let Err(error) = ended else { return };
    term::guard::tell(&format!("error: {error}\n"));
    let code = match error {
        ConsoleError::NoTerminal | ConsoleError::DumbTerminal => cli::EXIT_USAGE,
        _ => cli::EXIT_UNAVAILABLE,
    };
    exit(code.into());
}

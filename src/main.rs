//! The obeya binary: arguments to a run, and its exit code.

use std::process::exit;

use obeya::cli::{self, Invocation};

fn main() {
    match cli::run(std::env::args_os()) {
        // What was loaded is not taken apart: the process ends here.
        Invocation::Done(code) => exit(code.into()),
        Invocation::Console(_) => {
            eprintln!("error: the console is not built yet; see obeya --help");
            exit(cli::EXIT_UNAVAILABLE.into());
        }
    }
}

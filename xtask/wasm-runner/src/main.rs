//! The target runner of `wasm32-unknown-unknown`: wasm-bindgen's own test runner, in the version that the lock file names.
//!
//! It is a package of its own because its dependencies take a minute to build, which whoever runs native tests only should not pay.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    match wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The failed tests are above; a backtrace of the runner adds nothing to them.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

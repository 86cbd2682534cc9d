//! What a module weighs that opens and uses OPFS and IndexedDB through the facade (`src/lib.rs`): optimised by wasm-opt, and compressed
//! as a web server would.
//!
//! ```text
//! cargo xtask size
//! ```

#[cfg(not(target_family = "wasm"))]
mod balance;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    balance::main()
}

/// Cargo builds every target of the package; browsers load the library.
#[cfg(target_family = "wasm")]
fn main() {}

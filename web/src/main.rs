//! Builds the demo page, and serves it or writes it down.
//!
//! ```text
//! cargo xtask demo
//! ```

#[cfg(not(target_family = "wasm"))]
mod demo;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    demo::main()
}

/// Cargo builds every target of the package; browsers load the library.
#[cfg(target_family = "wasm")]
fn main() {}

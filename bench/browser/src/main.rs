//! The engines of browsers beside plain JavaScript on what the browser has, in one run: what the plug costs.
//!
//! ```text
//! cargo xtask bench --browser chromium,firefox
//! ```
//!
//! Every line is a pair: an engine through `dyn StorageBackend`, opened by URL (`src/lib.rs`), and the same work in plain JavaScript
//! (`js/floor.js`), both in one dedicated worker. They run in turn, round after round (`js/bench.js`); the figures are medians over the
//! rounds, per operation. For OPFS from a page the floor is the same engine in a dedicated worker (`js/in_page.js`); how long
//! packed OPFS takes to open is measured in workers that are new each time (`js/fresh.js`). Synchronous reads behind a bridge have a page of
//! their own, which may share memory (`js/bridged.js`).

#[cfg(not(target_family = "wasm"))]
mod drive;
#[cfg(not(target_family = "wasm"))]
mod report;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    drive::main()
}

/// Cargo builds every target of the package; browsers load the library.
#[cfg(target_family = "wasm")]
fn main() {}

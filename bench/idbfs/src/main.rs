//! The IDBFS way in browsers, step for step: mount, populate, write, sync, reload, populate, read; ours, which is a mount of `anystorage-vfs`
//! over `Mirror` over IndexedDB, beside Emscripten's IDBFS as Pyodide has it.
//!
//! ```text
//! cargo xtask bench-idbfs --browser chromium,firefox,webkit
//! ```
//!
//! Both write the same files in a page: many small ones in directories, each of 1 KiB, and a large one. Each contestant has a browser on a new
//! profile for each round; who begins changes from round to round. After the reload everything is read back and every byte compared; that is not
//! timed, and neither is making up the bytes. A wrong byte is the end of the run, and so is a file of ours that is another one than theirs.
//!
//! A third one has no files at all, and keeps the same bytes in plain IndexedDB: about what is left to be gained.
//!
//! They are not equally careful: a sync of ours is one `strict` transaction, which is with the disk when it returns, and IDBFS asks for
//! whatever the browser has by default, which is `relaxed`; ours is asked in Rust, within its module, IDBFS in JavaScript, within which it is.
//!
//! - `js/drive.js`: the page, and the steps
//! - `js/ours.js` and `src/lib.rs`: ours
//! - `js/pyodide.js`: theirs
//! - `js/floor.js`: plain IndexedDB
//! - `js/files.js` and `src/files.rs`: what the files hold

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

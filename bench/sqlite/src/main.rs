//! SQLite in browsers, over OPFS pool and packed, beside what others have: `@sqlite.org/sqlite-wasm` and `@journeyapps/wa-sqlite` from npm,
//! and a raw handle as the floor.
//!
//! ```text
//! cargo xtask bench-sqlite --browser chromium,firefox
//! ```
//!
//! Each contestant runs the same SQL on the same rows (`js/work.js`), in a dedicated worker of its own, on an empty OPFS, once a round; who
//! begins changes from round to round. After each workload its rows are counted and summed. Before the rounds each commits in a worker whose
//! flushes are counted (`js/count.js`), and is then ended without a close: who flushes less than once a commit, or has lost a row, is no peer.
//!
//! Pages, cache, temporary storage and `synchronous = FULL` are the same for all. Peers come twice: as their documentation opens them, which is what
//! the goals are for, and in the ways of theirs that are faster and as durable, with a write-ahead log. Ours binds and steps in Rust, in the
//! module that SQLite is in, the peers in JavaScript: that is how each is used. `opfs` of sqlite-wasm leaves out the flush of a file whose
//! handle it has given back in between, so its count says that it flushes about as often as it commits, and not that it does at each.
//!
//! - `js/drive.js`: the page, and the order of everything
//! - `js/worker.js`: a worker with one contestant
//! - `js/work.js`: the workloads, and what must come out
//! - `js/peers/`: the contestants, ours (`src/lib.rs`) among them, each as one who follows its documentation writes it

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

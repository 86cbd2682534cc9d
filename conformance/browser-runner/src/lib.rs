//! Runs the conformance suite of anystorage in real browsers, across what browsers do to programs: workers that are terminated, pages that
//! are reloaded, browsers that quit, and browsers that are killed with all their processes.
//!
//! The suite is a crate of type `cdylib` with one line,
//! [`browser_suite!`](anystorage_conformance::browser_suite). It is built once, and served on the loopback interface to pages that take
//! their orders from the server. Chromium, Firefox and WebKitGTK are steered by their WebDriver servers, each on profiles of its own that
//! are gone afterwards. The cases, the report and the judgement are those of the suite itself.
//!
//! - [`package`]: builds the suite
//! - [`server`]: serves it, and gives pages their orders
//! - [`driver`]: starts and steers browsers
//! - `seat`: one subject in one context of one browser
//! - `stage`: the cases there, and what lies between their halves
//! - `kills`: the kill loop there
//! - [`run`]: all of it
//! - [`npm`]: runs npm
//! - [`ending`]: leaves nothing behind

pub mod driver;
pub mod ending;
pub mod failure;
mod kills;
pub mod npm;
pub mod package;
mod processes;
mod programs;
pub mod run;
mod seat;
pub mod server;
mod stage;

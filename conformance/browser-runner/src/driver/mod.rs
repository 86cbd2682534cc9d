//! Browsers, started and steered by their WebDriver servers.
//!
//! - `launch`: what a browser is started with
//! - `client`: the protocol
//! - `chromium`, `firefox`, `webkit`: what is special to each
//! - `session`: a browser that runs

mod chromium;
mod client;
mod firefox;
mod launch;
mod session;
mod webkit;

pub use launch::{Launch, Storage};
pub use session::Session;

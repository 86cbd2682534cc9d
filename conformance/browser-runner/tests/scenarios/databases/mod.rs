//! Databases of SQLite and redb in dedicated workers, over the layouts of OPFS that never wait, and over IndexedDB behind a bridge
//! or a mirror.
//!
//! - `desk`: what is asked of workers, and what they say
//! - `ended`: kills, reloads and terminations in the middle of transactions
//! - `bridged`: the same through the bridge
//! - `kept`: large ones, found again
//! - `commits`: the flushes of a commit
//! - `full`: no space

mod bridged;
mod commits;
mod desk;
mod ended;
mod full;
mod kept;

use crate::world::{browser, engines};

const LAYOUTS: [&str; 2] = ["pool", "packed"];

/// Without OPFS there is nothing to try.
fn has_opfs() -> bool {
    let has = engines().any(|(engine, _)| engine.starts_with("opfs"));
    if !has {
        println!("{} has no OPFS", browser().as_str());
    }
    has
}

/// A number from the environment.
fn number(variable: &str, otherwise: u32) -> u32 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn url(layout: &str, name: &str) -> String {
    format!("opfs://{name}-{layout}?layout={layout}")
}

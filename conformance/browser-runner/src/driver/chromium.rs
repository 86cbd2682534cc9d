//! Chromium by chromedriver.

use serde_json::{Value, json};

use super::launch::{Launch, Storage};
use crate::failure::{Failure, Result};
use crate::programs;

/// The driver's program.
pub(super) const DRIVER: &str = "chromedriver";

const PROGRAMS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// It talks to nobody but this machine, and asks nobody anything.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    // A page that nobody looks at is to run as one that somebody does.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

pub(super) fn capabilities(launch: &Launch) -> Result<Value> {
    let program =
        launch.program.clone().or_else(|| programs::find(PROGRAMS)).ok_or_else(|| Failure::new("there is no chromium on the PATH"))?;
    let mut arguments: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    arguments.push(format!("--user-data-dir={}", launch.profile.display()));
    if rustix::process::getuid().is_root() {
        // Its sandbox refuses root.
        arguments.push("--no-sandbox".to_owned());
    }
    if !launch.hosts.is_empty() {
        let rules: Vec<String> = launch.hosts.iter().map(|host| format!("MAP {host} 127.0.0.1")).collect();
        arguments.push(format!("--host-resolver-rules={}", rules.join(",")));
    }
    let mut preferences = launch.preferences.clone();
    match launch.storage {
        Storage::Private => arguments.push("--incognito".to_owned()),
        Storage::Denied => drop(preferences.insert("profile.default_content_setting_values.cookies".to_owned(), 2.into())),
        // Its quota is set later, over the DevTools protocol.
        Storage::Usual | Storage::Small(_) => {}
    }
    Ok(json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "SEVERE" },
        "goog:chromeOptions": { "binary": program, "args": arguments, "prefs": preferences },
    }))
}

//! Firefox by geckodriver.

use serde_json::{Value, json};

use super::launch::{Launch, Storage};
use crate::failure::{Failure, Result};
use crate::programs;

/// The driver's program.
pub(super) const DRIVER: &str = "geckodriver";

const PROGRAMS: &[&str] = &["firefox-esr", "firefox"];

/// What all sites together may have, in KiB.
const LIMIT: &str = "dom.quotaManager.temporaryStorage.fixedLimit";

pub(super) fn capabilities(launch: &Launch) -> Result<Value> {
    let program =
        launch.program.clone().or_else(|| programs::find(PROGRAMS)).ok_or_else(|| Failure::new("there is no firefox on the PATH"))?;
    std::fs::create_dir_all(&launch.profile).map_err(Failure::of("no directory for a profile"))?;
    let mut preferences = launch.preferences.clone();
    let mut set = |name: &str, value: Value| drop(preferences.insert(name.to_owned(), value));
    // A page that asks for persistence waits for a person's answer, and nobody is there.
    set("dom.storageManager.prompt.testing", true.into());
    set("dom.storageManager.prompt.testing.allow", true.into());
    set("dom.min_background_timeout_value", 4.into());
    if !launch.hosts.is_empty() {
        set("network.dns.localDomains", launch.hosts.join(",").into());
        // It would try `https:` first, which nobody serves.
        set("dom.security.https_first", false.into());
    }
    match launch.storage {
        // What it lets a site have depends on the disk, and it counts holes: the cases with large holes are to run on small disks too.
        Storage::Usual => set(LIMIT, (1 << 30).into()),
        Storage::Private => set("browser.privatebrowsing.autostart", true.into()),
        Storage::Denied => set("network.cookie.cookieBehavior", 2.into()),
        Storage::Small(bytes) => set(LIMIT, (bytes / 1024).into()),
    }
    Ok(json!({
        "browserName": "firefox",
        "moz:firefoxOptions": {
            "binary": program,
            "args": ["-headless", "-no-remote", "-profile", launch.profile],
            "prefs": preferences,
        },
    }))
}

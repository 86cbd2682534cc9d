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

/// Whether a line that it prints is an error of a page. It has errors of its own, about what it cannot reach: they come from `resource:`, or
/// begin with the name of a part of it, without quotes.
pub(super) fn complains(line: &str) -> bool {
    match line.split_once(": ") {
        Some(("console.error", said)) => said.starts_with('"') || said.contains("http:"),
        Some(("JavaScript error", said)) => said.starts_with("http:"),
        _ => false,
    }
}

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

#[cfg(test)]
mod tests {
    use super::complains;

    #[test]
    fn errors_of_pages_are_told_from_those_of_the_browser() {
        let of_pages = [
            r#"console.error: "it broke""#,
            r#"console.error: (new TypeError("no", "http://127.0.0.1:8000/app.js", 3))"#,
            "JavaScript error: http://127.0.0.1:8000/app.js, line 3: TypeError: no",
        ];
        let others = [
            "console.error: RSLoader: ",
            r#"console.error: (new Error("no network", "resource://services-settings/remote-settings.sys.mjs", 490))"#,
            "JavaScript error: resource://gre/modules/Some.sys.mjs, line 3: no",
            r#"console.warn: "careful""#,
        ];
        assert!(of_pages.into_iter().all(complains));
        assert!(!others.into_iter().any(complains));
    }
}

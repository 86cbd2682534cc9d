//! The browsers that tests run in, and what each needs on the machine.

use crate::setup::{Found, Tool};

/// A browser. To add one, add it to [`BROWSERS`].
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) name: &'static str,
    /// The WebDriver server.
    pub(crate) driver: Driver,
    /// The variable by which wasm-bindgen's test runner and the suite's learn of the driver.
    pub(crate) driver_variable: &'static str,
    /// What must be there besides.
    pub(crate) tools: &'static [Tool],
}

/// Where a WebDriver server comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Driver {
    /// A program of this name, which a package brings.
    Program(&'static str),
    /// A crate that is built below the target directory, unless a program of its name is on the PATH.
    Crate { name: &'static str, version: &'static str },
}

pub(crate) const BROWSERS: &[Browser] = &[
    Browser {
        name: "chromium",
        driver: Driver::Program("chromedriver"),
        driver_variable: "CHROMEDRIVER",
        tools: &[
            Tool { found: Found::Program(&["chromium", "chromium-browser", "google-chrome"]), package: "chromium" },
            Tool { found: Found::Program(&["chromedriver"]), package: "chromium-driver" },
        ],
    },
    Browser {
        name: "firefox",
        driver: Driver::Crate { name: "geckodriver", version: "0.37.1" },
        driver_variable: "GECKODRIVER",
        tools: &[Tool { found: Found::Program(&["firefox-esr", "firefox"]), package: "firefox-esr" }],
    },
    // Its own test browser forgets everything when it ends, so the runner brings one that keeps a profile: a script over the bindings of
    // GObject, on a display that nobody sees.
    Browser {
        name: "webkit",
        driver: Driver::Program("WebKitWebDriver"),
        driver_variable: "SAFARIDRIVER",
        tools: &[
            Tool { found: Found::Program(&["WebKitWebDriver"]), package: "webkit2gtk-driver" },
            Tool { found: Found::Program(&["Xvfb"]), package: "xvfb" },
            Tool { found: Found::Library("python3/dist-packages/gi/__init__.py"), package: "python3-gi" },
            Tool { found: Found::Library("girepository-1.0/WebKit2-4.1.typelib"), package: "gir1.2-webkit2-4.1" },
        ],
    },
];

impl Browser {
    /// The browser of that name.
    pub(crate) fn parse(name: &str) -> Result<&'static Self, String> {
        let known = || BROWSERS.iter().map(|browser| browser.name).collect::<Vec<_>>().join(", ");
        BROWSERS.iter().find(|browser| browser.name == name).ok_or_else(|| format!("known browsers: {}", known()))
    }

    /// All names, as an option takes them.
    pub(crate) fn names(browsers: &[&Self]) -> String {
        browsers.iter().map(|browser| browser.name).collect::<Vec<_>>().join(",")
    }
}

//! The browsers that tests run in, and what each needs on the machine.

use crate::setup::{Sign, Tool};

/// A browser. To add one, add it to [`BROWSERS`].
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) name: &'static str,
    /// The WebDriver server.
    pub(crate) driver: Driver,
    /// The variable by which wasm-bindgen's test runner and the suite's learn of the driver.
    pub(crate) driver_variable: &'static str,
    /// Whether it opens windows, and so needs a display.
    pub(crate) needs_display: bool,
    /// The engines, by their schemes, or by their URLs where those ask for more, that the suite must have run there.
    pub(crate) engines: &'static [&'static str],
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
        needs_display: false,
        engines: &[
            "memory",
            "opfs",
            "opfs:?layout=packed",
            "opfs:?layout=pool",
            "opfs:?io=stream",
            "idb",
            "remote+idb",
            "remote+memory",
            "mirror-memory",
            "mirror-idb",
        ],
        tools: &[
            Tool { sign: Sign::Program(&["chromium", "chromium-browser", "google-chrome"]), package: "chromium" },
            Tool { sign: Sign::Program(&["chromedriver"]), package: "chromium-driver" },
        ],
    },
    Browser {
        name: "firefox",
        driver: Driver::Crate { name: "geckodriver", version: "0.37.1" },
        driver_variable: "GECKODRIVER",
        needs_display: false,
        engines: &[
            "memory",
            "opfs",
            "opfs:?layout=packed",
            "opfs:?layout=pool",
            "opfs:?io=stream",
            "idb",
            "remote+memory",
            "mirror-memory",
        ],
        tools: &[Tool { sign: Sign::Program(&["firefox-esr", "firefox"]), package: "firefox-esr" }],
    },
    Browser {
        name: "webkit",
        driver: Driver::Program("WebKitWebDriver"),
        driver_variable: "SAFARIDRIVER",
        needs_display: true,
        engines: &["memory", "idb", "mirror-memory"],
        tools: &[
            Tool { sign: Sign::Program(&["WebKitWebDriver"]), package: "webkit2gtk-driver" },
            Tool { sign: Sign::Program(&["xvfb-run"]), package: "xvfb" },
            Tool { sign: Sign::Program(&["xauth"]), package: "xauth" },
            Tool { sign: Sign::Runs(&["/usr/bin/python3", "-c", "import gi"]), package: "python3-gi" },
            Tool {
                sign: Sign::Runs(&["/usr/bin/python3", "-c", "import gi; gi.require_version('WebKit2', '4.1')"]),
                package: "gir1.2-webkit2-4.1",
            },
        ],
    },
];

impl Browser {
    /// Their names, as `--browser` takes them.
    pub(crate) fn names(browsers: &[&Self]) -> String {
        browsers.iter().map(|browser| browser.name).collect::<Vec<_>>().join(",")
    }

    /// The browser of that name.
    pub(crate) fn parse(name: &str) -> Result<&'static Self, String> {
        let known = || BROWSERS.iter().map(|browser| browser.name).collect::<Vec<_>>().join(", ");
        BROWSERS.iter().find(|browser| browser.name == name).ok_or_else(|| format!("known browsers: {}", known()))
    }
}

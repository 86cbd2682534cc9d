//! What a browser is started with.

use std::path::{Path, PathBuf};

use anystorage_conformance::browser::wire::Browser;
use serde_json::{Map, Value};

use super::session::Session;
use crate::failure::Result;

/// What the browser gives pages to store in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// As a person has it.
    #[default]
    Usual,
    /// As in a private window.
    Private,
    /// Nothing: cookies and site data are blocked.
    Denied,
    /// About so many bytes for everything.
    Small(u64),
}

/// How to start a browser.
#[derive(Clone, Debug)]
pub struct Launch {
    pub(super) browser: Browser,
    pub(super) profile: PathBuf,
    pub(super) driver: Option<PathBuf>,
    pub(super) program: Option<PathBuf>,
    pub(super) storage: Storage,
    pub(super) preferences: Map<String, Value>,
    pub(super) hosts: Vec<String>,
}

impl Launch {
    /// On a profile that is made if it is not there.
    #[must_use]
    pub fn new(browser: Browser, profile: &Path) -> Self {
        let driver = std::env::var_os(variable(browser)).map(PathBuf::from);
        let (program, preferences, hosts) = (None, Map::new(), Vec::new());
        Self { browser, profile: profile.to_owned(), driver, program, storage: Storage::Usual, preferences, hosts }
    }

    /// With this driver. Otherwise it is the one that a variable names (`CHROMEDRIVER`, `GECKODRIVER`, `SAFARIDRIVER`), or on the `PATH`.
    #[must_use]
    pub fn driver(mut self, driver: Option<PathBuf>) -> Self {
        self.driver = driver.or(self.driver);
        self
    }

    /// By this program in the place of the one on the `PATH`, where a driver starts the browser.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// With this storage.
    #[must_use]
    pub const fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// With a preference of the browser's own (Chromium's `Preferences`, Firefox's `about:config`).
    #[must_use]
    pub fn preference(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.preferences.insert(name.to_owned(), value.into());
        self
    }

    /// With a host name that leads to this machine.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        self.hosts.push(name.to_owned());
        self
    }

    /// Which browser.
    #[must_use]
    pub const fn browser(&self) -> Browser {
        self.browser
    }

    /// Starts it.
    ///
    /// # Errors
    /// If it does not start; with what its driver says.
    pub fn start(&self) -> Result<Session> {
        Session::start(self)
    }
}

/// The variable that names the driver, as for wasm-bindgen's test runner.
const fn variable(browser: Browser) -> &'static str {
    match browser {
        Browser::Firefox => "GECKODRIVER",
        Browser::WebKit => "SAFARIDRIVER",
        _ => "CHROMEDRIVER",
    }
}

//! What benchmarks in browsers share: a page that measures, the program that waits for it, and how both show what came out.
//!
//! The page has a module `/drive.js`. It finds its order as JSON in `document.documentElement.dataset.order`, and says how far it is in
//! `dataset.heard`, as [`listen`](measure) reads it: `done`, `all`, `case`, and in the end `measurements` or `error`.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::{Launch, Session};
use anystorage_conformance::browser::wire::Browser;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

/// Scripts for the page and its workers, and where they expect to be served: how long something takes, and a worker that is asked.
pub const SCRIPTS: [(&str, &str); 2] =
    [("/time.js", include_str!("../js/time.js")), ("/elsewhere_page.js", include_str!("../js/elsewhere_page.js"))];

/// Has the page begin. What scripts of a driver keep to themselves is gone with them, so the order stands in the page.
const BEGIN: &str = r#"
    document.documentElement.dataset.order = JSON.stringify(arguments[0]);
    const script = document.createElement("script");
    script.type = "module";
    script.src = "/drive.js";
    script.onerror = () => (document.documentElement.dataset.heard = JSON.stringify({ done: 0, case: "", error: "a script could not be loaded" }));
    document.head.append(script);
"#;

/// What the page has said last.
const LISTEN: &str = r#"return document.documentElement.dataset.heard ?? '{ "done": 0, "case": "" }'"#;

/// How long a case may take in which nothing is heard.
const PATIENCE: Duration = Duration::from_secs(300);

/// How figures are shown.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// A table for people.
    Table,
    /// For programs.
    Json,
}

/// What the page has said last.
#[derive(Debug, Deserialize)]
struct Heard<T> {
    done: u64,
    #[serde(default)]
    all: u64,
    case: String,
    error: Option<String>,
    measurements: Option<T>,
}

/// Opens the page at `url` in a browser on a new profile, gives it the order, and waits until it is done: the browser's name and
/// version, and what the page has measured.
///
/// # Errors
/// If the browser does not start, if the page says that something failed, or nothing for five minutes.
pub fn measure<T: DeserializeOwned>(browser: Browser, url: &str, order: &Value) -> Result<(String, T), Box<dyn Error>> {
    let page = Page::open(browser, url)?;
    let measured = page.order(order)?;
    Ok((page.browser().to_owned(), measured))
}

/// A page in a browser on a new profile, for what is measured across reloads. Both are gone when this is dropped.
#[derive(Debug)]
pub struct Page {
    // In the order in which they have to go.
    session: Session,
    _profile: TempDir,
}

impl Page {
    /// Opens the page at `url`.
    ///
    /// # Errors
    /// If the browser does not start.
    pub fn open(browser: Browser, url: &str) -> Result<Self, Box<dyn Error>> {
        // Temporary directories may lie in memory: the disk that is measured is the one that this is built on.
        let profile = tempfile::Builder::new().prefix("anystorage-").tempdir_in(disk())?;
        let session = Launch::new(browser, &profile.path().join("profile")).start()?;
        session.go(url)?;
        Ok(Self { session, _profile: profile })
    }

    /// The browser's name and version.
    #[must_use]
    pub fn browser(&self) -> &str {
        self.session.title()
    }

    /// Gives the page its order, once each time that it was loaded, and waits until it is done: what it has measured.
    ///
    /// # Errors
    /// If the page says that something failed, or nothing for five minutes.
    pub fn order<T: DeserializeOwned>(&self, order: &Value) -> Result<T, Box<dyn Error>> {
        self.session.run(BEGIN, std::slice::from_ref(order))?;
        listen(&self.session)
    }

    /// Loads the page once more.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn reload(&self) -> Result<(), Box<dyn Error>> {
        Ok(self.session.reload()?)
    }
}

/// Where this program lies, if that is known.
fn disk() -> PathBuf {
    let program = std::env::current_exe().ok();
    program.as_deref().and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned)
}

fn listen<T: DeserializeOwned>(session: &Session) -> Result<T, Box<dyn Error>> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}")?);
    bar.set_prefix(session.title().to_owned());
    let mut last = (0, Instant::now());
    loop {
        let said = session.run(LISTEN, &[])?;
        let heard: Heard<T> = serde_json::from_str(said.as_str().unwrap_or_default())?;
        if let Some(error) = heard.error {
            return Err(format!("{}: {error}", session.title()).into());
        }
        if let Some(measured) = heard.measurements {
            bar.finish_and_clear();
            return Ok(measured);
        }
        bar.set_length(heard.all);
        bar.set_position(heard.done);
        bar.set_message(heard.case.clone());
        if heard.done != last.0 {
            if !io::stderr().is_terminal() {
                eprintln!("{}: {}/{} {}", session.title(), heard.done, heard.all, heard.case);
            }
            last = (heard.done, Instant::now());
        }
        if last.1.elapsed() > PATIENCE {
            return Err(format!("{}: nothing was heard for {PATIENCE:?} after {}", session.title(), heard.case).into());
        }
        // Seldom, so that the asking does not disturb.
        sleep(Duration::from_millis(500));
    }
}

/// Writes to standard output, where nobody may listen any more.
///
/// # Errors
/// What the host reports.
pub fn show(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// A browser that has both OPFS and IndexedDB, by its name: for the parser of a command line.
///
/// # Errors
/// The names that there are.
pub fn browser(name: &str) -> Result<Browser, String> {
    one_of(&[Browser::Chromium, Browser::Firefox], "browsers with OPFS", name)
}

/// A browser that has IndexedDB, by its name: for the parser of a command line.
///
/// # Errors
/// The names that there are.
pub fn any_browser(name: &str) -> Result<Browser, String> {
    one_of(&Browser::ALL, "browsers", name)
}

fn one_of(browsers: &[Browser], what: &str, name: &str) -> Result<Browser, String> {
    let known = browsers.iter().find(|browser| browser.as_str() == name);
    known.copied().ok_or_else(|| format!("{what}: {}", browsers.iter().map(|browser| browser.as_str()).collect::<Vec<_>>().join(", ")))
}

/// The middle one of the values, or not a number if there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}

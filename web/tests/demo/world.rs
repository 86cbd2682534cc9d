//! The program, a browser, and the page in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_browser_runner::driver::{Launch, Session};
use anystorage_browser_runner::ending;
use anystorage_conformance::browser::wire::Browser;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything but the suite may take, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The page caught nothing.
const QUIET: &str = "document.documentElement.dataset.trouble === undefined";

/// WebDriver's keys.
const ENTER: &str = "\u{e007}";
pub(crate) const TAB: &str = "\u{e004}";

/// The browser that is meant.
pub(crate) fn browser() -> Browser {
    let name = std::env::var("ANYSTORAGE_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    Browser::ALL.into_iter().find(|browser| browser.as_str() == name).expect("ANYSTORAGE_BROWSER names a browser")
}

/// `cargo xtask demo`, without cargo. Killed when this is dropped.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_anystorage-demo")).args(["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        let read = BufReader::new(child.stdout.take().unwrap()).read_line(&mut url);
        let program = Self { child, url: url.trim().to_owned() };
        assert!(read.is_ok() && program.url.starts_with("http://127.0.0.1:"), "it said {:?}", program.url);
        program
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser with the page.
pub(crate) struct World {
    pub(crate) session: Session,
    // The page's server goes after the browser, and the directory last.
    program: Program,
    directory: TempDir,
}

impl World {
    /// With the page as a visitor finds it, or with this behind its URL.
    pub(crate) fn new(query: &str) -> Self {
        let world = Self::with(query, |launch| launch);
        world.opens();
        world
    }

    /// In a browser that `prepare` has started in another way.
    pub(crate) fn with(query: &str, prepare: impl FnOnce(Launch) -> Launch) -> Self {
        ending::prepare();
        let program = Program::start();
        let directory = TempDir::new().unwrap();
        let downloads = directory.path().join("downloads");
        fs::create_dir(&downloads).unwrap();
        let downloads = downloads.to_str().unwrap();
        let launch = Launch::new(browser(), &directory.path().join("profile"));
        let launch = match browser() {
            Browser::Firefox => launch
                .preference("browser.download.folderList", 2)
                .preference("browser.download.dir", downloads)
                .preference("browser.download.always_ask_before_handling_new_types", false)
                .preference("devtools.console.stdout.content", true),
            _ => launch.preference("download.default_directory", downloads).preference("download.prompt_for_download", false),
        };
        let session = prepare(launch).start().unwrap();
        let world = Self { session, program, directory };
        world.session.go(&world.url(query)).unwrap();
        world.until("['open', 'refused'].includes(document.documentElement.dataset.state)");
        world
    }

    pub(crate) fn url(&self, query: &str) -> String {
        format!("{}{query}", self.program.url)
    }

    /// Waits until a location is open.
    pub(crate) fn opens(&self) {
        self.until("document.documentElement.dataset.state === 'open'");
    }

    /// Waits until the page is as it should be.
    pub(crate) fn until(&self, condition: &str) {
        self.until_within(condition, PATIENCE);
    }

    /// The same, if it takes longer.
    pub(crate) fn until_within(&self, condition: &str, patience: Duration) {
        let start = Instant::now();
        while !self.is(condition) {
            assert!(start.elapsed() < patience && self.is(QUIET), "not for {patience:?}: {condition}\n{}", self.told());
            sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn is(&self, condition: &str) -> bool {
        self.value(condition) == json!(true)
    }

    pub(crate) fn value(&self, expression: &str) -> Value {
        self.session.run(&format!("return {expression};"), &[]).unwrap()
    }

    /// All text of the page, and what it caught.
    fn told(&self) -> Value {
        self.value("`${document.body.innerText}\\n${document.getElementById('status').dataset.detail}\\n${document.documentElement.dataset.trouble}`")
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        self.value(&format!("document.querySelector({}).innerText", json!(selector))).as_str().unwrap().to_owned()
    }

    /// The names in the list.
    pub(crate) fn names(&self) -> Value {
        self.value("[...document.querySelectorAll('#list li')].map(({ dataset }) => dataset.name)")
    }

    pub(crate) fn until_names(&self, names: &[&str]) {
        self.until(&format!(
            "JSON.stringify([...document.querySelectorAll('#list li')].map(({{ dataset }}) => dataset.name)) === {:?}",
            json!(names).to_string()
        ));
    }

    /// Chooses files of the disk for the page to keep.
    pub(crate) fn upload(&self, files: &[(&str, &[u8])]) {
        let paths: Vec<String> = files
            .iter()
            .map(|(name, bytes)| {
                let path = self.directory.path().join(name);
                fs::write(&path, bytes).unwrap();
                path.to_str().unwrap().to_owned()
            })
            .collect();
        self.session.type_into("#upload", &paths.join("\n")).unwrap();
    }

    /// Presses a button of a file's.
    pub(crate) fn press(&self, name: &str, action: &str) {
        self.session.click(&format!("li[data-name={}] [data-action={action}]", json!(name))).unwrap();
    }

    /// Answers the dialog that asks for a name.
    pub(crate) fn type_name(&self, name: &str) {
        self.session.clear("#rename-name").unwrap();
        self.session.type_into("#rename-name", &format!("{name}{ENTER}")).unwrap();
    }

    /// What arrives in the directory for downloads.
    pub(crate) fn downloaded(&self, name: &str, len: usize) -> Vec<u8> {
        let path = self.directory.path().join("downloads").join(name);
        let start = Instant::now();
        loop {
            match fs::read(&path) {
                Ok(bytes) if bytes.len() == len => return bytes,
                found => assert!(start.elapsed() < PATIENCE, "{name}: {:?}", found.map(|bytes| bytes.len())),
            }
            sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn choose(&self, engine: &str) {
        self.session.click(&format!("#engines input[value={engine}]")).unwrap();
        self.until(&format!("document.documentElement.dataset.state === 'open' && location.search === '?engine={engine}'"));
    }

    /// Leaves what the page looks like where a person can find it.
    pub(crate) fn picture(&self, name: &str) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
        fs::create_dir_all(&directory).unwrap();
        let path: PathBuf = directory.join(format!("{}-{name}.png", browser().as_str()));
        fs::write(&path, self.session.screenshot().unwrap()).unwrap();
        println!("{}", path.display());
    }

    /// Nothing was on the console until now, and the page caught nothing. That the console is heard is tried as well.
    pub(crate) fn ends_quietly(self) {
        assert!(self.is(QUIET), "{}", self.told());
        assert_eq!(self.session.complaints().unwrap(), Vec::<String>::new());
        if browser() == Browser::WebKit {
            return;
        }
        self.session.run("console.error('said on purpose');", &[]).unwrap();
        let start = Instant::now();
        while !self.session.complaints().unwrap().iter().any(|line| line.contains("said on purpose")) {
            assert!(start.elapsed() < PATIENCE, "what a page says on its console is not heard");
            sleep(Duration::from_millis(50));
        }
    }
}

/// Bytes that are no text.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0u32..).map(|number| (number.wrapping_mul(0x9e37_79b9) >> 24) as u8).take(len).collect()
}

//! A browser on a profile, its tabs, and what they are asked to do.

use std::path::Path;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::{Launch, Session, Storage};
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::{Asked, Server, Tab};
use anystorage_conformance::browser::wire::{Act, Answer, Browser, Context, Refusal, Request};
use tempfile::TempDir;

/// How long what a browser does by itself may take: to let go of what a page had that is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine and where it runs.
pub(crate) type Place = (&'static str, Context);

pub(crate) const ENGINES: [Place; 3] = [("opfs", Context::Worker), ("idb", Context::Page), ("idb", Context::Worker)];

/// The browser that is meant.
pub(crate) fn browser() -> Browser {
    let name = std::env::var("ANYSTORAGE_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    Browser::ALL.into_iter().find(|browser| browser.as_str() == name).expect("ANYSTORAGE_BROWSER names a browser")
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(Package::new(Some("anystorage-web-suite".to_owned()), None).build().unwrap()).unwrap())
}

/// A browser that runs.
pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) profile: TempDir,
    storage: Storage,
}

/// A page of the suite in a tab of its own.
pub(crate) struct Page {
    tab: Tab,
    handle: String,
    subjects: Vec<String>,
}

/// How something ended that was asked of an engine.
pub(crate) type Done = Result<(), Refusal>;

impl World {
    pub(crate) fn new(storage: Storage) -> Self {
        let profile = TempDir::new().unwrap();
        Self { session: start(profile.path(), storage), profile, storage }
    }

    /// SIGKILL to all its processes, and another browser on the same profile.
    pub(crate) fn killed_and_started(self) -> Self {
        let Self { session, profile, storage } = self;
        let processes = session.processes();
        session.kill(&processes);
        Self { session: start(profile.path(), storage), profile, storage }
    }

    /// A page in the tab that is in front.
    pub(crate) fn page(&self) -> Page {
        self.page_at("/")
    }

    /// The same, from another path of the server.
    pub(crate) fn page_at(&self, path: &str) -> Page {
        let tab = server().tab();
        let url = format!("{}{path}{}", server().origin(), tab.path().trim_start_matches('/'));
        let life = tab.life();
        self.session.go(&url).unwrap();
        tab.wait_for_life_after(life).unwrap();
        let subjects = match tab.ask(Context::Page, &Request::Describe).unwrap() {
            Answer::Described(subjects) => subjects.into_iter().map(|subject| subject.name).collect(),
            other => panic!("{other:?}"),
        };
        Page { tab, handle: self.session.front_tab().unwrap(), subjects }
    }

    /// A page in a new tab.
    pub(crate) fn another_page(&self) -> Page {
        self.session.open_tab().unwrap();
        self.page()
    }

    pub(crate) fn origin(&self) -> String {
        server().origin()
    }

    pub(crate) fn close_tab(&self, page: Page, front: &Page) {
        self.session.to_front(&page.handle).unwrap();
        self.session.close_tab().unwrap();
        self.session.to_front(&front.handle).unwrap();
    }

    /// The renderer of a tab ends as by a fault of its own.
    pub(crate) fn crash_tab(&self, page: &Page, front: &Page) {
        self.session.to_front(&page.handle).unwrap();
        // The tab that is to answer is gone by then.
        let _ = self.session.devtools("Page.crash", &serde_json::json!({}));
        self.session.to_front(&front.handle).unwrap();
    }
}

fn start(profile: &Path, storage: Storage) -> Session {
    Launch::new(browser(), &profile.join("profile")).storage(storage).start().unwrap()
}

impl Page {
    fn request(&self, engine: &str, label: &str, acts: &[Act]) -> Request {
        let subject = self.subjects.iter().position(|name| name == engine).unwrap();
        Request::Act { subject, label: label.to_owned(), acts: acts.to_vec() }
    }

    /// Does something at a location, which stays open.
    pub(crate) fn act(&self, (engine, context): Place, label: &str, acts: &[Act]) -> Done {
        done(self.tab.ask(context, &self.request(engine, label, acts)).unwrap())
    }

    /// Asks for it, without waiting.
    pub(crate) fn begin(&self, (engine, context): Place, label: &str, acts: &[Act]) -> Asked {
        self.tab.put(context, &self.request(engine, label, acts)).unwrap()
    }

    pub(crate) fn end(&self, asked: Asked) -> Done {
        done(self.tab.answer(asked, Duration::from_secs(60)).unwrap().expect("an answer within a minute"))
    }

    /// Opens a location as soon as the browser has let go of whoever had it.
    pub(crate) fn opens_soon(&self, place: Place, label: &str) {
        let start = Instant::now();
        loop {
            match self.act(place, label, &[]) {
                Ok(()) => return,
                Err(refusal) if refusal.kind == ErrorKind::Locked.as_str() && start.elapsed() < PATIENCE => {
                    sleep(Duration::from_millis(100))
                }
                Err(refusal) => panic!("{place:?} {label}: {refusal:?}"),
            }
        }
    }
}

fn done(answer: Answer) -> Done {
    match answer {
        Answer::Acted(done) => done,
        other => panic!("answered out of turn: {other:?}"),
    }
}

pub(crate) fn write(path: &str, len: usize, seed: u64) -> Act {
    Act::Write { path: path.to_owned(), len, seed }
}

pub(crate) fn compare(path: &str, len: usize, seed: u64) -> Act {
    Act::Compare { path: path.to_owned(), len, seed }
}

/// The engines that this browser has.
pub(crate) fn engines() -> impl Iterator<Item = Place> {
    ENGINES.into_iter().filter(|(engine, _)| *engine != "opfs" || browser() != Browser::WebKit)
}

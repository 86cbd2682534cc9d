//! A browser on a profile, its tabs, and what they are asked to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::{Launch, Session, Storage};
use anystorage_browser_runner::ending;
use anystorage_browser_runner::package::Package;
use anystorage_browser_runner::server::{Asked, Server, Tab};
use anystorage_conformance::browser::wire::{Act, Answer, Browser, Context, Refusal, Request};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs the facade in a script or worker of the page's own: a driver's script is no module.
const OPENING: &str = r#"
    const [context, config] = arguments;
    const source = `
        try {
            const { default: init, anystorage_open: open } = await import("${location.origin}/suite.js");
            await init({ module_or_path: fetch("${location.origin}/suite_bg.wasm") });
            postMessage(await open(${JSON.stringify(config)}));
        } catch (error) {
            postMessage(JSON.stringify({ Err: { kind: "thrown", text: String(error) } }));
        }`;
    return new Promise((resolve) => {
        if (context === "worker") {
            const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
            worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
            worker.onerror = ({ message }) => resolve(JSON.stringify({ Err: { kind: "no worker", text: String(message) } }));
        } else {
            addEventListener("message", ({ data }) => resolve(data), { once: true });
            const script = document.createElement("script");
            script.type = "module";
            script.textContent = source;
            document.head.append(script);
        }
    });
"#;

/// How long what others do may take that is not asked of an engine: a browser that lets go of what a page had that is gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An engine and where it runs.
pub(crate) type Place = (&'static str, Context);

pub(crate) const ENGINES: [Place; 8] = [
    ("opfs", Context::Page),
    ("opfs", Context::Worker),
    ("opfs-packed", Context::Page),
    ("opfs-packed", Context::Worker),
    ("opfs-pool", Context::Worker),
    ("opfs-stream", Context::Page),
    ("idb", Context::Page),
    ("idb", Context::Worker),
];

/// Where the script is served that a page starts the worker of `opfs:` with, as a site would that has a strict policy.
pub(crate) const WORKER_URL: &str = "/opfs-worker.js";

/// The browser that is meant.
pub(crate) fn browser() -> Browser {
    let name = std::env::var("ANYSTORAGE_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    Browser::ALL.into_iter().find(|browser| browser.as_str() == name).expect("ANYSTORAGE_BROWSER names a browser")
}

/// Where the workspace is built.
pub(crate) fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_anystorage-browser-runner")).ancestors().nth(2).unwrap()
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let suite = Package::new(Some("anystorage-web-suite".to_owned()), None).build().unwrap();
        let suite = suite.script(WORKER_URL, include_str!("../../../../backend-opfs/src/worker/script.js"));
        Server::start(suite.script("/location.js", include_str!("../auto_sync/location.js"))).unwrap()
    })
}

/// A browser that runs.
pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) profile: TempDir,
    launch: Launch,
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
        Self::with(|launch| launch.storage(storage))
    }

    /// As `prepare` has it started.
    pub(crate) fn with(prepare: impl FnOnce(Launch) -> Launch) -> Self {
        ending::prepare();
        let profile = TempDir::new().unwrap();
        let launch = prepare(Launch::new(browser(), &profile.path().join("profile")));
        let launch = if browser() == Browser::Firefox { launch.program(&crash_proof(profile.path())) } else { launch };
        Self { session: launch.start().unwrap(), profile, launch }
    }

    /// SIGKILL to all its processes, and another browser on the same profile.
    pub(crate) fn killed_and_started(self) -> Self {
        self.killed_and_started_after(|_| {})
    }

    /// The same, with something done to the profile meanwhile.
    pub(crate) fn killed_and_started_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { session, profile, launch } = self;
        let processes = session.processes();
        session.kill(&processes);
        meanwhile(profile.path());
        Self { session: launch.start().unwrap(), profile, launch }
    }

    /// The same, with other storage.
    pub(crate) fn killed_and_started_with(mut self, storage: Storage) -> Self {
        self.launch = self.launch.storage(storage);
        self.killed_and_started()
    }

    /// A page in the tab that is in front.
    pub(crate) fn page(&self) -> Page {
        self.page_at("/")
    }

    /// The same, from another path of the server.
    pub(crate) fn page_at(&self, path: &str) -> Page {
        self.page_of(&server().origin(), path)
    }

    /// The same, under another name of this machine.
    pub(crate) fn page_on(&self, host: &str) -> Page {
        self.page_of(&format!("http://{host}:{}", server().port()), "/")
    }

    fn page_of(&self, origin: &str, path: &str) -> Page {
        let tab = server().tab();
        let url = format!("{origin}{path}{}", tab.path().trim_start_matches('/'));
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

    /// What the origin may have in all, which can be changed in Chromium alone.
    pub(crate) fn set_quota(&self, bytes: u64) {
        if browser() != Browser::Chromium {
            return;
        }
        let room = json!({ "origin": self.origin(), "quotaSize": bytes });
        self.session.devtools("Storage.overrideQuotaForOrigin", &room).unwrap();
    }

    pub(crate) fn close_tab(&self, page: Page, front: &Page) {
        self.session.to_front(&page.handle).unwrap();
        self.session.close_tab().unwrap();
        self.session.to_front(&front.handle).unwrap();
    }

    /// The renderer of a tab ends as by a fault of its own.
    pub(crate) fn crash_tab(&self, page: &Page, front: &Page) {
        self.session.to_front(&page.handle).unwrap();
        self.crash();
        self.session.to_front(&front.handle).unwrap();
    }

    /// Firefox: SIGKILL to the processes that serve sites. All tabs of a site are served by one.
    pub(crate) fn kill_sites(&self) {
        // The name of a thread as the kernel cuts it: `Isolated Web Content`.
        let serves_a_site = |number: &i32| read(*number, "comm").is_some_and(|name| name.trim() == "Isolated Web Co");
        let sites: Vec<i32> = self.session.processes().into_iter().filter(serves_a_site).collect();
        assert!(!sites.is_empty(), "no process of Firefox serves a site");
        for number in sites.into_iter().filter_map(Pid::from_raw) {
            kill_process(number, Signal::KILL).unwrap();
        }
    }

    /// Chromium: the tab in front ends as by a fault of its own. Firefox: all of it does.
    pub(crate) fn crash(&self) {
        if browser() != Browser::Firefox {
            // The tab that is to answer is gone by then.
            let _ = self.session.devtools("Page.crash", &json!({}));
            return;
        }
        let driver = self.session.driver().and_then(|number| i32::try_from(number).ok());
        let is_firefox = |number: &i32| read(*number, "comm").is_some_and(|name| name.starts_with("firefox"));
        let is_a_helper = |number: &i32| read(*number, "cmdline").is_none_or(|line| line.contains("-contentproc"));
        let processes = self.session.processes().into_iter().filter(|number| Some(*number) != driver);
        let main: Vec<i32> = processes.filter(|number| is_firefox(number) && !is_a_helper(number)).collect();
        assert!(!main.is_empty(), "no process is Firefox itself");
        for number in main.into_iter().filter_map(Pid::from_raw) {
            kill_process(number, Signal::SEGV).unwrap();
        }
    }

    /// Opens URLs in order by the facade, in the page in front or a worker of it: what the module answers.
    pub(crate) fn open(&self, context: Context, urls: &[&str]) -> Value {
        let (first, rest) = urls.split_first().unwrap();
        let config = json!({ "url": first, "fallback": rest }).to_string();
        let answer = self.session.run(OPENING, &[context.as_str().into(), config.into()]).unwrap();
        serde_json::from_str(answer.as_str().unwrap()).unwrap()
    }
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

/// Firefox as a person starts it: geckodriver has the whole browser quit when one of its processes crashes.
fn crash_proof(directory: &Path) -> PathBuf {
    let script = directory.join("firefox");
    let text = "#!/bin/sh\nunset MOZ_CRASHREPORTER_SHUTDOWN\nexec \"$(command -v firefox-esr || command -v firefox)\" \"$@\"\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// What the kernel tells of a process.
fn read(number: i32, what: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{number}/{what}")).ok()
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

/// What a location of this place's own is called.
pub(crate) fn label((engine, context): Place, name: &str) -> String {
    format!("{engine}-{}-{name}", context.as_str())
}

/// The engines that this browser has.
pub(crate) fn engines() -> impl Iterator<Item = Place> {
    ENGINES.into_iter().filter(|(engine, _)| !engine.starts_with("opfs") || browser() != Browser::WebKit)
}

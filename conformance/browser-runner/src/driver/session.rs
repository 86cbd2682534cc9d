//! A browser that runs, with its driver.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anystorage_conformance::browser::wire::Browser;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::client::Client;
use super::launch::Launch;
use super::{chromium, firefox, webkit};
use crate::ending::Directory;
use crate::failure::{Failure, Result};
use crate::{processes, programs};

/// A browser and its driver. Both are killed when this is dropped.
#[derive(Debug)]
pub struct Session {
    browser: Browser,
    children: Vec<Child>,
    mark: String,
    client: Client,
    number: String,
    title: String,
    // Where all that is not the profile goes. After the children, so that it is removed when they are gone.
    scratch: Directory,
}

/// What the driver and the browser print, beside what else is theirs.
const LOG: &str = "log";

/// What Firefox says when the port that its driver chose, because it was free, is taken when it wants it.
const PORT_TAKEN: &str = "Could not bind to port";

/// How often a browser is started that finds its port taken.
const MOST_STARTS: u32 = 3;

impl Session {
    pub(super) fn start(launch: &Launch) -> Result<Self> {
        for _ in 1..MOST_STARTS {
            match Self::try_to_start(launch) {
                Err(failure) if failure.to_string().contains(PORT_TAKEN) => {}
                outcome => return outcome,
            }
        }
        Self::try_to_start(launch)
    }

    fn try_to_start(launch: &Launch) -> Result<Self> {
        static SESSIONS: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), SESSIONS.fetch_add(1, Ordering::Relaxed));
        let scratch = Directory::new()?;
        let mut started = Started { children: Vec::new(), mark };
        let log = scratch.path().join(LOG);
        let (client, number, known) = begin(launch, &mut started, scratch.path(), &log).map_err(|failure| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let tail: Vec<&str> = said.lines().rev().take(12).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            Failure::new(format!("{} did not start: {failure}\n{}", launch.browser.as_str(), tail.join("\n")))
        })?;
        let word = |name: &str| known.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = match launch.browser {
            Browser::Firefox => "Firefox".to_owned(),
            Browser::WebKit => "WebKitGTK".to_owned(),
            _ => "Chromium".to_owned(),
        };
        let title = format!("{name} {}", word("browserVersion"));
        let (children, mark) = started.keep();
        Ok(Self { browser: launch.browser, children, mark, client, number, title, scratch })
    }

    /// Name and version.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its processes, the driver's among them.
    #[must_use]
    pub fn processes(&self) -> Vec<i32> {
        let roots: Vec<i32> = self.children.iter().filter_map(|child| i32::try_from(child.id()).ok()).collect();
        processes::of_session(&roots, &self.mark)
    }

    /// The process that drives it.
    #[must_use]
    pub fn driver(&self) -> Option<u32> {
        self.children.first().map(Child::id)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.client.post(&format!("/session/{}/{path}", self.number), body)
    }

    /// Loads a page in the tab that is in front.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn go(&self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url })).map(drop)
    }

    /// Loads the page in the tab that is in front once more.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn reload(&self) -> Result<()> {
        self.post("refresh", &json!({})).map(drop)
    }

    /// Opens a tab, and puts it in front: its handle.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn open_tab(&self) -> Result<String> {
        let made = self.post("window/new", &json!({ "type": "tab" }))?;
        let handle = made.get("handle").and_then(Value::as_str).ok_or_else(|| Failure::new("a tab without a handle"))?.to_owned();
        self.to_front(&handle)?;
        Ok(handle)
    }

    /// The handle of the tab that is in front.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn front_tab(&self) -> Result<String> {
        let handle = self.client.get(&format!("/session/{}/window", self.number))?;
        handle.as_str().map(str::to_owned).ok_or_else(|| Failure::new("a tab without a handle"))
    }

    /// Whether the browser and its tab in front are still there, however busy that is.
    ///
    /// # Errors
    /// What the driver says of it, if it is not.
    pub fn is_there(&self) -> Result<()> {
        self.front_tab()?;
        if self.browser == Browser::Chromium {
            // A tab that crashed has a handle still. The browser itself knows this of it, so that it need not answer.
            self.devtools("Page.getNavigationHistory", &json!({}))?;
        }
        Ok(())
    }

    /// Puts a tab in front.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn to_front(&self, handle: &str) -> Result<()> {
        self.post("window", &json!({ "handle": handle })).map(drop)
    }

    /// Closes the tab that is in front.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn close_tab(&self) -> Result<()> {
        self.client.delete(&format!("/session/{}/window", self.number)).map(drop)
    }

    /// Runs a function body in the tab that is in front, and waits for what it returns or its promise brings.
    ///
    /// # Errors
    /// What it throws.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Clicks what a selector of CSS finds first.
    ///
    /// # Errors
    /// What the driver answers: that there is none, that it cannot be seen, that something lies on top of it.
    pub fn click(&self, selector: &str) -> Result<()> {
        let element = self.find(selector)?;
        self.post(&format!("element/{element}/click"), &json!({})).map(drop)
    }

    /// Types into what a selector finds first: text and WebDriver's keys; into an input for files, their paths, one a line.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.find(selector)?;
        self.post(&format!("element/{element}/value"), &json!({ "text": text })).map(drop)
    }

    /// Takes out what is in the field that a selector finds first.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn clear(&self, selector: &str) -> Result<()> {
        let element = self.find(selector)?;
        self.post(&format!("element/{element}/clear"), &json!({})).map(drop)
    }

    /// Presses a key, whatever has the focus.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn press(&self, key: &str) -> Result<()> {
        let strokes = [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        self.post("actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] })).map(drop)
    }

    fn find(&self, selector: &str) -> Result<String> {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }))?;
        let number = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        number.map(str::to_owned).ok_or_else(|| Failure::new(format!("an element without a number: {selector}")))
    }

    /// Gives the window a size, in pixels.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.post("window/rect", &json!({ "width": width, "height": height })).map(drop)
    }

    /// What is to be seen of the page in front, as PNG.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let picture = self.client.get(&format!("/session/{}/screenshot", self.number))?;
        let picture = picture.as_str().ok_or_else(|| Failure::new("a picture without bytes"))?;
        BASE64_STANDARD.decode(picture).map_err(Failure::of("a picture that is no base64"))
    }

    /// The errors on the console of the page in front since this was last asked: of Chromium from the driver. Of Firefox, what it printed from
    /// its start on, for which it has to be [started](super::Launch::preference) with `devtools.console.stdout.content`. None elsewhere.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn complaints(&self) -> Result<Vec<String>> {
        match self.browser {
            Browser::Chromium => {
                let entries = self.post("se/log", &json!({ "type": "browser" }))?;
                Ok(entries.as_array().into_iter().flatten().map(Value::to_string).collect())
            }
            Browser::Firefox => {
                let printed = std::fs::read_to_string(self.scratch.path().join(LOG)).map_err(Failure::of("no log of the browser"))?;
                Ok(printed.lines().filter(|line| firefox::complains(line)).map(str::to_owned).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A command of the DevTools protocol, which Chromium alone has.
    ///
    /// # Errors
    /// What it answers.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Gives an origin room for so many bytes beside what it has now, if that can be done while the browser runs: elsewhere it was
    /// [started](super::Storage::Small) so.
    ///
    /// # Errors
    /// What the driver answers.
    pub fn limit(&self, origin: &str, bytes: u64) -> Result<()> {
        if self.browser != Browser::Chromium {
            return Ok(());
        }
        self.devtools("Storage.overrideQuotaForOrigin", &json!({ "origin": origin }))?;
        self.devtools("Storage.clearDataForOrigin", &json!({ "origin": origin, "storageTypes": "all" }))?;
        let known = self.devtools("Storage.getUsageAndQuota", &json!({ "origin": origin }))?;
        let used = known.get("usage").and_then(Value::as_f64).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "the protocol has no other numbers")]
        let quota = used + bytes as f64;
        self.devtools("Storage.overrideQuotaForOrigin", &json!({ "origin": origin, "quotaSize": quota })).map(drop)
    }

    /// Asks the browser to quit, and waits until it has.
    ///
    /// # Errors
    /// If it does not quit.
    pub fn quit(self) -> Result<()> {
        self.client.delete(&format!("/session/{}", self.number))?;
        if self.browser == Browser::WebKit {
            // What the driver did not start it does not end. GTK ends by SIGTERM as by a closed window.
            webkit::quit(&self.children);
        }
        Ok(())
    }

    /// SIGKILL to all processes, those in `known` first, which was [`processes`](Self::processes) a moment ago: looking for them takes a
    /// while.
    pub fn kill(self, known: &[i32]) {
        processes::kill(known);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        processes::kill_session(&mut self.children.iter_mut().collect::<Vec<_>>(), &self.mark);
    }
}

/// What has been started so far. Killed if it is dropped.
struct Started {
    children: Vec<Child>,
    mark: String,
}

impl Started {
    fn keep(mut self) -> (Vec<Child>, String) {
        (std::mem::take(&mut self.children), std::mem::take(&mut self.mark))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.mark.is_empty() {
            processes::kill_session(&mut self.children.iter_mut().collect::<Vec<_>>(), &self.mark);
        }
    }
}

fn begin(launch: &Launch, started: &mut Started, scratch: &Path, log: &Path) -> Result<(Client, String, Value)> {
    let no_log = |error| Failure::new(format!("no log of the driver: {error}"));
    let written = File::create(log).map_err(no_log)?;
    let to_log = || written.try_clone().map_or_else(|_| Stdio::null(), Stdio::from);
    let mark = started.mark.clone();
    let prepare = |command: &mut Command| {
        command.env(processes::MARK, &mark).env("TMPDIR", scratch).env("HOME", scratch).env("MOZ_CRASHREPORTER_DISABLE", "1");
        for variable in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(to_log()).stderr(to_log());
    };
    let port = free_port()?;
    let (name, arguments) = match launch.browser {
        Browser::Firefox => (firefox::DRIVER, vec![format!("--port={port}"), format!("--marionette-port={}", free_port()?)]),
        Browser::WebKit => {
            let inspector = free_port()?;
            started.children.extend(webkit::start_browser(launch, inspector, &prepare)?);
            (webkit::DRIVER, vec![format!("--port={port}"), format!("--target=127.0.0.1:{inspector}")])
        }
        _ => (chromium::DRIVER, vec![format!("--port={port}")]),
    };
    let program = driver(launch, name)?;
    let mut command = Command::new(&program);
    prepare(&mut command);
    let child = command.args(arguments).spawn().map_err(Failure::of(format!("{} could not be started", program.display())))?;
    started.children.insert(0, child);
    let children = &mut started.children;
    let client = Client::connect(port, || match children.first_mut().map(Child::try_wait) {
        Some(Ok(Some(status))) => Err(Failure::new(format!("{} ended with {status}", program.display()))),
        _ => Ok(()),
    })?;
    let capabilities = match launch.browser {
        Browser::Firefox => firefox::capabilities(launch)?,
        Browser::WebKit => webkit::capabilities(launch),
        _ => chromium::capabilities(launch)?,
    };
    let (number, known) = client.new_session(&capabilities)?;
    Ok((client, number, known))
}

fn driver(launch: &Launch, name: &str) -> Result<PathBuf> {
    let found = launch.driver.clone().or_else(|| programs::find(&[name]));
    found.ok_or_else(|| Failure::new(format!("there is no {name} on the PATH")))
}

fn free_port() -> Result<u16> {
    let no_port = |error| Failure::new(format!("no free port: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(no_port)?;
    Ok(listener.local_addr().map_err(no_port)?.port())
}

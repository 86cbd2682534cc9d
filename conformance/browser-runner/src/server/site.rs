//! Files as a web server has them: served, or put into a directory for another one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use super::http::{self, Outgoing};
use crate::failure::{Failure, Result};
use crate::package::Module;

/// Endings of names, and the type that a browser has to be told of each.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
];

/// What is served for a directory.
const INDEX: &str = "/index.html";

/// Files by their paths, each of which begins with `/`, and what listens to its pages.
#[derive(Clone, Default)]
pub struct Site {
    files: BTreeMap<String, Arc<[u8]>>,
    listeners: BTreeMap<String, Sender<String>>,
    isolated: bool,
}

impl Site {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more file.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl Into<Arc<[u8]>>) -> Self {
        self.files.insert(path.to_owned(), contents.into());
        self
    }

    /// Has pages heard: what they POST to this path arrives here before they are answered.
    #[must_use]
    pub fn listen(mut self, path: &str) -> (Self, Receiver<String>) {
        let (sender, heard) = mpsc::channel();
        self.listeners.insert(path.to_owned(), sender);
        (self, heard)
    }

    /// With the headers under which pages are isolated from other origins, and have shared memory (COOP and COEP).
    #[must_use]
    pub const fn isolated(mut self) -> Self {
        self.isolated = true;
        self
    }

    /// With a module and its scripts.
    #[must_use]
    pub fn module(mut self, module: &Module) -> Self {
        self.files.insert(module.place(), Arc::clone(&module.wasm));
        self.files.extend(module.scripts.iter().map(|(path, text)| (path.clone(), text.as_bytes().into())));
        self
    }

    /// With all files of a directory and of those in it, under their names there.
    ///
    /// # Errors
    /// What the host reports.
    pub fn directory(mut self, directory: &Path) -> Result<Self> {
        let mut waiting = vec![(String::new(), directory.to_owned())];
        while let Some((path, directory)) = waiting.pop() {
            let failed = || Failure::of(format!("{} could not be read", directory.display()));
            for entry in fs::read_dir(&directory).map_err(failed())? {
                let entry = entry.map_err(failed())?;
                let path = format!("{path}/{}", entry.file_name().display());
                if entry.path().is_dir() {
                    waiting.push((path, entry.path()));
                } else {
                    self.files.insert(path, fs::read(entry.path()).map_err(failed())?.into());
                }
            }
        }
        Ok(self)
    }

    /// Serves it on the loopback interface for as long as the process lives. A port of 0 is any that is free.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn serve(self, port: u16) -> Result<Served> {
        let taken = || Failure::of(format!("port {port} of this machine cannot be had"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken())?;
        let port = listener.local_addr().map_err(taken())?.port();
        let missed = Arc::new(Mutex::new(Vec::new()));
        let missing = Arc::clone(&missed);
        http::serve(listener, move |incoming| match (incoming.method.as_str(), self.find(&incoming.path)) {
            ("GET", Some((kind, contents))) => {
                let found = Outgoing::new(200, contents).with("content-type", kind).with("x-content-type-options", "nosniff");
                if self.isolated { found.isolated() } else { found }
            }
            ("POST", _) if self.hear(&incoming.path, &incoming.body) => Outgoing::new(204, *b""),
            (method, _) => {
                missing.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {}", incoming.path));
                Outgoing::new(404, *b"")
            }
        });
        Ok(Served { port, missed })
    }

    /// Writes the files into a directory, which is created if it is not there.
    ///
    /// # Errors
    /// What the host reports.
    pub fn write_to(&self, directory: &Path) -> Result<()> {
        for (path, contents) in &self.files {
            let place = directory.join(path.trim_start_matches('/'));
            let written = place.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&place, contents));
            written.map_err(Failure::of(format!("{} could not be written", place.display())))?;
        }
        Ok(())
    }

    /// Whether somebody listens there.
    fn hear(&self, path: &str, body: &[u8]) -> bool {
        self.listeners.get(path).is_some_and(|listener| listener.send(String::from_utf8_lossy(body).into_owned()).is_ok())
    }

    /// A file and its type.
    fn find(&self, path: &str) -> Option<(&'static str, Arc<[u8]>)> {
        let path = if path == "/" { INDEX } else { path };
        let contents = self.files.get(path)?;
        let ending = path.rsplit('.').next().unwrap_or_default();
        let known = TYPES.iter().find(|(known, _)| *known == ending);
        Some((known.map_or("application/octet-stream", |(_, kind)| kind), Arc::clone(contents)))
    }
}

/// A site that is served.
#[derive(Clone, Debug)]
pub struct Served {
    port: u16,
    missed: Arc<Mutex<Vec<String>>>,
}

impl Served {
    /// The origin of its pages.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked for and is not there.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.files.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Site;

    #[test]
    fn browsers_are_told_the_type_of_each_file() {
        let site = Site::new().file("/index.html", *b"page").file("/a/b.wasm", *b"code").file("/plain", *b"?");
        let kind = |path| site.find(path).map(|(kind, _)| kind);
        assert_eq!(kind("/"), Some("text/html; charset=utf-8"));
        assert_eq!(kind("/a/b.wasm"), Some("application/wasm"));
        assert_eq!(kind("/plain"), Some("application/octet-stream"));
        assert_eq!(kind("/../index.html"), None);
    }
}

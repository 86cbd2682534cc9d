//! A directory, served as any server of files would.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::http::{self, Incoming, Outgoing};
use crate::failure::{Failure, Result};

const INDEX: &str = "index.html";

/// It is served until the process ends.
#[derive(Clone, Debug)]
pub struct Site {
    port: u16,
    missed: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Serves a directory on a port of this machine.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(directory: &Path) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::of("no port to serve a directory on"))?;
        let port = listener.local_addr().map_err(Failure::of("the port of the server is not known"))?.port();
        let missed = Arc::default();
        let (directory, missing) = (directory.to_owned(), Arc::clone(&missed));
        http::serve(listener, move |incoming| answer(&directory, &missing, incoming));
        Ok(Self { port, missed })
    }

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

fn answer(directory: &Path, missed: &Mutex<Vec<String>>, incoming: Incoming) -> Outgoing {
    let file = (incoming.method == "GET").then(|| file(directory, &incoming.path)).flatten();
    let found = file.and_then(|file| Some((fs::read(&file).ok()?, kind(&file))));
    let Some((body, kind)) = found else {
        missed.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {}", incoming.method, incoming.path));
        return Outgoing::new(404, *b"");
    };
    Outgoing::new(200, body).with("content-type", kind)
}

/// The file of a path, which never leads out of the directory.
fn file(directory: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path.strip_prefix('/')?);
    let stays_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    stays_below.then(|| if path.as_os_str().is_empty() { directory.join(INDEX) } else { directory.join(path) })
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_directory() {
        let directory = Path::new("/site");
        assert_eq!(file(directory, "/"), Some("/site/index.html".into()));
        assert_eq!(file(directory, "/pkg/a.js"), Some("/site/pkg/a.js".into()));
        for path in ["", "//etc/passwd", "/../secret", "/pkg/../../secret"] {
            assert_eq!(file(directory, path), None, "{path}");
        }
    }
}

//! The end of the runner: nothing that it started stays, neither processes nor directories, however it ends.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use crate::failure::{Failure, Result};
use crate::processes;

static DIRECTORIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn directories() -> MutexGuard<'static, Vec<PathBuf>> {
    DIRECTORIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on what is below this process ends with it. A panic or an error is up to the destructors, a signal to this.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        processes::adopt_orphans();
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                processes::kill_all_below();
                for directory in directories().iter() {
                    let _ = std::fs::remove_dir_all(directory);
                }
                std::process::exit(128 + signal);
            }
        });
    });
}

/// A directory that is removed when this is dropped, or at the end of the runner.
#[derive(Debug)]
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> Result<Self> {
        let made = tempfile::Builder::new().prefix("anystorage-").tempdir().map_err(Failure::of("no temporary directory"))?;
        directories().push(made.path().to_owned());
        Ok(Self(made))
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        directories().retain(|path| path != self.0.path());
    }
}

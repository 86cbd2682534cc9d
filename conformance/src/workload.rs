//! A seeded mixed load on an engine, with a [`DurabilityModel`] beside it that is told of every action.
//!
//! Writers with several handles on few files, files and directories that come, move, replace one another and go, whole-file writes, and
//! syncs of both kinds. Files often take the name that another one was just renamed away from, and are then synced: what becomes of the
//! other one is where file trees over other stores go wrong. The same seed does the same, so that a load can be replayed up to any point.

use std::fmt;

use anystorage_api::{Error, OpenOptions, StorageBackend, StorageFile, StoragePath};

use crate::durability_model::{Action, DurabilityModel, FileId, Refused, Ticket};
use crate::simdisk::Rng;

const DIRECTORIES: [&str; 3] = ["north", "south", "west"];
const FILES: [&str; 4] = ["ash", "birch", "cedar", "fir"];
const DEEPEST: usize = 3;
const MOST_HANDLES: usize = 5;
const LONGEST_FILE: u64 = 3000;
const LONGEST_WRITE: u64 = 1500;

/// Actions that follow from a seed.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    seed: u64,
    actions: usize,
}

/// Why a load did not play to its end.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// The number of the action, from 0.
    pub number: usize,
    /// The action, and how the engine answered it.
    pub text: String,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action {}: {}", self.number, self.text)
    }
}

impl std::error::Error for Stopped {}

impl Workload {
    /// So many actions of this seed.
    #[must_use]
    pub const fn new(seed: u64, actions: usize) -> Self {
        Self { seed, actions }
    }

    /// Plays the load on a location that is as `model` has it, and tells the model of each action. Files are dropped without a close.
    ///
    /// # Errors
    /// The first action that the engine did not answer as it must, which includes those that it must refuse. It may be that its power was
    /// cut; then the model knows what was under way.
    pub async fn play(&self, backend: &dyn StorageBackend, model: &mut DurabilityModel) -> Result<(), Stopped> {
        let mut player = Player { backend, model, rng: Rng::new(self.seed), handles: Vec::new(), left: Vec::new(), takers: Vec::new() };
        for number in 0..self.actions {
            player.step().await.map_err(|text| Stopped { number, text })?;
        }
        Ok(())
    }
}

struct Player<'a> {
    backend: &'a dyn StorageBackend,
    model: &'a mut DurabilityModel,
    rng: Rng,
    handles: Vec<(FileId, Box<dyn StorageFile>)>,
    /// Names that files were renamed away from.
    left: Vec<StoragePath>,
    /// The files that took such a name, until they are synced.
    takers: Vec<FileId>,
}

/// One draw from a weighted list.
#[derive(Clone, Copy)]
enum Draw {
    Write,
    SetLen,
    SyncFile,
    Sync,
    Create,
    Open,
    Close,
    Replace,
    CreateDir,
    RemoveFile,
    RemoveDir,
    RenameFile,
    RenameDir,
}

const WEIGHTS: [(Draw, u64); 13] = [
    (Draw::Write, 24),
    (Draw::SetLen, 5),
    (Draw::SyncFile, 9),
    (Draw::Sync, 2),
    (Draw::Create, 10),
    (Draw::Open, 5),
    (Draw::Close, 3),
    (Draw::Replace, 8),
    (Draw::CreateDir, 8),
    (Draw::RemoveFile, 4),
    (Draw::RemoveDir, 3),
    (Draw::RenameFile, 11),
    (Draw::RenameDir, 7),
];

impl Player<'_> {
    async fn step(&mut self) -> Result<(), String> {
        let mut at = self.rng.below(WEIGHTS.iter().map(|(_, weight)| weight).sum());
        let draw = WEIGHTS.iter().find(|(_, weight)| {
            let hit = at < *weight;
            at = at.saturating_sub(*weight);
            hit
        });
        match draw.map_or(Draw::Sync, |(draw, _)| *draw) {
            Draw::Write => self.write().await,
            Draw::SetLen => self.set_len().await,
            Draw::SyncFile => self.sync_file().await,
            Draw::Sync => self.sync().await,
            Draw::Create => self.create().await,
            Draw::Open => self.open().await,
            Draw::Close => self.close().await,
            Draw::Replace => self.replace().await,
            Draw::CreateDir => self.create_dir().await,
            Draw::RemoveFile => self.remove_file().await,
            Draw::RemoveDir => self.remove_dir().await,
            Draw::RenameFile => self.rename(false).await,
            Draw::RenameDir => self.rename(true).await,
        }
    }

    async fn write(&mut self) -> Result<(), String> {
        let Some(at) = self.any_handle() else { return self.create().await };
        let offset = self.rng.below(LONGEST_FILE);
        let data = self.data();
        let Some((file, handle)) = self.handles.get(at) else { return Ok(()) };
        let ticket = self.model.begin(&Action::WriteAt { file: *file, offset, data: &data });
        let answer = handle.write_at(offset, &data).await;
        settle(self.model, ticket, answer, || format!("write_at {offset}, {} bytes", data.len()))
    }

    async fn set_len(&mut self) -> Result<(), String> {
        let Some(at) = self.any_handle() else { return self.create().await };
        let len = self.rng.below(LONGEST_FILE);
        let Some((file, handle)) = self.handles.get(at) else { return Ok(()) };
        let ticket = self.model.begin(&Action::SetLen { file: *file, len });
        let answer = handle.set_len(len).await;
        settle(self.model, ticket, answer, || format!("set_len {len}"))
    }

    async fn sync_file(&mut self) -> Result<(), String> {
        let taker = self.handles.iter().position(|(file, _)| self.takers.contains(file)).filter(|_| self.rng.chance(2, 3));
        let Some(at) = taker.or_else(|| self.any_handle()) else { return self.create().await };
        let Some((file, handle)) = self.handles.get(at) else { return Ok(()) };
        self.takers.retain(|taker| taker != file);
        let ticket = self.model.begin(&Action::SyncFile { file: *file });
        let answer = handle.sync().await;
        settle(self.model, ticket, answer, || "sync of a file".to_owned())
    }

    async fn sync(&mut self) -> Result<(), String> {
        let ticket = self.model.begin(&Action::Sync);
        let answer = self.backend.sync().await;
        settle(self.model, ticket, answer, || "sync of the backend".to_owned())
    }

    async fn create(&mut self) -> Result<(), String> {
        let left = if self.rng.chance(1, 2) { self.left.pop() } else { None };
        let is_left = left.is_some();
        let path = if let Some(path) = left { path } else { self.new_path(&FILES)? };
        let ticket = self.model.begin(&Action::Create { path: &path });
        let opened = self.backend.open(&path, &OpenOptions::editing().create_new(true)).await;
        let (answer, handle) = split(opened);
        settle(self.model, ticket, answer, || format!("create {path}"))?;
        self.takers.extend(self.model.file_at(&path).filter(|_| is_left && handle.is_some()));
        self.keep(&path, handle);
        Ok(())
    }

    async fn open(&mut self) -> Result<(), String> {
        let Some(path) = self.existing(false) else { return self.create().await };
        let truncate = self.rng.chance(1, 4);
        let file = self.model.file_at(&path).filter(|_| truncate);
        let ticket = file.map(|file| self.model.begin(&Action::SetLen { file, len: 0 }));
        let opened = self.backend.open(&path, &OpenOptions::editing().truncate(truncate)).await;
        let (answer, handle) = split(opened);
        match ticket {
            Some(ticket) => settle(self.model, ticket, answer, || format!("open {path}, truncating"))?,
            None => answer.map_err(|error| format!("open {path}: {error}"))?,
        }
        self.keep(&path, handle);
        Ok(())
    }

    async fn close(&mut self) -> Result<(), String> {
        let Some(at) = self.any_handle() else { return self.create().await };
        let (_, handle) = self.handles.swap_remove(at);
        handle.close().await.map_err(|error| format!("close: {error}"))
    }

    async fn replace(&mut self) -> Result<(), String> {
        let known = self.existing(false).filter(|_| self.rng.chance(2, 3));
        let path = if let Some(path) = known { path } else { self.new_path(&FILES)? };
        let data = self.data();
        let ticket = self.model.begin(&Action::Replace { path: &path, data: &data });
        let answer = self.backend.write(&path, &data).await;
        settle(self.model, ticket, answer, || format!("write {path}, {} bytes", data.len()))
    }

    async fn create_dir(&mut self) -> Result<(), String> {
        let path = self.new_path(&DIRECTORIES)?;
        let ticket = self.model.begin(&Action::CreateDir { path: &path });
        let answer = self.backend.create_dir(&path).await;
        settle(self.model, ticket, answer, || format!("create_dir {path}"))
    }

    async fn remove_file(&mut self) -> Result<(), String> {
        let Some(path) = self.existing(false) else { return self.create().await };
        let ticket = self.model.begin(&Action::RemoveFile { path: &path });
        let answer = self.backend.remove_file(&path).await;
        settle(self.model, ticket, answer, || format!("remove_file {path}"))
    }

    async fn remove_dir(&mut self) -> Result<(), String> {
        let Some(path) = self.existing(true) else { return self.create_dir().await };
        let ticket = self.model.begin(&Action::RemoveDir { path: &path });
        let answer = self.backend.remove_dir(&path).await;
        settle(self.model, ticket, answer, || format!("remove_dir {path}"))
    }

    async fn rename(&mut self, directory: bool) -> Result<(), String> {
        let Some(from) = self.existing(directory) else {
            return if directory { self.create_dir().await } else { self.create().await };
        };
        let over = self.existing(false).filter(|_| !directory && self.rng.chance(1, 2));
        let to = match over {
            Some(path) => path,
            None => self.new_path(if directory { &DIRECTORIES } else { &FILES })?,
        };
        let ticket = self.model.begin(&Action::Rename { from: &from, to: &to });
        let answer = self.backend.rename(&from, &to).await;
        let renamed = ticket.is_ok();
        settle(self.model, ticket, answer, || format!("rename {from} to {to}"))?;
        if renamed && !directory && from != to {
            self.left.push(from);
        }
        Ok(())
    }

    fn keep(&mut self, path: &StoragePath, handle: Option<Box<dyn StorageFile>>) {
        let (Some(file), Some(handle)) = (self.model.file_at(path), handle) else { return };
        if self.handles.len() == MOST_HANDLES {
            let oldest = self.rng.below(MOST_HANDLES as u64) as usize;
            self.handles.swap_remove(oldest);
        }
        self.handles.push((file, handle));
    }

    fn any_handle(&mut self) -> Option<usize> {
        let count = self.handles.len();
        (count > 0).then(|| self.rng.below(count as u64) as usize)
    }

    fn existing(&mut self, directory: bool) -> Option<StoragePath> {
        let all: Vec<StoragePath> =
            self.model.paths().into_iter().filter(|(_, file)| file.is_none() == directory).map(|(path, _)| path).collect();
        self.rng.pick(&all).cloned()
    }

    /// A path in some directory, with one of these names; it may be taken.
    fn new_path(&mut self, names: &[&str]) -> Result<StoragePath, String> {
        let paths = self.model.paths().into_iter();
        let mut directories: Vec<StoragePath> =
            paths.filter(|(path, file)| file.is_none() && path.parts().count() < DEEPEST).map(|(path, _)| path).collect();
        directories.push(StoragePath::root());
        let directory = self.rng.pick(&directories).cloned().unwrap_or_default();
        let name = self.rng.pick(names).copied().unwrap_or_default();
        directory.join(name).map_err(|error| error.to_string())
    }

    /// Bytes that tell this write from every other one, none of them zero.
    fn data(&mut self) -> Vec<u8> {
        let len = self.rng.below(LONGEST_WRITE) as usize + 1;
        let mut data = Vec::with_capacity(len + 8);
        while data.len() < len {
            data.extend(self.rng.bits().to_le_bytes().map(|byte| byte.max(1)));
        }
        data.truncate(len);
        data
    }
}

fn split<T>(opened: Result<T, Error>) -> (Result<(), Error>, Option<T>) {
    match opened {
        Ok(opened) => (Ok(()), Some(opened)),
        Err(error) => (Err(error), None),
    }
}

/// The engine has to do what the model says can be done, and to refuse the rest for the same reason.
fn settle(
    model: &mut DurabilityModel,
    ticket: Result<Ticket, Refused>,
    answer: Result<(), Error>,
    action: impl FnOnce() -> String,
) -> Result<(), String> {
    match (ticket, answer) {
        (Ok(ticket), Ok(())) => {
            model.returned(ticket);
            Ok(())
        }
        (Err(Refused(kind)), Err(error)) if error.kind() == kind => Ok(()),
        (Ok(_), Err(error)) => Err(format!("{}: {error}", action())),
        (Err(Refused(kind)), Err(error)) => Err(format!("{}: answered {error}, and has to be refused with {kind}", action())),
        (Err(Refused(kind)), Ok(())) => Err(format!("{}: succeeded, and has to be refused with {kind}", action())),
    }
}

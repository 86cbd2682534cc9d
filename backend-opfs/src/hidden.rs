//! Files without a name of their own, in a directory that is emptied when its location is opened.

use std::cell::Cell;

use anystorage_api::{Operation, Result};
use anystorage_browser_host::exception::Exception;

use crate::faults::FlushFaults;
use crate::host::{Directory, Plain};
use crate::stream::fill;
use crate::way::Way;
use crate::worker::WorkerHandle;

/// The file that says which move is under way.
const NOTE: &str = "note";

/// The directory that has them, each under a number.
#[derive(Debug)]
pub(crate) struct Hidden {
    /// That of the location.
    root: Directory,
    directory: Directory,
    next: Cell<u64>,
    /// By which way the note is written.
    way: Way,
    /// Whether removing a file, or moving one over it, takes several steps here, between which a kill leaves it empty.
    has_steps: Cell<bool>,
}

impl Hidden {
    /// Over a directory of the location with this root.
    pub(crate) const fn new(root: Directory, directory: Directory, way: Way) -> Self {
        // It does until it is known that it does not.
        Self { root, directory, next: Cell::new(0), way, has_steps: Cell::new(true) }
    }

    /// Whether removing a file, or moving one over it, takes several steps here, between which a kill leaves it empty.
    pub(crate) const fn has_steps(&self) -> bool {
        self.has_steps.get()
    }

    /// Finds out, while a stream is open, what kind of browser this is. The one that shows what is written to a stream keeps its tree in files,
    /// and moves in one step (Chromium 156). The other keeps it in a database, and deletes a file before that is told (Firefox 153).
    pub(crate) async fn look_for_streams(&self) -> Result<()> {
        let seen = self.directory.entries().await?.iter().any(|(name, _)| name.parse::<u64>().is_err());
        self.has_steps.set(!seen);
        Ok(())
    }

    /// Moves a file over another one. Where that takes several steps, a note lets whoever opens the location after a kill end it.
    pub(crate) async fn move_over(&self, plain: &Plain, directory: &Directory, name: &str, operation: Operation) -> Result<()> {
        let moving = |exception: Exception| exception.into_error(operation);
        if !self.has_steps.get() {
            return plain.move_to(directory, name).await.map_err(moving);
        }
        let note = self.directory.file(NOTE, true).await.map_err(moving)?;
        let (from, to) = (self.root.path_of(plain.directory(), plain.name()).await?, self.root.path_of(directory, name).await?);
        self.fill_note(&note, format!("{from}\0{to}\0").as_bytes()).await?;
        let moved = plain.move_to(directory, name).await.map_err(moving);
        if self.directory.remove(NOTE).await.is_err() {
            self.fill_note(&self.directory.file(NOTE, true).await.map_err(moving)?, b"").await?;
        }
        moved
    }

    async fn fill_note(&self, note: &Plain, text: &[u8]) -> Result<()> {
        match &self.way {
            Way::Stream => fill(note, text).await,
            Way::Handle => {
                let handle = note.open(&FlushFaults::default()).await?;
                handle.set_len(0)?;
                handle.write(0, text)
            }
            Way::Worker(link) => {
                let handle = WorkerHandle::open(link, note, &FlushFaults::default()).await?;
                // One behind the other, in one message.
                let (cut, written) = (handle.set_len(0), handle.write(0, text));
                drop(handle);
                cut.await?;
                written.await?;
                link.settle().await
            }
        }
    }

    /// Ends the move that a kill has ended midway, if one was noted, and removes what is left of earlier holders of the location.
    pub(crate) async fn clear(&self) -> Result<()> {
        let operation = Operation::OpenLocation;
        let left = self.directory.entries().await?;
        let is_noted = left.iter().any(|(name, _)| name == NOTE);
        if is_noted && let Some((from, to)) = self.noted().await {
            end_move(&self.root, &from, &to).await.map_err(|exception| exception.into_error(operation))?;
        }
        for (name, is_directory) in left {
            let removed = if is_directory { self.directory.remove_all(&name).await } else { self.directory.remove(&name).await };
            // What was moved just now is not there any more.
            if let Err(exception) = removed
                && exception.name() != "NotFoundError"
            {
                log::warn!("a file that was removed or half written before stays: {exception}");
            }
        }
        Ok(())
    }

    /// The move that was under way: from where, and to where.
    async fn noted(&self) -> Option<(String, String)> {
        let snapshot = self.directory.file(NOTE, false).await.ok()?.snapshot().await.ok()?;
        let mut text = vec![0; usize::try_from(snapshot.len()).ok()?];
        snapshot.read(0, &mut text).await.ok()?;
        // One without an end was about to be written, or to be removed.
        let text = String::from_utf8(text).ok()?;
        text.strip_suffix('\0')?.split_once('\0').map(|(from, to)| (from.to_owned(), to.to_owned()))
    }

    fn next(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// A new file.
    pub(crate) async fn create(&self, operation: Operation) -> Result<(Plain, u64)> {
        let number = self.next();
        let plain = self.directory.file(&number.to_string(), true).await.map_err(|exception| exception.into_error(operation))?;
        Ok((plain, number))
    }

    /// Takes a file in, which loses its name by that.
    pub(crate) async fn take_in(&self, plain: &Plain) -> Result<(Plain, u64), Exception> {
        let number = self.next();
        plain.move_to(&self.directory, &number.to_string()).await?;
        Ok((self.directory.file(&number.to_string(), false).await?, number))
    }

    /// Removes a file.
    pub(crate) async fn remove(&self, number: u64) -> Result<(), Exception> {
        self.directory.remove(&number.to_string()).await
    }

    /// Removes a file in which something went wrong, and what its streams have left. Best effort: opening the location does it as well.
    pub(crate) async fn discard(&self, number: u64) {
        let _ = self.remove(number).await;
        let streams = format!("{number}.");
        for (name, _) in self.directory.entries().await.unwrap_or_default() {
            if name.starts_with(&streams) {
                let _ = self.directory.remove(&name).await;
            }
        }
    }
}

/// Moves a file that was to be moved. If there is none where it came from, that was done.
async fn end_move(root: &Directory, from: &str, to: &str) -> Result<(), Exception> {
    let ended = async {
        let (source, from) = inner(root, from).await?;
        let plain = source.file(from, false).await?;
        let (target, to) = inner(root, to).await?;
        plain.move_to(&target, to).await
    };
    match ended.await {
        Err(exception) if exception.name() == "NotFoundError" => Ok(()),
        ended => ended,
    }
}

/// The directory of a path of OPFS, and the name there.
async fn inner<'p>(root: &Directory, path: &'p str) -> Result<(Directory, &'p str), Exception> {
    let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
    Ok((root.below(parents.split('/').filter(|part| !part.is_empty()), false).await?, name))
}

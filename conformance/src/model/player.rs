//! Plays a sequence against an engine and the oracle side by side, and stops where they part.

use std::fmt::Debug;
use std::panic::AssertUnwindSafe;

use anystorage_api::{Capabilities, Error, ErrorKind, FileKind, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath};
use futures_lite::FutureExt;

use super::Counts;
use super::call::{Call, SLOTS};
use super::oracle::{Expected, Oracle, State};
use super::revisions::Revisions;
use crate::subject::Place;

/// Whole files are read up to this length.
const WHOLE: u64 = 1 << 20;
/// One look at a file's bytes.
const CHUNK: u64 = 1 << 16;
/// The page length when whole directories are listed.
const PAGE: usize = 5;

/// Where a sequence went wrong: the number of calls done before, and what came out.
#[derive(Clone, Debug)]
pub(crate) struct Parting {
    pub(crate) at: usize,
    pub(crate) text: String,
}

/// What of the options a player needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) check_every: usize,
    pub(crate) farthest: u64,
}

/// Plays `calls` at a place that is empty, compares everything after each `check_every` of them and at the end, and empties the place.
pub(crate) async fn play(place: &dyn Place, calls: &[Call], pace: Pace, counts: &mut Counts) -> std::result::Result<(), Parting> {
    let mut at = 0;
    let played = AssertUnwindSafe(async {
        let mut player = Player::open(place, pace.farthest).await?;
        player.compare_all().await.map_err(|text| format!("before the first call: {text}"))?;
        for call in calls {
            let done = player.play(call).await?;
            counts.add(call, done);
            at += 1;
            if at % pace.check_every.max(1) == 0 {
                player.compare_all().await?;
            }
        }
        player.compare_all().await?;
        player.clean_up().await
    })
    .catch_unwind()
    .await;
    let text = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(text)) => text,
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            format!("the engine panicked: {}", said.unwrap_or_else(|| "without a text".to_owned()))
        }
    };
    Err(Parting { at, text })
}

/// How a call ended, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// With a value.
    Answered,
    /// With the right error.
    Refused,
    /// It made no sense here.
    Skipped,
}

type Step<T> = std::result::Result<T, String>;

struct Player<'a> {
    place: &'a dyn Place,
    backend: Box<dyn StorageBackend>,
    farthest: u64,
    capabilities: Capabilities,
    handles: [Option<Box<dyn StorageFile>>; SLOTS],
    oracle: Oracle,
    revisions: Revisions,
}

impl<'a> Player<'a> {
    async fn open(place: &'a dyn Place, farthest: u64) -> Step<Self> {
        let backend = place.open().await.map_err(|error| format!("the location cannot be opened: {error}"))?;
        let capabilities = backend.capabilities();
        let oracle = Oracle::new(&capabilities);
        Ok(Self { place, backend, farthest, capabilities, handles: Default::default(), oracle, revisions: Revisions::default() })
    }

    async fn play(&mut self, call: &Call) -> Step<Done> {
        let max = self.capabilities.max_file_len;
        match call {
            Call::Open { slot, path, options } => {
                let expected = self.oracle.open(*slot, path, options);
                let opened = self.backend.open(&parse(path)?, options).await;
                let outcome = opened.map(|file| {
                    if let Some(handle) = self.handles.get_mut(*slot) {
                        *handle = Some(file);
                    }
                });
                agree(&expected, &outcome)
            }
            Call::ReadAt { slot, offset, len } => {
                let Some(Some(file)) = self.handles.get(*slot) else { return Ok(Done::Skipped) };
                let offset = offset.resolve(max);
                let mut buf = vec![0xAA; *len];
                let outcome = file.read_at(offset, &mut buf).await.map(|count| {
                    buf.truncate(count);
                    (count, buf)
                });
                if let Ok((count, _)) = &outcome
                    && count > len
                {
                    return Err(format!("{count} bytes were read into room for {len}"));
                }
                agree_on_bytes(&self.oracle.read_at(*slot, offset, *len), &outcome.map(|(_, bytes)| bytes), offset)
            }
            Call::WriteAt { slot, offset, data } => {
                let Some(Some(file)) = self.handles.get(*slot) else { return Ok(Done::Skipped) };
                let offset = offset.resolve(max);
                let end = offset.saturating_add(data.len as u64);
                if (self.farthest..=max).contains(&end) {
                    return Ok(Done::Skipped);
                }
                let bytes = data.bytes();
                agree(&self.oracle.write_at(*slot, offset, &bytes), &file.write_at(offset, &bytes).await)
            }
            Call::SetLen { slot, len } => {
                let Some(Some(file)) = self.handles.get(*slot) else { return Ok(Done::Skipped) };
                let len = len.resolve(max);
                if (self.farthest..=max).contains(&len) {
                    return Ok(Done::Skipped);
                }
                agree(&self.oracle.set_len(*slot, len), &file.set_len(len).await)
            }
            Call::StatFile { slot } => {
                let Some(Some(file)) = self.handles.get(*slot) else { return Ok(Done::Skipped) };
                let found = file.stat().await;
                let expected = self.oracle.stat_file(*slot);
                self.agree_on_metadata(None, &expected, found)
            }
            Call::SyncFile { slot } => {
                let Some(Some(file)) = self.handles.get(*slot) else { return Ok(Done::Skipped) };
                succeed(file.sync().await)
            }
            Call::CloseFile { slot } => {
                self.oracle.forget_handle(*slot);
                match self.handles.get_mut(*slot).and_then(Option::take) {
                    Some(file) => succeed(file.close().await),
                    None => Ok(Done::Skipped),
                }
            }
            Call::Stat { path } => self.stat(path).await,
            Call::List { path, after, limit } => {
                agree(&self.oracle.list(path, *after, *limit), &self.backend.list(&parse(path)?, *after, *limit).await)
            }
            Call::CreateDir { path } => agree(&self.oracle.create_dir(path), &self.backend.create_dir(&parse(path)?).await),
            Call::RemoveFile { path } => agree(&self.oracle.remove_file(path), &self.backend.remove_file(&parse(path)?).await),
            Call::RemoveDir { path } => agree(&self.oracle.remove_dir(path), &self.backend.remove_dir(&parse(path)?).await),
            Call::Rename { from, to } => {
                if from.is_empty() && to.is_empty() {
                    return Ok(Done::Skipped);
                }
                agree(&self.oracle.rename(from, to), &self.backend.rename(&parse(from)?, &parse(to)?).await)
            }
            Call::Read { path } => match self.oracle.read(path, WHOLE) {
                Some(expected) => {
                    // A length that is wrong is told as such: an engine might ask for memory that nobody has.
                    if expected.value.is_some() {
                        self.stat(path).await?;
                    }
                    agree_on_bytes(&expected, &self.backend.read(&parse(path)?).await, 0)
                }
                None => Ok(Done::Skipped),
            },
            Call::Write { path, data } => {
                let bytes = data.bytes();
                agree(&self.oracle.write(path, &bytes), &self.backend.write(&parse(path)?, &bytes).await)
            }
            Call::Usage => match (self.capabilities.usage, self.backend.usage().await) {
                (true, Ok(_)) => Ok(Done::Answered),
                (false, Err(error)) if error.kind() == ErrorKind::Unsupported => Ok(Done::Refused),
                (offered, outcome) => Err(format!("usage is {}offered, and answered {outcome:?}", if offered { "" } else { "not " })),
            },
            Call::Sync => succeed(self.backend.sync().await),
            Call::Reopen if self.capabilities.is_durable() => self.reopen().await,
            Call::Reopen => Ok(Done::Skipped),
        }
    }

    async fn reopen(&mut self) -> Step<Done> {
        self.backend.sync().await.map_err(must_succeed)?;
        self.close().await?;
        self.backend = self.place.open().await.map_err(|error| format!("the location cannot be opened again: {error}"))?;
        if self.backend.capabilities() != self.capabilities {
            return Err(format!("the capabilities were {:?} before, and are {:?}", self.capabilities, self.backend.capabilities()));
        }
        self.revisions.reopened();
        self.compare_all().await?;
        Ok(Done::Answered)
    }

    /// Closes the backend, looks that it and the files answer `Closed`, and drops the files.
    async fn close(&mut self) -> Step<()> {
        self.backend.close().await.map_err(must_succeed)?;
        let closed = |call: &str, outcome: Result<()>| match outcome {
            Err(error) if error.kind() == ErrorKind::Closed => Ok(()),
            other => Err(format!("{call} after the backend's close: expected the error \"closed\", got {}", shown(&other))),
        };
        closed("stat of the root", self.backend.stat(&StoragePath::root()).await.map(drop))?;
        closed("sync", self.backend.sync().await)?;
        closed("a second close", self.backend.close().await)?;
        self.oracle.forget_all_handles();
        for file in std::mem::take(&mut self.handles).into_iter().flatten() {
            closed("stat of an open file", file.stat().await.map(drop))?;
            closed("sync of an open file", file.sync().await)?;
        }
        Ok(())
    }

    /// Removes everything through the engine, and closes it.
    async fn clean_up(&mut self) -> Step<()> {
        let in_cleaning = |path: &str, text: String| format!("while everything was removed, at {path:?}: {text}");
        for (path, state) in self.oracle.tree().iter().skip(1).rev() {
            let parsed = parse(path)?;
            let (expected, outcome) = match state.kind {
                FileKind::Directory => (self.oracle.remove_dir(path), self.backend.remove_dir(&parsed).await),
                _ => (self.oracle.remove_file(path), self.backend.remove_file(&parsed).await),
            };
            agree(&expected, &outcome).map_err(|text| in_cleaning(path, text))?;
        }
        self.compare_all().await.map_err(|text| format!("after everything was removed: {text}"))?;
        self.close().await
    }

    /// The whole tree, every directory in pages, every file's bytes, and every open handle.
    async fn compare_all(&mut self) -> Step<()> {
        for (path, state) in self.oracle.tree() {
            self.stat(&path).await?;
            let parsed = parse(&path)?;
            if state.kind == FileKind::Directory {
                let expected = self.oracle.list(&path, None, usize::MAX);
                agree(&expected, &all_pages(&*self.backend, &parsed).await).map_err(|text| format!("list of {path:?} in pages: {text}"))?;
            } else {
                let file = self.backend.open(&parsed, &OpenOptions::reading()).await.map_err(must_succeed)?;
                self.compare_bytes(&*file, state).await.map_err(|text| format!("the bytes of {path:?}: {text}"))?;
                file.close().await.map_err(must_succeed)?;
            }
        }
        for slot in 0..SLOTS {
            let Some(Some(file)) = self.handles.get(slot) else {
                if self.oracle.has_handle(slot) {
                    return Err(format!("h{slot} should be open"));
                }
                continue;
            };
            let expected = self.oracle.stat_file(slot);
            let found = file.stat().await;
            let readable = self.oracle.read_at(slot, 0, 1).value.is_some();
            if let (true, Some(state)) = (readable, expected.value) {
                self.compare_bytes(&**file, state).await.map_err(|text| format!("the bytes of h{slot}: {text}"))?;
            }
            self.agree_on_metadata(None, &expected, found).map_err(|text| format!("h{slot}.stat(): {text}"))?;
        }
        Ok(())
    }

    async fn compare_bytes(&self, file: &dyn StorageFile, state: State) -> Step<()> {
        let Some(sparse) = self.oracle.file(state.node) else { return Ok(()) };
        for (start, end) in sparse.ranges() {
            let mut at = start;
            while at < end {
                let len = (end - at).min(CHUNK) as usize;
                let mut buf = vec![0x55; len];
                let count = file.read_at(at, &mut buf).await.map_err(must_succeed)?;
                buf.truncate(count);
                let expected = Expected { value: Some(sparse.read(at, len)), errors: Vec::new() };
                agree_on_bytes(&expected, &Ok(buf), at)?;
                at += len as u64;
            }
        }
        Ok(())
    }

    async fn stat(&mut self, path: &str) -> Step<Done> {
        let found = self.backend.stat(&parse(path)?).await;
        let expected = self.oracle.stat(path);
        self.agree_on_metadata(Some(path), &expected, found).map_err(|text| format!("stat of {path:?}: {text}"))
    }

    fn agree_on_metadata(&mut self, path: Option<&str>, expected: &Expected<State>, found: Result<Metadata>) -> Step<Done> {
        let seen = Expected { value: expected.value.map(|state| (state.kind, state.len)), errors: expected.errors.clone() };
        let revision = found.as_ref().ok().map(|metadata| metadata.revision);
        let done = agree(&seen, &found.map(|metadata| (metadata.kind, metadata.len)))?;
        if let (Some(state), Some(revision)) = (expected.value, revision) {
            self.revisions.see(path, state, revision)?;
        }
        Ok(done)
    }
}

async fn all_pages(backend: &dyn StorageBackend, directory: &StoragePath) -> Result<Vec<anystorage_api::DirEntry>> {
    let mut all: Vec<anystorage_api::DirEntry> = Vec::new();
    // An engine that gives the same page again and again must not keep us here.
    for _ in 0..1000 {
        let page = backend.list(directory, all.last().map(|entry| entry.name.as_str()), PAGE).await?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            break;
        }
    }
    Ok(all)
}

fn parse(path: &str) -> Step<StoragePath> {
    StoragePath::parse(path).map_err(|error| error.to_string())
}

fn must_succeed(error: Error) -> String {
    format!("an operation that must succeed failed: {error}")
}

fn succeed(outcome: Result<()>) -> Step<Done> {
    outcome.map(|()| Done::Answered).map_err(must_succeed)
}

fn agree<T: Debug + PartialEq>(expected: &Expected<T>, outcome: &Result<T>) -> Step<Done> {
    match (outcome, &expected.value) {
        (Ok(value), Some(right)) if value == right => Ok(Done::Answered),
        (Err(error), _) if expected.errors.contains(&error.kind()) => Ok(Done::Refused),
        _ => Err(format!("expected {}, got {}", wanted(expected), shown(outcome))),
    }
}

fn agree_on_bytes(expected: &Expected<Vec<u8>>, outcome: &Result<Vec<u8>>, offset: u64) -> Step<Done> {
    let (Ok(bytes), Some(right)) = (outcome, &expected.value) else {
        let lengths = Expected { value: expected.value.as_ref().map(Vec::len), errors: expected.errors.clone() };
        return agree(&lengths, &outcome.as_ref().map(Vec::len).map_err(Clone::clone));
    };
    if bytes == right {
        return Ok(Done::Answered);
    }
    if let Some(at) = bytes.iter().zip(right).position(|(one, other)| one != other) {
        let (one, other) = (bytes.get(at).copied().unwrap_or(0), right.get(at).copied().unwrap_or(0));
        return Err(format!("byte {} is {one}, expected {other}", offset + at as u64));
    }
    Err(format!("{} bytes from {offset} on, expected {}", bytes.len(), right.len()))
}

fn wanted<T: Debug>(expected: &Expected<T>) -> String {
    let value = expected.value.iter().map(|value| format!("{value:?}"));
    let errors = expected.errors.iter().map(|kind| format!("the error \"{kind}\""));
    value.chain(errors).collect::<Vec<_>>().join(" or ")
}

fn shown<T: Debug>(outcome: &Result<T>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("the error \"{}\" ({error})", error.kind()),
    }
}

//! What the browser has: directories, files, synchronous access handles, snapshots and writable streams of files. Each function is one call
//! of it, with its outcome checked.

use std::convert::Infallible;
use std::future::Future;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::{Exception, thrown};
use anystorage_browser_host::global::{call, member, of_navigator, property, sleep};
use anystorage_browser_host::space::refined;
use futures_lite::StreamExt;
use js_sys::{Array, Object, Reflect, Uint8Array};
use opfs::{DirectoryHandle as _, WritableFileStream as _};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemWritableFileStream};

use crate::faults::FlushFaults;
use crate::handle::{Handle, Own};

/// The largest integer that JavaScript counts exactly.
pub(crate) const MAX_LEN: u64 = (1 << 53) - 1;

/// In bytes, how much goes through the memory of JavaScript at once.
const AT_ONCE: usize = 8 << 20;

/// How long a handle that is busy is waited for, in milliseconds: with the lock of the location in hand, it is one whose holder is going.
const PATIENCE: f64 = 5000.0;

/// What is at a name.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    File(Plain),
    Directory(Directory),
}

/// A directory.
#[derive(Clone, Debug)]
pub(crate) struct Directory(FileSystemDirectoryHandle);

/// A file that is not open, and its place.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    raw: FileSystemFileHandle,
    directory: Directory,
    name: String,
}

impl Directory {
    /// The root of the origin's private file system.
    pub(crate) async fn of_origin() -> Result<Self> {
        let storage = of_navigator("storage")?;
        let operation = Operation::OpenLocation;
        let root = call(&storage, "getDirectory", &[]).await.map_err(|value| {
            let exception = Exception::new(&value);
            let kind = match exception.name() {
                "TypeError" => ErrorKind::Unsupported,
                _ => exception.kind(),
            };
            let text = "this browser gives no private file system here: private windows and blocked site data have none";
            Error::new(kind, operation).with_text(text).with_cause(exception)
        })?;
        Ok(Self(root.unchecked_into()))
    }

    /// A directory in it.
    pub(crate) async fn directory(&self, name: &str, create: bool) -> Result<Self, Exception> {
        let found = changed(call(&self.0, "getDirectoryHandle", &[name.into(), creating(create)])).await?;
        Ok(Self(found.unchecked_into()))
    }

    /// The directory that these names lead to, one in the other.
    pub(crate) async fn below<N: AsRef<str>>(&self, names: impl Iterator<Item = N>, create: bool) -> Result<Self, Exception> {
        let mut directory = self.clone();
        for name in names {
            directory = directory.directory(name.as_ref(), create).await?;
        }
        Ok(directory)
    }

    /// A file in it.
    pub(crate) async fn file(&self, name: &str, create: bool) -> Result<Plain, Exception> {
        let found = changed(call(&self.0, "getFileHandle", &[name.into(), creating(create)])).await?;
        Ok(Plain { raw: found.unchecked_into(), directory: self.clone(), name: name.to_owned() })
    }

    /// Whatever has this name.
    pub(crate) async fn entry(&self, name: &str) -> Result<Entry, Exception> {
        match self.file(name, false).await {
            Ok(file) => Ok(Entry::File(file)),
            Err(exception) if exception.name() == "TypeMismatchError" => Ok(Entry::Directory(self.directory(name, false).await?)),
            Err(exception) => Err(exception),
        }
    }

    /// Removes a file, or a directory that is empty.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Exception> {
        call(&self.0, "removeEntry", &[name.into()]).await.map(drop).map_err(|value| Exception::new(&value))
    }

    /// Removes a directory with all that is in it.
    pub(crate) async fn remove_all(&self, name: &str) -> Result<(), Exception> {
        let options = Object::new();
        // A plain object takes every property.
        let _ = Reflect::set(&options, &"recursive".into(), &JsValue::TRUE);
        call(&self.0, "removeEntry", &[name.into(), options.into()]).await.map(drop).map_err(|value| Exception::new(&value))
    }

    /// The path, below this directory, of a name in another one that is below it.
    pub(crate) async fn path_of(&self, directory: &Self, name: &str) -> Result<String> {
        let parts = call(&self.0, "resolve", &[directory.0.clone().into()]).await.map_err(thrown(Operation::Rename))?;
        let Ok(parts) = parts.dyn_into::<Array>() else {
            return Err(Error::new(ErrorKind::Io, Operation::Rename).with_text("a directory of the location is not in it any more"));
        };
        parts.push(&name.into());
        Ok(parts.join("/").into())
    }

    /// What is in it, in no order: names as they are in OPFS, and whether each is a directory.
    pub(crate) async fn entries(&self) -> Result<Vec<(String, bool)>> {
        let walked = opfs::web::DirectoryHandle::from(self.0.clone());
        let mut entries = std::pin::pin!(walked.entries().await.map_err(thrown(Operation::List))?);
        let mut found = Vec::new();
        while let Some(entry) = entries.next().await {
            let (name, entry) = entry.map_err(thrown(Operation::List))?;
            found.push((name, matches!(entry, opfs::DirectoryEntry::Directory(_))));
        }
        Ok(found)
    }
}

impl Plain {
    /// Gives it another place, over a file that may be there. It must not be open.
    pub(crate) async fn move_to(&self, directory: &Directory, name: &str) -> Result<(), Exception> {
        changed(call(&self.raw, "move", &[directory.0.clone().into(), name.into()])).await.map(drop)
    }

    /// The directory that it is in.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Its name there.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its length in bytes, and when it was changed, in milliseconds since 1970.
    pub(crate) async fn stat(&self) -> Result<(u64, f64)> {
        let snapshot = self.snapshot().await?;
        Ok((snapshot.len, snapshot.file.last_modified()))
    }

    /// Its bytes as they are now.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        let file: File = call(&self.raw, "getFile", &[]).await.map_err(thrown(Operation::Stat))?.unchecked_into();
        let len = count(file.size(), Operation::Stat)?;
        Ok(Snapshot { file, len })
    }

    /// Opens it. Nobody else can until this is closed or dropped.
    pub(crate) async fn open(&self, faults: &FlushFaults) -> Result<Handle> {
        let operation = Operation::Open;
        let raw = self.call_when_free("createSyncAccessHandle").await.map_err(failed(operation))?;
        Ok(Handle::new(Own::new(raw.unchecked_into()), faults.clone()))
    }

    /// A stream of what is to be in it when the stream is closed.
    pub(crate) async fn writable(&self) -> Result<Writable> {
        let operation = Operation::Sync;
        let raw = self.call_when_free("createWritable").await.map_err(|exception| match exception.name() {
            "TypeError" => {
                let text = "this browser has no writable streams for its private file system: open the location in a dedicated worker \
                            without io=stream, or choose another engine";
                Error::new(ErrorKind::Unsupported, operation).with_text(text).with_cause(exception)
            }
            _ => exception.into_error(operation),
        })?;
        let raw: FileSystemWritableFileStream = raw.unchecked_into();
        Ok(Writable { stream: opfs::web::WritableFileStream::from(raw.clone()), raw, at: 0 })
    }

    /// Calls a method that takes the lock of the file, as soon as nobody has it.
    async fn call_when_free(&self, method: &str) -> Result<JsValue, Exception> {
        when_free(async || Ok::<_, Infallible>(changed(call(&self.raw, method, &[])).await)).await.unwrap_or_else(|never| match never {})
    }

    /// As scripts have it.
    pub(crate) fn as_js(&self) -> &JsValue {
        &self.raw
    }
}

/// The bytes of a file at one time. The browser refuses to read them once the file has changed or moved.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    file: File,
    len: u64,
}

impl Snapshot {
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buf` with the bytes from `offset` on, all of which have to be there.
    pub(crate) async fn read(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        let operation = Operation::Read;
        let mut at = offset;
        for piece in buf.chunks_mut(AT_ONCE) {
            let end = at.saturating_add(piece.len() as u64);
            let wanted = self.slice(at, end, operation)?;
            let read = call(&wanted, "arrayBuffer", &[]).await.map_err(thrown(operation))?;
            let read = Uint8Array::new(&read);
            if read.length() as usize != piece.len() {
                let text = format!("the browser gave {} of {} bytes", read.length(), piece.len());
                return Err(Error::new(ErrorKind::Io, operation).with_text(text));
            }
            read.copy_to(piece);
            at = end;
        }
        Ok(())
    }

    fn slice(&self, from: u64, to: u64, operation: Operation) -> Result<Blob> {
        self.file.slice_with_f64_and_f64(exact(from, operation)?, exact(to, operation)?).map_err(thrown(operation))
    }
}

/// What is to take the place of a file. Whoever makes one closes it or aborts it: until then the browser has the file locked.
#[derive(Debug)]
pub(crate) struct Writable {
    /// For lengths and places, which the crate counts in 32 bits, and for giving up, which it does not do.
    raw: FileSystemWritableFileStream,
    stream: opfs::web::WritableFileStream,
    /// Where the next bytes go.
    at: u64,
}

impl Writable {
    /// Writes `data` at a place that is inside of it, or at its end.
    pub(crate) async fn write(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        self.seek(offset).await?;
        for piece in data.chunks(AT_ONCE) {
            streamed(self.stream.write_at_cursor_pos(piece)).await?;
            self.at = self.at.saturating_add(piece.len() as u64);
        }
        Ok(())
    }

    /// Writes the first bytes of a snapshot at the begin.
    pub(crate) async fn write_from(&mut self, snapshot: &Snapshot, len: u64) -> Result<()> {
        self.seek(0).await?;
        let bytes = snapshot.slice(0, len, Operation::Sync)?;
        streamed(call(&self.raw, "write", &[bytes.into()])).await?;
        self.at = len;
        Ok(())
    }

    async fn seek(&mut self, offset: u64) -> Result<()> {
        if self.at != offset {
            streamed(call(&self.raw, "seek", &[exact(offset, Operation::Sync)?.into()])).await?;
            self.at = offset;
        }
        Ok(())
    }

    /// Cuts it, or lengthens it with zeros.
    pub(crate) async fn set_len(&mut self, len: u64) -> Result<()> {
        streamed(call(&self.raw, "truncate", &[exact(len, Operation::Sync)?.into()])).await?;
        self.at = self.at.min(len);
        Ok(())
    }

    /// Puts it into the place of the file, in one step.
    pub(crate) async fn close(mut self) -> Result<()> {
        streamed(self.stream.close()).await
    }

    /// Gives it up.
    pub(crate) async fn abort(self) {
        // One that has failed is given up by the browser already.
        let _ = call(&self.raw, "abort", &[]).await;
    }
}

/// The outcome of a call of a stream.
async fn streamed<T>(call: impl Future<Output = Result<T, JsValue>>) -> Result<T> {
    let exception = match call.await {
        Ok(value) => return Ok(value),
        Err(value) => reason(&value).await,
    };
    if exception.kind() == ErrorKind::NoSpace {
        let text = "the origin's quota is used up (a stream needs room for the whole file once more): remove or cut some files";
        return Err(Error::new(ErrorKind::NoSpace, Operation::Sync).with_text(text).with_cause(exception));
    }
    Err(exception.into_error(Operation::Sync))
}

/// Tries what takes the lock of a file until nobody else has it. Why it cannot be tried at all is another thing.
pub(crate) async fn when_free<T, E>(attempt: impl AsyncFn() -> Result<Result<T, Exception>, E>) -> Result<Result<T, Exception>, E> {
    let mut waited = 0.0;
    let mut pause = 5.0;
    loop {
        let exception = match attempt().await? {
            Ok(value) => return Ok(Ok(value)),
            Err(exception) => exception,
        };
        match exception.name() {
            "NoModificationAllowedError" | "InvalidStateError" if waited < PATIENCE => {
                sleep(pause).await;
                waited += pause;
                pause = (pause * 2.0).min(250.0);
            }
            _ => return Ok(Err(exception)),
        }
    }
}

fn creating(create: bool) -> JsValue {
    let options = Object::new();
    // A plain object takes every property.
    let _ = Reflect::set(&options, &"create".into(), &create.into());
    options.into()
}

/// A number for JavaScript, if it can count so far.
#[expect(clippy::cast_precision_loss, reason = "it was compared with the largest exact one")]
pub(crate) fn exact(number: u64, operation: Operation) -> Result<f64> {
    if number <= MAX_LEN {
        return Ok(number as f64);
    }
    Err(Error::new(ErrorKind::InvalidInput, operation).with_text(format!("{number} is beyond {MAX_LEN}, the furthest a browser counts")))
}

/// A count from JavaScript, which must be a whole number that it counts exactly.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "the range is checked first")]
pub(crate) fn count(number: f64, operation: Operation) -> Result<u64> {
    if number >= 0.0 && number <= MAX_LEN as f64 && number.fract() == 0.0 {
        return Ok(number as u64);
    }
    Err(Error::new(ErrorKind::Io, operation).with_text(format!("the browser gave {number} as a count of bytes")))
}

/// The outcome of a call that needs room for names.
async fn changed(call: impl Future<Output = Result<JsValue, JsValue>>) -> Result<JsValue, Exception> {
    match call.await {
        Ok(value) => Ok(value),
        Err(value) => Err(reason(&value).await),
    }
}

/// Why something was refused. Where there is no room for a name, Firefox calls the failure unknown: what it tells of its space decides then.
async fn reason(value: &JsValue) -> Exception {
    refined(Exception::new(value)).await
}

/// Whether there are synchronous access handles here: in dedicated workers alone.
pub(crate) fn has_handles() -> bool {
    property("FileSystemSyncAccessHandle").is_function()
}

/// Whether this browser can give files another place.
pub(crate) fn can_move(file: &Plain) -> bool {
    member(&file.raw, "move").is_function()
}

/// The error for what the browser threw.
pub(crate) fn failed(operation: Operation) -> impl Fn(Exception) -> Error {
    move |exception| exception.into_error(operation)
}

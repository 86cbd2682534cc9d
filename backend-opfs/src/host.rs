//! What the browser has: directories, files, synchronous access handles. Each function is one call of it, with its outcome checked.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_browser_host::exception::{Exception, thrown};
use anystorage_browser_host::global::{call, member, of_navigator, sleep};
use futures_lite::StreamExt;
use js_sys::{Object, Reflect};
use opfs::DirectoryHandle as _;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use crate::faults::FlushFaults;

/// The largest integer that JavaScript counts exactly.
pub(crate) const MAX_LEN: u64 = (1 << 53) - 1;

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

/// A file that is not open.
#[derive(Clone, Debug)]
pub(crate) struct Plain(FileSystemFileHandle);

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
        let found = call(&self.0, "getDirectoryHandle", &[name.into(), creating(create)]).await.map_err(|value| Exception::new(&value))?;
        Ok(Self(found.unchecked_into()))
    }

    /// A file in it.
    pub(crate) async fn file(&self, name: &str, create: bool) -> Result<Plain, Exception> {
        let found = call(&self.0, "getFileHandle", &[name.into(), creating(create)]).await.map_err(|value| Exception::new(&value))?;
        Ok(Plain(found.unchecked_into()))
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
        call(&self.0, "move", &[directory.0.clone().into(), name.into()]).await.map(drop).map_err(|value| Exception::new(&value))
    }

    /// Its length in bytes, and when it was changed, in milliseconds since 1970.
    pub(crate) async fn stat(&self) -> Result<(u64, f64)> {
        let file: File = call(&self.0, "getFile", &[]).await.map_err(thrown(Operation::Stat))?.unchecked_into();
        Ok((count(file.size(), Operation::Stat)?, file.last_modified()))
    }

    /// Opens it. Nobody else can until this is closed or dropped.
    pub(crate) async fn open(&self, faults: &FlushFaults) -> Result<Handle> {
        let operation = Operation::Open;
        let mut waited = 0.0;
        let mut pause = 5.0;
        loop {
            let exception = match call(&self.0, "createSyncAccessHandle", &[]).await {
                Ok(handle) => {
                    let at = FileSystemReadWriteOptions::new();
                    return Ok(Handle { raw: handle.unchecked_into(), at, faults: faults.clone() });
                }
                Err(value) => Exception::new(&value),
            };
            match exception.name() {
                "TypeError" => {
                    let text = "synchronous access handles exist in dedicated workers alone: open the location in one";
                    return Err(Error::new(ErrorKind::Unsupported, operation).with_text(text).with_cause(exception));
                }
                "NoModificationAllowedError" | "InvalidStateError" if waited < PATIENCE => {
                    sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2.0).min(250.0);
                }
                _ => return Err(exception.into_error(operation)),
            }
        }
    }
}

/// An open file. It is closed when it is dropped, which does not flush.
#[derive(Debug)]
pub(crate) struct Handle {
    raw: FileSystemSyncAccessHandle,
    /// Where the next call reads or writes. One for all calls: to make one takes as long as half a call.
    at: FileSystemReadWriteOptions,
    faults: FlushFaults,
}

impl Handle {
    /// Reads from `offset` on until `buf` is full or the file ends.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let operation = Operation::Read;
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let wanted = rest.len();
            self.at.set_at(exact(offset.saturating_add(filled as u64), operation)?);
            let read = self.raw.read_with_u8_array_and_options(rest, &self.at).map_err(thrown(operation))?;
            let read = usize::try_from(count(read, operation)?).ok().filter(|read| *read <= wanted);
            match read {
                Some(0) => break,
                Some(read) => filled += read,
                None => return Err(Error::new(ErrorKind::Io, operation).with_text("the browser read more than there was room for")),
            }
        }
        Ok(filled)
    }

    /// Writes all of `data`.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let operation = Operation::Write;
        self.at.set_at(exact(offset, operation)?);
        let written = self.raw.write_with_u8_array_and_options(data, &self.at).map_err(thrown(operation))?;
        // Where the quota ends, Firefox returns a short count, and Chromium one that is larger than what was asked for.
        if written == data.len() as f64 {
            return Ok(());
        }
        let text = format!("{written} of {} bytes were written: the origin's quota is used up; remove or cut some files", data.len());
        Err(Error::new(ErrorKind::NoSpace, operation).with_text(text))
    }

    pub(crate) fn len(&self) -> Result<u64> {
        count(self.raw.get_size().map_err(thrown(Operation::Stat))?, Operation::Stat)
    }

    pub(crate) fn set_len(&self, len: u64) -> Result<()> {
        let operation = Operation::SetLen;
        let wanted = exact(len, operation)?;
        let Err(value) = self.raw.truncate_with_f64(wanted) else { return Ok(()) };
        let exception = Exception::new(&value);
        if len <= self.len()? {
            return Err(exception.into_error(operation));
        }
        // Firefox does not say what keeps it from lengthening a file, and there is nothing else that could.
        let text = format!("the file was not lengthened to {len} bytes: the origin's quota is used up; remove or cut some files");
        Err(Error::new(ErrorKind::NoSpace, operation).with_text(text).with_cause(exception))
    }

    pub(crate) fn flush(&self) -> Result<()> {
        if self.faults.fails() {
            return Err(Error::new(ErrorKind::Io, Operation::Sync).with_text("this flush was made to fail"));
        }
        self.raw.flush().map_err(thrown(Operation::Sync))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.raw.close();
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
fn exact(number: u64, operation: Operation) -> Result<f64> {
    if number <= MAX_LEN {
        return Ok(number as f64);
    }
    Err(Error::new(ErrorKind::InvalidInput, operation).with_text(format!("{number} is beyond {MAX_LEN}, the furthest a browser counts")))
}

/// A count from JavaScript, which must be a whole number that it counts exactly.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "the range is checked first")]
fn count(number: f64, operation: Operation) -> Result<u64> {
    if number >= 0.0 && number <= MAX_LEN as f64 && number.fract() == 0.0 {
        return Ok(number as u64);
    }
    Err(Error::new(ErrorKind::Io, operation).with_text(format!("the browser gave {number} as a count of bytes")))
}

/// Whether this browser can give files another place.
pub(crate) fn can_move(file: &Plain) -> bool {
    member(&file.0, "move").is_function()
}

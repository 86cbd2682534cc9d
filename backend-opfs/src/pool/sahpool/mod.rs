//! Files from and to SQLite's own pool of handles, the VFS `opfs-sahpool` of its WebAssembly build.
//!
//! That pool is a directory with a directory `.opaque` in it, whose files have random names, and begin with a header of 4,096 bytes each. Its
//! paths begin with `/`, and are escaped like those of URLs. Neither way changes what was there.

mod header;

use anystorage_api::{
    Error, ErrorKind, FileKind, OpenOptions, Operation, Result, StorageBackend, StorageBackendExt, StorageFile, StoragePath,
};
use anystorage_browser_host::global::random;

use self::header::{DATA, Header, LEN};
use super::Pool;
use crate::faults::FlushFaults;
use crate::handle::Handle;
use crate::hold::Hold;
use crate::host::{Directory, Plain, failed};
use crate::names_log::pass_over_what_is_torn;

/// The directory that has the files of SQLite's pool.
const OPAQUE: &str = ".opaque";

/// In bytes, how much is copied at once.
const AT_ONCE: usize = 1 << 20;

/// What an import found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The files that are in this pool by now.
    pub files: Vec<StoragePath>,
    /// The names in `.opaque` of files that were left alone: their headers do not check, or are of files that were not to stay.
    pub refused: Vec<String>,
}

impl Pool {
    /// Copies all files of the pool of `opfs-sahpool` in this directory of the origin (by default it is `.opfs-sahpool`) to their paths here, and
    /// syncs. Files for them are reserved. That VFS must not have its handles: it is paused, or its worker has ended.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such pool; [`AlreadyExists`](ErrorKind::AlreadyExists) if a path is taken here, and then nothing
    /// is copied; what the browser reports. Files that were copied before an error are removed.
    pub async fn import_sahpool(&self, directory: &str) -> Result<Imported> {
        let theirs = Theirs::open(directory, false).await?;
        let mut imported = Imported::default();
        let mut found = Vec::new();
        for (name, plain) in theirs.files().await? {
            let handle = open(&plain).await?;
            match header(&handle)? {
                Header::Named(path) => found.push((here(&path)?, handle)),
                Header::Spare => {}
                Header::Refused => imported.refused.push(name),
            }
        }
        // This waits, and others may create files meanwhile.
        self.reserve(found.len()).await?;
        for (path, _) in &found {
            if self.exists(path).await? {
                return Err(Error::new(ErrorKind::AlreadyExists, Operation::Open).with_path(path));
            }
        }
        let copied = async {
            for (path, handle) in &found {
                if let Some(parent) = path.parent() {
                    self.create_dir_all(&parent).await?;
                }
                let file = self.open(path, &OpenOptions::new().write(true).create_new(true)).await?;
                imported.files.push(path.clone());
                copy_in(file, handle).await?;
            }
            self.sync().await
        };
        if let Err(error) = copied.await {
            for path in &imported.files {
                // The error that matters is the first one.
                let _ = self.remove_file(path).await;
            }
            let _ = self.sync().await;
            return Err(error);
        }
        imported.files.sort_unstable();
        Ok(imported)
    }

    /// Copies these files into the pool of `opfs-sahpool` in this directory of the origin, which is created if it is missing. That VFS must not
    /// have its handles. Each is there when it is whole and flushed. No spare file is made for that VFS, which needs some for its journals:
    /// have it reserve them (`reserveMinimumCapacity`).
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if that pool has a file of this path, and [`InvalidPath`](ErrorKind::InvalidPath) for a path that is too
    /// long for it, 510 bytes: then nothing is copied; what the browser reports, where files that were copied before stay.
    pub async fn export_sahpool(&self, directory: &str, files: &[StoragePath]) -> Result<()> {
        let theirs = Theirs::open(directory, true).await?;
        let mut taken = Vec::new();
        for (_, plain) in theirs.files().await? {
            if let Header::Named(path) = header(&open(&plain).await?)? {
                taken.push(path);
            }
        }
        let mut headers = Vec::new();
        for path in files {
            if self.stat(path).await?.kind != FileKind::File {
                return Err(Error::new(ErrorKind::IsADirectory, Operation::Read).with_path(path));
            }
            let there = there(path)?;
            if taken.contains(&there) {
                return Err(Error::new(ErrorKind::AlreadyExists, Operation::Open).with_path(path));
            }
            let too_long =
                || Error::new(ErrorKind::InvalidPath, Operation::Open).with_path(path).with_text("it is too long for opfs-sahpool");
            headers.push((path, Header::encode(&there).ok_or_else(too_long)?));
            // No two files of this call either.
            taken.push(there);
        }
        for (path, header) in headers {
            let plain = theirs.directory.file(&format!("{:016x}", random()), true).await.map_err(failed(Operation::Open))?;
            let handle = open(&plain).await?;
            handle.set_len(0)?;
            self.copy_out(path, &handle).await?;
            // Without its header it is spare.
            handle.flush()?;
            handle.write(0, &header)?;
            handle.flush()?;
        }
        Ok(())
    }

    async fn copy_out(&self, path: &StoragePath, to: &Handle) -> Result<()> {
        let file = self.open(path, &OpenOptions::reading()).await?;
        let mut buffer = vec![0; AT_ONCE];
        let mut at = 0;
        to.set_len(DATA)?;
        loop {
            let read = file.read_at(at, &mut buffer).await?;
            if read == 0 {
                return file.close().await;
            }
            to.write(at + DATA, buffer.get(..read).unwrap_or_default())?;
            at += read as u64;
        }
    }
}

async fn copy_in(file: Box<dyn StorageFile>, from: &Handle) -> Result<()> {
    let mut buffer = vec![0; AT_ONCE];
    let mut at = 0;
    loop {
        let read = from.read(at + DATA, &mut buffer)?;
        if read == 0 {
            return file.close().await;
        }
        file.write_at(at, buffer.get(..read).unwrap_or_default()).await?;
        at += read as u64;
    }
}

/// A pool of SQLite's, which no location of ours is opened over meanwhile.
struct Theirs {
    directory: Directory,
    _hold: Hold,
}

impl Theirs {
    async fn open(directory: &str, create: bool) -> Result<Self> {
        let path = StoragePath::parse(directory.trim_matches('/'))?;
        let hold = Hold::take(&path).await?;
        let names = path.parts().chain([OPAQUE]);
        let origin = Directory::of_origin().await?;
        if create {
            pass_over_what_is_torn(&origin).await;
        }
        let directory = origin.below(names, create).await.map_err(failed(Operation::Open))?;
        Ok(Self { directory, _hold: hold })
    }

    async fn files(&self) -> Result<Vec<(String, Plain)>> {
        let mut files = Vec::new();
        for (name, is_directory) in self.directory.entries().await? {
            if !is_directory {
                files.push((name.clone(), self.directory.file(&name, false).await.map_err(failed(Operation::Open))?));
            }
        }
        Ok(files)
    }
}

async fn open(plain: &Plain) -> Result<Handle> {
    plain.open(&FlushFaults::default()).await
}

/// That of a file which is too short for one is all zeros.
fn header(handle: &Handle) -> Result<Header> {
    let mut bytes = [0; LEN];
    handle.read(0, &mut bytes)?;
    Ok(Header::decode(&bytes))
}

/// The path here of one there.
fn here(path: &str) -> Result<StoragePath> {
    let unescaped = js_sys::decode_uri_component(path).ok().and_then(|path| path.as_string());
    StoragePath::parse(unescaped.as_deref().unwrap_or(path).trim_start_matches('/'))
}

/// The path there of one here: as a URL has it, of which it is the path.
fn there(path: &StoragePath) -> Result<String> {
    let mut escaped = String::from("/");
    for character in path.as_str().chars() {
        match character {
            // What a URL would take for something else.
            '%' | '?' | '#' | '\\' => escaped.push_str(&format!("%{:02X}", u32::from(character))),
            _ => escaped.push(character),
        }
    }
    let url = web_sys::Url::new_with_base(&escaped, "file://localhost/");
    let there = url.map(|url| url.pathname()).map_err(anystorage_browser_host::exception::thrown(Operation::Open))?;
    if here(&there).is_ok_and(|back| back == *path) {
        return Ok(there);
    }
    // Blanks at its end, tabs and more are lost in a URL.
    let text = format!("opfs-sahpool would call it {there}, which is another path");
    Err(Error::new(ErrorKind::InvalidPath, Operation::Open).with_path(path).with_text(text))
}

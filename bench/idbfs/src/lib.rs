//! Ours, as `js/ours.js` asks for it: POSIX calls on a mirror in memory, in front of IndexedDB.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod files;

use std::sync::Arc;

use anystorage_api::Blocking;
use anystorage_idb::IdbOptions;
use anystorage_layers::{Mirror, MirrorOptions};
use anystorage_memory::MemoryBackend;
use anystorage_vfs::{Errno, MountOptions, OpenFlags, Vfs};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::files::{DIRECTORY, Files};

type Result<T> = std::result::Result<T, JsError>;

/// Where the location is mounted.
const POINT: &str = "/persistent";

/// The permission bits of what is created.
const DIRECTORY_MODE: u32 = 0o777;
const FILE_MODE: u32 = 0o666;

/// In bytes, what the mirror may hold.
const MEMORY: u64 = 512 << 20;

/// In bytes, what the engine keeps in memory: the records of all files, which populating goes through twice.
const CACHE: usize = 32 << 20;

/// The face, with a location of IndexedDB mounted, and the files that are to be in it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Ours {
    vfs: Vfs,
    files: Files,
    /// What was read, one file behind the other.
    read: Vec<u8>,
}

#[wasm_bindgen]
impl Ours {
    /// Mounts an empty mirror of the location of this name; `block` is in bytes, for one that is not there.
    ///
    /// # Errors
    /// What the engine or the face says.
    pub async fn mount(name: String, block: usize) -> Result<Ours> {
        let engine = anystorage_idb::open(&name, &IdbOptions::new().block_size(Some(block)).cache_bytes(CACHE)).await?;
        let mirror = Mirror::unpopulated(engine, MirrorOptions::new().memory_limit(MEMORY));
        let vfs = Vfs::new();
        let failed = failing(&vfs);
        vfs.mount("/", Blocking::new(MemoryBackend::new())?, MountOptions::new()).map_err(&failed)?;
        vfs.mkdir(POINT, DIRECTORY_MODE).map_err(&failed)?;
        let files = mirror.blocking()?;
        #[expect(clippy::arc_with_non_send_sync, reason = "there is one thread, and engines of browsers stay in it")]
        let behind = Arc::new(mirror);
        vfs.mount(POINT, files, MountOptions::new().source(name).populate(behind)).map_err(&failed)?;
        Ok(Self { vfs, files: Files::default(), read: Vec::new() })
    }

    /// Says which files there are to be: how many small ones, the length of the large one in bytes, how many of the small ones were changed.
    pub fn prepare(&mut self, small: u32, large: u32, changed: u32) {
        self.files = Files::new(small, large, changed);
        self.read = vec![0; self.files.bytes()];
    }

    /// Loads what is below.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn populate(&self) -> Result<()> {
        self.vfs.syncfs(POINT, true).await.map_err(failing(&self.vfs))
    }

    /// Brings below what has changed.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn sync(&self) -> Result<()> {
        self.vfs.syncfs(POINT, false).await.map_err(failing(&self.vfs))
    }

    /// Writes the small files, and makes their directories.
    ///
    /// # Errors
    /// What the face says.
    pub fn write_small(&self) -> Result<()> {
        for number in 0..self.files.small {
            if number % DIRECTORY == 0 {
                self.vfs.mkdir(&directory_of(number), DIRECTORY_MODE).map_err(failing(&self.vfs))?;
            }
            self.write(&path_of(number), self.files.small(number))?;
        }
        Ok(())
    }

    /// Writes the large file.
    ///
    /// # Errors
    /// What the face says.
    pub fn write_large(&self) -> Result<()> {
        self.write(&large(), self.files.large())
    }

    /// Writes `count` small files anew, far from each other, with other bytes.
    ///
    /// # Errors
    /// What the face says.
    pub fn change(&mut self, count: u32) -> Result<()> {
        for number in self.files.change(count) {
            self.write(&path_of(number), self.files.small(number))?;
        }
        Ok(())
    }

    /// Reads the small files.
    ///
    /// # Errors
    /// What the face says.
    pub fn read_small(&mut self) -> Result<()> {
        for number in 0..self.files.small {
            let range = self.files.range(number);
            self.read_into(&path_of(number), range)?;
        }
        Ok(())
    }

    /// Reads the large file.
    ///
    /// # Errors
    /// What the face says.
    pub fn read_large(&mut self) -> Result<()> {
        self.read_into(&large(), self.files.large_range())
    }

    /// Compares every byte that was read with what was written, and returns a hash of all of them.
    ///
    /// # Errors
    /// The first that is another one.
    pub fn check(&self) -> Result<u32> {
        self.files.check(&self.read).map_err(|why| JsError::new(&why))
    }

    fn write(&self, path: &str, data: &[u8]) -> Result<()> {
        let failed = failing(&self.vfs);
        let file = self.vfs.open(path, OpenFlags::O_WRONLY | OpenFlags::O_CREAT | OpenFlags::O_TRUNC, FILE_MODE).map_err(&failed)?;
        let mut rest = data;
        while !rest.is_empty() {
            let count = self.vfs.write(file, rest).map_err(&failed)?;
            rest = rest.get(count..).unwrap_or_default();
        }
        self.vfs.close(file).map_err(&failed)
    }

    fn read_into(&mut self, path: &str, range: std::ops::Range<usize>) -> Result<()> {
        let failed = failing(&self.vfs);
        let file = self.vfs.open(path, OpenFlags::O_RDONLY, 0).map_err(&failed)?;
        let mut buf = self.read.get_mut(range).unwrap_or_default();
        while !buf.is_empty() {
            let count = self.vfs.read(file, buf).map_err(&failed)?;
            if count == 0 {
                return Err(JsError::new(&format!("{path} is {} bytes shorter than it was written", buf.len())));
            }
            buf = buf.get_mut(count..).unwrap_or_default();
        }
        // Nothing may be behind the end.
        if self.vfs.read(file, &mut [0]).map_err(&failed)? > 0 {
            return Err(JsError::new(&format!("{path} is longer than it was written")));
        }
        self.vfs.close(file).map_err(&failed)
    }
}

fn directory_of(number: u32) -> String {
    format!("{POINT}/{}", number / DIRECTORY)
}

fn path_of(number: u32) -> String {
    format!("{POINT}/{}/{number}", number / DIRECTORY)
}

fn large() -> String {
    format!("{POINT}/large")
}

/// An errno, with what the engine said where that is known.
fn failing(vfs: &Vfs) -> impl Fn(Errno) -> JsError + use<> {
    let vfs = vfs.clone();
    move |errno| {
        let said = vfs.last_error().map(|error| format!(": {error}")).unwrap_or_default();
        JsError::new(&format!("{}{said}", errno.name()))
    }
}

use crate::sibling::{create_sibling, keep_mode, replaceable};
use crate::walk::Walk;
use crate::{
    DirEntry, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath, engine,
};

/// How many entries [`StorageBackendExt::list_all`] asks for at once.
const PAGE: usize = 1024;

/// How many bytes [`StorageBackendExt::copy`] holds in memory.
const CHUNK: usize = 256 * 1024;

/// The conveniences that every [`StorageBackend`] has on top of its calls. They are made of those calls alone: engines and layers do not
/// implement them, and what is atomic or durable follows from the calls they name.
///
/// ```
/// use anystorage_api::{StorageBackend, StorageBackendExt, StoragePath};
/// use anystorage_memory::MemoryBackend;
///
/// # futures_lite::future::block_on(async {
/// let storage = MemoryBackend::new();
/// let drafts = StoragePath::parse("letters/2026/drafts")?;
/// storage.create_dir_all(&drafts).await?;
/// storage.write(&drafts.join("first")?, "Dear Ada".as_bytes()).await?;
///
/// let sent = StoragePath::parse("letters/2026/sent")?;
/// storage.copy(&drafts.join("first")?, &sent).await?;
/// storage.remove_dir_all(&drafts).await?;
///
/// assert_eq!(storage.read_to_string(&sent).await?, "Dear Ada");
/// assert!(!storage.exists(&drafts).await?);
/// # Ok::<(), anystorage_api::Error>(())
/// # }).unwrap();
/// ```
#[engine]
pub trait StorageBackendExt: StorageBackend {
    /// The symbolic link that `path` leads over, or ends with: the first one; none if there is none as far as it leads. For whoever goes by
    /// names, and has to know that a file has no other.
    ///
    /// # Errors
    /// As [`list`](StorageBackend::list) of the directories that lead to it.
    async fn link_on(&self, path: &StoragePath) -> Result<Option<StoragePath>> {
        for part in path.ancestors().into_iter().chain([path.clone()]).filter(|part| !part.is_root()) {
            match self.entry(&part).await {
                Ok(Some(found)) if found.kind == FileKind::Symlink => return Ok(Some(part)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What the directory that holds `path` lists under its name, a link as a link; none if it lists nothing there, or for the root.
    ///
    /// # Errors
    /// As [`list`](StorageBackend::list) of that directory.
    async fn entry(&self, path: &StoragePath) -> Result<Option<DirEntry>> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        // The name without its last character sorts before it, and little else lies between the two.
        let shorter = name.char_indices().next_back().map_or("", |(last, _)| name.get(..last).unwrap_or_default());
        let mut after = Some(shorter.to_owned()).filter(|shorter| !shorter.is_empty());
        loop {
            let page = self.list(&directory, after.as_deref(), PAGE).await?;
            let more = page.len() == PAGE;
            after = page.last().map(|last| last.name.clone());
            if let Some(found) = page.into_iter().find(|entry| entry.addressable && entry.name == name) {
                return Ok(Some(found));
            }
            if !more || after.as_deref().is_none_or(|after| after > name) {
                return Ok(None);
            }
        }
    }

    /// Whether something is at `path`.
    ///
    /// # Errors
    /// As [`stat`](StorageBackend::stat), but a path that cannot exist (it leads through a file) is simply not there.
    async fn exists(&self, path: &StoragePath) -> Result<bool> {
        Ok(found(self.stat(path).await)?.is_some())
    }

    /// Whether a file is at `path`, or a link below the root that leads to one.
    ///
    /// # Errors
    /// As [`Self::exists`].
    async fn is_file(&self, path: &StoragePath) -> Result<bool> {
        Ok(found(self.stat(path).await)?.is_some_and(|metadata| metadata.is_file()))
    }

    /// Whether a directory is at `path`, or a link below the root that leads to one.
    ///
    /// # Errors
    /// As [`Self::exists`].
    async fn is_dir(&self, path: &StoragePath) -> Result<bool> {
        Ok(found(self.stat(path).await)?.is_some_and(|metadata| metadata.is_dir()))
    }

    /// The whole file as text.
    ///
    /// # Errors
    /// As [`read`](StorageBackend::read); [`InvalidInput`](ErrorKind::InvalidInput) if the bytes are not UTF-8.
    async fn read_to_string(&self, path: &StoragePath) -> Result<String> {
        String::from_utf8(self.read(path).await?).map_err(|error| {
            let why = format!("not UTF-8 from byte {} on", error.utf8_error().valid_up_to());
            Error::new(ErrorKind::InvalidInput, Operation::Read).with_path(path).with_text(why)
        })
    }

    /// All entries of a directory, in the byte order of their names. Prefer [`list`](StorageBackend::list) or [`walk`](Self::walk) where
    /// there may be more than memory should hold.
    ///
    /// # Errors
    /// As [`list`](StorageBackend::list).
    async fn list_all(&self, directory: &StoragePath) -> Result<Vec<DirEntry>> {
        let mut all: Vec<DirEntry> = Vec::new();
        loop {
            let after = all.last().map(|last| last.name.clone());
            let page = self.list(directory, after.as_deref(), PAGE).await?;
            let complete = page.len() < PAGE;
            all.extend(page);
            if complete {
                return Ok(all);
            }
        }
    }

    /// Walks through a directory and everything below it.
    ///
    /// ```
    /// # use anystorage_api::{StorageBackend, StorageBackendExt, StoragePath};
    /// # use anystorage_memory::MemoryBackend;
    /// # futures_lite::future::block_on(async {
    /// # let storage = MemoryBackend::new();
    /// # storage.create_dir_all(&StoragePath::parse("a/b")?).await?;
    /// # storage.write(&StoragePath::parse("a/b/c")?, b"").await?;
    /// let mut walk = storage.walk(&StoragePath::root());
    /// let mut seen = Vec::new();
    /// while let Some(entry) = walk.next().await? {
    ///     seen.push(format!("{}: {}", entry.kind.as_str(), entry.name));
    /// }
    /// assert_eq!(seen, ["directory: a", "directory: b", "file: c"]);
    /// # Ok::<(), anystorage_api::Error>(())
    /// # }).unwrap();
    /// ```
    fn walk(&self, directory: &StoragePath) -> Walk<'_, Self> {
        Walk::new(self, directory)
    }

    /// Creates a directory and those that lead to it, where they are missing. Not atomic: after an error some may have been created.
    ///
    /// # Errors
    /// As [`create_dir`](StorageBackend::create_dir), but a directory that exists is fine; a file in its place is
    /// [`NotADirectory`](ErrorKind::NotADirectory).
    async fn create_dir_all(&self, path: &StoragePath) -> Result<()> {
        let mut missing = Vec::new();
        let mut at = path.clone();
        loop {
            match self.stat(&at).await {
                Ok(metadata) if metadata.is_dir() => break,
                Ok(_) => return Err(Error::new(ErrorKind::NotADirectory, Operation::CreateDir).with_path(&at)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.in_operation(Operation::CreateDir)),
            }
            let parent = at.parent();
            missing.push(at);
            match parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
        for directory in missing.iter().rev() {
            match self.create_dir(directory).await {
                // Somebody else was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && self.is_dir(directory).await? => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Removes a directory with everything in it; the root is emptied and stays. Links are removed and never followed. Not atomic: after
    /// an error a part may be gone.
    ///
    /// What other programs remove meanwhile is fine. What they put in the place of a directory while this runs is seen as the engine
    /// sees it, which never leaves its root.
    ///
    /// # Errors
    /// As [`list`](StorageBackend::list), [`remove_file`](StorageBackend::remove_file) and [`remove_dir`](StorageBackend::remove_dir), at
    /// the first failure. [`NotADirectory`](ErrorKind::NotADirectory) if a file or a link is at `path`, with nothing removed.
    /// [`DirectoryNotEmpty`](ErrorKind::DirectoryNotEmpty) if there are entries that no path leads to (names that are not UTF-8): all
    /// others are removed, and the error names them.
    async fn remove_dir_all(&self, path: &StoragePath) -> Result<()> {
        let refused = |kind| Error::new(kind, Operation::RemoveDir).with_path(path);
        if let Some(entry) = self.entry(path).await.map_err(|error| error.in_operation(Operation::RemoveDir))?
            && entry.kind == FileKind::Symlink
        {
            return Err(refused(ErrorKind::NotADirectory).with_text("it is a symbolic link; remove_file removes it"));
        }
        let mut kept = Kept::default();
        let mut inside = vec![Inside { directory: path.clone(), keeps: false }];
        let mut walk = self.walk(path);
        loop {
            let entry = match walk.next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                // A directory that is gone already, unless it is the one that was asked for.
                Err(error) if error.kind() == ErrorKind::NotFound && error.path().is_some_and(|gone| gone != path) => continue,
                Err(error) => return Err(error.in_operation(Operation::RemoveDir)),
            };
            while inside.last().is_some_and(|last| last.directory != entry.directory) {
                leave(self, &mut inside).await?;
            }
            match (entry.path, entry.kind) {
                (Some(directory), FileKind::Directory) => inside.push(Inside { directory, keeps: false }),
                (Some(file), _) => gone(self.remove_file(&file).await)?,
                (None, _) => {
                    kept.add(&entry.directory, &entry.name);
                    inside.iter_mut().for_each(|directory| directory.keeps = true);
                }
            }
        }
        while !inside.is_empty() {
            leave(self, &mut inside).await?;
        }
        match kept.describe() {
            Some(why) => Err(refused(ErrorKind::DirectoryNotEmpty).with_text(why)),
            None => Ok(()),
        }
    }

    /// Copies a file within this backend, over an existing one if there is one, and returns its length in bytes. Copying a file to its own
    /// path changes nothing. Bytes are copied, attributes are not; a file that is replaced leaves its mode to the copy.
    ///
    /// All or nothing: the bytes go to a new sibling of `to`, which is synced and renamed over `to`; so it is as durable as a
    /// [`write`](StorageBackend::write). It holds a fixed amount of memory, and long runs of zeros become holes. After a kill, or when the
    /// future is dropped, the sibling (`.NAME.anystorage-copy-NUMBER`) may be left; nothing reuses it. If `from` is written meanwhile, the
    /// copy may hold some of those writes and not others.
    ///
    /// # Errors
    /// As [`open`](StorageBackend::open), [`write_at`](StorageFile::write_at) and [`rename`](StorageBackend::rename); after an error `to`
    /// is as it was.
    async fn copy(&self, from: &StoragePath, to: &StoragePath) -> Result<u64> {
        let copying = |error: Error| error.in_operation(Operation::Copy);
        let source = self.open(from, &OpenOptions::reading()).await.map_err(copying)?;
        if from == to {
            return Ok(source.stat().await.map_err(copying)?.len);
        }
        let replaced = found(self.stat(to).await).map_err(copying)?;
        if let Some(replaced) = &replaced {
            replaceable(replaced, Operation::Copy, to)?;
        }
        let (target, sibling) = create_sibling(self, to, "copy").await.map_err(|error| copying(error).with_path(to))?;
        let copied = async {
            let len = copy_bytes(&*source, &*target).await?;
            keep_mode(self, replaced.as_ref(), &sibling).await?;
            target.sync().await?;
            target.close().await?;
            source.close().await?;
            self.rename(&sibling, to).await?;
            Ok::<u64, Error>(len)
        };
        let outcome = copied.await;
        if outcome.is_err() {
            // Best effort: the error that matters is the first one.
            let _ = self.remove_file(&sibling).await;
        }
        outcome.map_err(|error| if error.path() == Some(&sibling) { copying(error).with_path(to) } else { copying(error) })
    }
}

#[engine]
impl<B: StorageBackend + ?Sized> StorageBackendExt for B {}

/// What a stat found, where finding nothing is an answer.
fn found(outcome: Result<Metadata>) -> Result<Option<Metadata>> {
    match outcome {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a removal came to, where being gone already is as good.
fn gone(outcome: Result<()>) -> Result<()> {
    outcome.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// A directory that `remove_dir_all` is emptying.
struct Inside {
    directory: StoragePath,
    /// Whether something in it, or further below, cannot be removed.
    keeps: bool,
}

/// Removes the innermost directory, which has been emptied.
async fn leave<B: StorageBackend + ?Sized>(backend: &B, inside: &mut Vec<Inside>) -> Result<()> {
    match inside.pop() {
        Some(left) if !left.keeps && !left.directory.is_root() => gone(backend.remove_dir(&left.directory).await),
        _ => Ok(()),
    }
}

/// The entries that `remove_dir_all` had to leave: their number, and the first few.
#[derive(Default)]
struct Kept {
    count: usize,
    shown: Vec<String>,
}

impl Kept {
    fn add(&mut self, directory: &StoragePath, name: &str) {
        self.count += 1;
        if self.shown.len() < 5 {
            self.shown.push(format!("{name:?} in {:?}", directory.as_str()));
        }
    }

    fn describe(&self) -> Option<String> {
        let more = self.count - self.shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (self.count > 0).then(|| format!("no path leads to {}{more}; remove them on the host", self.shown.join(", ")))
    }
}

/// Copies all bytes to an empty file; zeros become holes.
async fn copy_bytes(source: &dyn StorageFile, target: &dyn StorageFile) -> Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let count = source.read_at(at, &mut chunk).await?;
        let piece = chunk.get(..count).unwrap_or(&chunk);
        if piece.iter().any(|byte| *byte != 0) {
            target.write_at(at, piece).await?;
        }
        at += piece.len() as u64;
        if count < CHUNK {
            break;
        }
    }
    // Where the last bytes are a hole.
    target.set_len(at).await?;
    Ok(at)
}

use crate::{DirEntry, FileKind, Result, StorageBackend, StoragePath};

/// How many entries a walk asks a directory for at once.
const PAGE: usize = 256;

/// A walk through a directory and everything below it: [`walk`](crate::StorageBackendExt::walk) makes one.
///
/// Each directory comes before what is in it, and siblings come in the byte order of their names. Links are reported and not followed.
/// It holds one page of entries for each level it is in, whatever the size of the tree. What is created or removed meanwhile may or may
/// not be seen; everything else is seen once.
#[derive(Debug)]
pub struct Walk<'a, B: ?Sized> {
    backend: &'a B,
    levels: Vec<Level>,
}

/// A directory that the walk is in.
#[derive(Debug)]
struct Level {
    directory: StoragePath,
    /// The entries at hand, not yet seen.
    page: std::vec::IntoIter<DirEntry>,
    /// The last entry of the page: where the next one begins.
    after: Option<String>,
    /// Whether the page at hand is the last one.
    complete: bool,
}

/// What a walk meets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkEntry {
    /// Where it is; none where no path leads to it: its name is not UTF-8, or the path would be too long. The walk does not go into such
    /// a directory.
    pub path: Option<StoragePath>,
    /// The directory it is in.
    pub directory: StoragePath,
    /// Its name there, as [`DirEntry::name`].
    pub name: String,
    /// What it is; a link is a link, wherever it leads.
    pub kind: FileKind,
}

impl Level {
    fn new(directory: StoragePath) -> Self {
        Self { directory, page: Vec::new().into_iter(), after: None, complete: false }
    }
}

impl<'a, B: StorageBackend + ?Sized> Walk<'a, B> {
    pub(crate) fn new(backend: &'a B, directory: &StoragePath) -> Self {
        Self { backend, levels: vec![Level::new(directory.clone())] }
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// As [`list`](StorageBackend::list): [`NotFound`](crate::ErrorKind::NotFound) where a directory was removed before the walk came to
    /// it. The walk leaves that directory, and goes on behind it when called again.
    pub async fn next(&mut self) -> Result<Option<WalkEntry>> {
        loop {
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            if let Some(entry) = level.page.next() {
                let path = if entry.addressable { level.directory.join(&entry.name).ok() } else { None };
                let directory = level.directory.clone();
                if let (Some(path), FileKind::Directory) = (&path, entry.kind) {
                    self.levels.push(Level::new(path.clone()));
                }
                return Ok(Some(WalkEntry { path, directory, name: entry.name, kind: entry.kind }));
            }
            if level.complete {
                self.levels.pop();
                continue;
            }
            match self.backend.list(&level.directory, level.after.as_deref(), PAGE).await {
                Ok(entries) => {
                    level.complete = entries.len() < PAGE;
                    level.after = entries.last().map(|entry| entry.name.clone());
                    level.page = entries.into_iter();
                }
                Err(error) => {
                    self.levels.pop();
                    return Err(error);
                }
            }
        }
    }
}

use std::time::Instant;

use anystorage::StorageBackendExt;
use anystorage::{
    DirEntry, Error, ErrorKind, FileKind, Metadata, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath,
};

use super::PAGE;
use super::part::{self, Source};
use super::progress::Progress;
use super::report::{CopyReport, Side, reason_to_leave_out};
use super::same::same_bytes;

/// After how many bytes, or files and directories, all of them are made durable, so that a power cut loses no more than this, nor does a kill where unsynced
/// changes do not outlive one. By work done, not by time: how far a copy comes does not depend on the machine's load.
const BYTES_BETWEEN_SYNCS: u64 = 64 << 20;
const FILES_BETWEEN_SYNCS: u64 = 512;

/// Copies the file or the directory at `from` to `to`, which is the exact path of the copy.
///
/// It goes on behind an entry that fails by itself (no permission, a file where a directory should be, a name too long for the
/// destination) and stops at what would fail everywhere (no space, an input/output error of the destination). Both are in the report, and
/// whatever was copied is whole and synced.
pub(crate) async fn copy(
    source: &dyn StorageBackend,
    from: &StoragePath,
    destination: &dyn StorageBackend,
    to: &StoragePath,
    progress: &mut Progress,
    report: &mut CopyReport,
) {
    let start = Instant::now();
    let mut copier = Copier { source, destination, progress, report, unsynced_bytes: 0, unsynced_files: 0 };
    let copied = copier.run(from, to).await;
    log::debug!("syncing at the end");
    progress.sync();
    let synced = destination.sync().await;
    log::debug!("synced at the end");
    if let Err(error) = &synced {
        report.fail(to.as_str(), Side::Destination, error);
        report.stop(error.kind());
    }
    report.complete = copied.is_ok() && synced.is_ok();
    report.seconds = start.elapsed().as_secs_f64();
    progress.finish();
}

struct Copier<'a> {
    source: &'a dyn StorageBackend,
    destination: &'a dyn StorageBackend,
    progress: &'a mut Progress,
    report: &'a mut CopyReport,
    unsynced_bytes: u64,
    unsynced_files: u64,
}

/// A directory that is being copied: the walk keeps one page of each directory on its way down, and no more.
struct Level {
    from: StoragePath,
    to: StoragePath,
    page: std::vec::IntoIter<DirEntry>,
    after: Option<String>,
    last_page: bool,
}

impl Level {
    fn new(from: StoragePath, to: StoragePath) -> Self {
        Self { from, to, page: Vec::new().into_iter(), after: None, last_page: false }
    }

    async fn next(&mut self, source: &dyn StorageBackend) -> Result<Option<DirEntry>> {
        if self.page.len() == 0 && !self.last_page {
            let page = source.list(&self.from, self.after.as_deref(), PAGE).await?;
            self.last_page = page.len() < PAGE;
            self.after = page.last().map(|entry| entry.name.clone());
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}

impl Copier<'_> {
    async fn run(&mut self, from: &StoragePath, to: &StoragePath) -> Result<(), Stopped> {
        let found = match self.ready(from, to).await {
            Ok(found) => found,
            Err(trouble) => return self.go_on(from, Err(trouble.fatal())),
        };
        if !found.is_dir() {
            let copied = self.file(from, to).await;
            return self.go_on(from, copied);
        }
        let mut levels = vec![Level::new(from.clone(), to.clone())];
        while let Some(level) = levels.last_mut() {
            let entry = match level.next(self.source).await {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    let to = level.to.clone();
                    levels.pop();
                    let swept = self.sweep(&to).await.map_err(Trouble::destination);
                    self.go_on(&to, swept)?;
                    continue;
                }
                Err(error) => {
                    let from = level.from.clone();
                    levels.pop();
                    self.go_on(&from, Err(Trouble::source(error)))?;
                    continue;
                }
            };
            let (from, to) = (level.from.clone(), level.to.clone());
            if let Some(reason) = reason_to_leave_out(&entry) {
                let path = if from.is_root() { entry.name.clone() } else { format!("{from}/{}", entry.name) };
                self.report.leave_out(path, reason);
                continue;
            }
            let paths = from.join(&entry.name).and_then(|from| Ok((from, to.join(&entry.name)?)));
            let (from, to) = match paths {
                Ok(paths) => paths,
                Err(error) => {
                    self.report.fail(&format!("{from}/{}", entry.name), Side::Destination, &error);
                    continue;
                }
            };
            if entry.kind == FileKind::Directory {
                match self.directory(&to).await {
                    Ok(()) => levels.push(Level::new(from, to)),
                    Err(error) => self.go_on(&from, Err(Trouble::destination(error)))?,
                }
            } else {
                let copied = self.file(&from, &to).await;
                self.go_on(&from, copied)?;
            }
        }
        Ok(())
    }

    /// What is to be copied, once there is a directory for it.
    async fn ready(&mut self, from: &StoragePath, to: &StoragePath) -> Result<Metadata, Trouble> {
        let found = self.source.stat(from).await.map_err(Trouble::source)?;
        if let Some(parent) = to.parent() {
            self.destination.create_dir_all(&parent).await.map_err(Trouble::destination)?;
        }
        if found.is_dir() {
            self.directory(to).await.map_err(Trouble::destination)?;
        }
        Ok(found)
    }

    /// Makes sure that a directory is there.
    async fn directory(&mut self, to: &StoragePath) -> Result<()> {
        match self.destination.create_dir(to).await {
            Ok(()) => {
                self.report.directories += 1;
                self.unsynced_files += 1;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !self.destination.stat(to).await?.is_dir() {
                    return Err(Error::new(ErrorKind::NotADirectory, Operation::CreateDir)
                        .with_path(to)
                        .with_text("a file is where a directory should be: remove it or copy to another place"));
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn file(&mut self, from: &StoragePath, to: &StoragePath) -> Result<(), Trouble> {
        let file = self.source.open(from, &OpenOptions::reading()).await.map_err(Trouble::source)?;
        let found = file.stat().await.map_err(Trouble::source)?;
        let replaces = match self.destination.stat(to).await {
            Ok(there) if there.is_dir() => {
                return Err(Trouble::destination(
                    Error::new(ErrorKind::IsADirectory, Operation::Copy)
                        .with_path(to)
                        .with_text("a directory is where a file should be: remove it or copy to another place"),
                ));
            }
            Ok(there) if there.len == found.len => {
                if same_bytes(&*file, found.len, self.destination, to).await.map_err(Trouble::source)? {
                    self.report.skipped_equal += 1;
                    self.report.skipped_bytes += found.len;
                    self.progress.bytes(found.len);
                    self.progress.file();
                    return Ok(());
                }
                true
            }
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(Trouble::destination(error)),
        };
        let part = part::part_of(to).map_err(Trouble::destination)?;
        let mut source = FileSource { file: &*file, before: found, offset: 0, progress: self.progress, failed: false };
        // Where a sync is atomic, nothing of the new file is durable before all of it is.
        let sync_first = replaces && !self.destination.capabilities().atomic_sync;
        let stored = part::store(self.destination, to, &part, &mut source, sync_first).await;
        let bytes = stored.map_err(|error| if source.failed { Trouble::source(error) } else { Trouble::destination(error) })?;
        self.progress.file();
        self.report.files += 1;
        self.report.bytes += bytes;
        log::debug!("copied {to}, {bytes} bytes");
        self.unsynced_files += 1;
        self.unsynced_bytes += bytes;
        if self.unsynced_bytes >= BYTES_BETWEEN_SYNCS || self.unsynced_files >= FILES_BETWEEN_SYNCS {
            log::debug!("syncing on the way");
            self.destination.sync().await.map_err(|error| Trouble::destination(error).fatal())?;
            log::debug!("synced on the way");
            (self.unsynced_files, self.unsynced_bytes) = (0, 0);
        }
        Ok(())
    }

    /// Removes the part files that an interrupted run left: those of files which the source has no more, since all others were reused.
    async fn sweep(&mut self, to: &StoragePath) -> Result<()> {
        let mut after = Some(part::PREFIX.to_owned());
        loop {
            let page = self.destination.list(to, after.as_deref(), PAGE).await?;
            for entry in page.iter().filter(|entry| entry.addressable && entry.kind == FileKind::File && part::is_part(&entry.name)) {
                self.destination.remove_file(&to.join(&entry.name)?).await?;
                self.report.parts_removed += 1;
            }
            after = page.last().map(|entry| entry.name.clone());
            // Entries are listed in the order of their names, so those with the prefix are together.
            if page.len() < PAGE || after.as_ref().is_none_or(|last| !last.starts_with(part::PREFIX)) {
                return Ok(());
            }
        }
    }

    /// Records what failed. What failed by itself lets the rest go on.
    fn go_on(&mut self, path: &StoragePath, outcome: Result<(), Trouble>) -> Result<(), Stopped> {
        let Err(trouble) = outcome else {
            return Ok(());
        };
        let stops = trouble.ends_the_copy();
        self.report.fail(path.as_str(), trouble.side, &trouble.error);
        if stops {
            self.report.stop(trouble.error.kind());
            return Err(Stopped);
        }
        Ok(())
    }
}

/// The copy ended before its end; the last failure in the report says why.
struct Stopped;

/// An error, and whose it is: a source that cannot read one file can well read the next, a destination that cannot write cannot.
struct Trouble {
    side: Side,
    error: Error,
    is_fatal: bool,
}

impl Trouble {
    fn source(error: Error) -> Self {
        Self { side: Side::Source, error, is_fatal: false }
    }

    fn destination(error: Error) -> Self {
        Self { side: Side::Destination, error, is_fatal: false }
    }

    /// Whatever its kind, nothing more can be copied.
    fn fatal(self) -> Self {
        Self { is_fatal: true, ..self }
    }

    fn ends_the_copy(&self) -> bool {
        use ErrorKind::{
            AlreadyExists, Closed, Corrupt, DirectoryNotEmpty, Disconnected, InvalidInput, InvalidPath, IsADirectory, NotADirectory,
            NotFound, PermissionDenied,
        };
        let kind = self.error.kind();
        let by_its_kind = match self.side {
            Side::Source => matches!(kind, Closed | Disconnected),
            Side::Destination => !matches!(
                kind,
                AlreadyExists
                    | Corrupt
                    | DirectoryNotEmpty
                    | InvalidInput
                    | InvalidPath
                    | IsADirectory
                    | NotADirectory
                    | NotFound
                    | PermissionDenied
            ),
        };
        self.is_fatal || by_its_kind
    }
}

/// The bytes of a file that is copied.
struct FileSource<'a> {
    file: &'a dyn StorageFile,
    before: Metadata,
    offset: u64,
    progress: &'a Progress,
    failed: bool,
}

impl Source for FileSource<'_> {
    async fn fill(&mut self, buf: &mut [u8]) -> Result<usize> {
        let count = self.file.read_at(self.offset, buf).await.inspect_err(|_| self.failed = true)?;
        self.offset += count as u64;
        self.progress.bytes(count as u64);
        log::trace!("read up to byte {}", self.offset);
        Ok(count)
    }

    /// Bytes from before and after a change make a file that never was.
    async fn finish(&mut self) -> Result<()> {
        let now = self.file.stat().await.inspect_err(|_| self.failed = true)?;
        if now.revision == self.before.revision && now.len == self.before.len && self.offset == now.len {
            return Ok(());
        }
        self.failed = true;
        Err(Error::new(ErrorKind::Io, Operation::Copy).with_text("the file was changed while it was copied: run it again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    /// A log that grows while it is copied made a copy of old and new bytes.
    #[test]
    fn a_file_that_changes_meanwhile_is_not_taken_for_a_copy() {
        block_on(async {
            let storage = anystorage::open("memory:").await.unwrap();
            let path = StoragePath::parse("log").unwrap();
            let progress = Progress::hidden();
            let mut buf = [0; 64];
            for (changes, kept) in [(false, true), (true, false)] {
                storage.write(&path, &[1; 100]).await.unwrap();
                let file = storage.open(&path, &OpenOptions::editing()).await.unwrap();
                let before = file.stat().await.unwrap();
                let mut source = FileSource { file: &*file, before, offset: 0, progress: &progress, failed: false };
                assert_eq!(source.fill(&mut buf).await.unwrap(), 64);
                if changes {
                    file.write_at(0, &[2; 10]).await.unwrap();
                }
                assert_eq!(source.fill(&mut buf).await.unwrap(), 36);
                let finished = source.finish().await;
                assert_eq!(finished.is_ok(), kept);
                assert_eq!(source.failed, !kept, "it is the source's fault, and the next file may well be fine");
                if let Err(error) = finished {
                    assert!(error.to_string().contains("changed while it was copied"), "{error}");
                }
            }
        });
    }
}

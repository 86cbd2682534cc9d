use std::fmt::Debug;
use std::sync::Arc;

use crate::sibling::{create_sibling, keep_mode, replaceable};
use crate::{
    Attributes, Capabilities, DirEntry, Error, ErrorKind, MaybeSend, MaybeSync, Metadata, OpenOptions, Operation, Result, StorageFile,
    StoragePath, Usage, engine,
};

/// A tree of files and directories that an engine keeps, or that a layer passes on.
///
/// Implement it under [`engine`](crate::engine). The root always exists. Whoever opened the location holds it until
/// [`close`](Self::close) or the drop of the instance and of all its files (contract line 7). After `close` every call answers
/// [`Closed`](crate::ErrorKind::Closed).
///
/// In all calls: a path whose directories are missing is [`NotFound`](crate::ErrorKind::NotFound), one that leads through a file is
/// [`NotADirectory`](crate::ErrorKind::NotADirectory), and a name longer than [`max_name_len`](Capabilities::max_name_len) is
/// [`InvalidPath`](crate::ErrorKind::InvalidPath), refused before anything is touched.
#[engine]
pub trait StorageBackend: Debug + MaybeSend + MaybeSync + 'static {
    /// What the engine offers here. It never changes while the location is open.
    fn capabilities(&self) -> Capabilities;

    /// Opens a file, as `options` say.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for options that contradict themselves,
    /// [`IsADirectory`](crate::ErrorKind::IsADirectory), [`AlreadyExists`](crate::ErrorKind::AlreadyExists) with `create_new`,
    /// [`NotFound`](crate::ErrorKind::NotFound).
    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>>;

    /// What is at `path`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    async fn stat(&self, path: &StoragePath) -> Result<Metadata>;

    /// The entries of a directory in the byte order of their names: those behind `after`, at most `limit` of them. Fewer than `limit`
    /// means that there are no more; a `limit` of 0 gives none. Entries that come or go between pages may or may not be seen; all others
    /// are seen once.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory).
    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>>;

    /// Creates one directory.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) whatever is there, the root too.
    async fn create_dir(&self, path: &StoragePath) -> Result<()>;

    /// Removes a file's name. Handles that are open stay usable (contract line 12).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`IsADirectory`](crate::ErrorKind::IsADirectory).
    async fn remove_file(&self, path: &StoragePath) -> Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotADirectory`](crate::ErrorKind::NotADirectory),
    /// [`DirectoryNotEmpty`](crate::ErrorKind::DirectoryNotEmpty), [`InvalidInput`](crate::ErrorKind::InvalidInput) for the root.
    async fn remove_dir(&self, path: &StoragePath) -> Result<()>;

    /// Gives a file or a directory another path; an existing file at `to` is replaced in one step (contract line 4). Renaming to the same
    /// path changes nothing. Handles follow (contract line 12).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if `from` or the directory of `to` is missing; a file onto a directory is
    /// [`IsADirectory`](crate::ErrorKind::IsADirectory), a directory onto a file [`NotADirectory`](crate::ErrorKind::NotADirectory), a
    /// directory onto another one [`AlreadyExists`](crate::ErrorKind::AlreadyExists); a directory into itself, or the root, is
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput).
    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()>;

    /// Makes everything durable that this instance changed before the call: every file, closed ones too, every create, remove and rename
    /// (contract line 1).
    ///
    /// # Errors
    /// As [`StorageFile::sync`].
    async fn sync(&self) -> Result<()>;

    /// Gives the location free. It does not sync. Files that are still open answer [`Closed`](crate::ErrorKind::Closed) from then on.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) if it was closed before; what the host reports.
    async fn close(&self) -> Result<()>;

    /// The whole file.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`InvalidInput`](crate::ErrorKind::InvalidInput) if it does not fit into memory.
    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        let file = self.open(path, &OpenOptions::reading()).await?;
        let too_large = |len: u64| {
            Error::new(ErrorKind::InvalidInput, Operation::Read).with_path(path).with_text(format!("{len} bytes do not fit into memory"))
        };
        let mut data = Vec::new();
        loop {
            // The length is a hint: another handle may write meanwhile, so the end of the file is what a short read says.
            let len = file.stat().await?.len;
            let rest = len.saturating_sub(data.len() as u64).max(1);
            let rest = usize::try_from(rest).map_err(|_| too_large(len))?;
            data.try_reserve_exact(rest).map_err(|_| too_large(len))?;
            let filled = data.len();
            data.resize(filled + rest, 0);
            let count = match data.get_mut(filled..) {
                Some(buf) => file.read_at(filled as u64, buf).await?,
                None => 0,
            };
            data.truncate(filled + count);
            if count < rest {
                break;
            }
        }
        file.close().await?;
        Ok(data)
    }

    /// Replaces the whole file with `data`, or creates it, all or nothing (contract line 4). A file that is open meanwhile keeps its old
    /// bytes, as if it had been removed. Where attributes are kept, the new file has the mode of the old one.
    ///
    /// The default writes a new sibling, syncs it and renames it over `path`. Each call has a sibling of its own, so calls that overlap do
    /// not mix, and the last rename stays. After a kill the sibling (`.NAME.anystorage-write-NUMBER`, the name cut where it gets too long)
    /// may be left; nothing reuses it.
    ///
    /// Dropping the future of this default midway abandons the write: the old file is there, whole, and the sibling may be left. Contract
    /// line 6 promises more, a write that was polled runs to its end; so an engine whose calls may wait overrides this, as does one that
    /// has a better way.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`write_at`](StorageFile::write_at); after an error the old file is there, whole.
    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        if path.is_root() {
            return Err(Error::new(ErrorKind::IsADirectory, Operation::Write).with_path(path));
        }
        let found = match self.stat(path).await {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.in_operation(Operation::Write)),
        };
        if let Some(found) = &found {
            replaceable(found, Operation::Write, path)?;
        }
        let writing = |error: Error| error.in_operation(Operation::Write).with_path(path);
        let (file, sibling) = create_sibling(self, path, "write").await.map_err(writing)?;
        let written = async {
            file.write_at(0, data).await?;
            keep_mode(self, found.as_ref(), &sibling).await?;
            file.sync().await?;
            file.close().await?;
            self.rename(&sibling, path).await
        };
        let outcome = written.await;
        if outcome.is_err() {
            // Best effort: the error that matters is the first one.
            let _ = self.remove_file(&sibling).await;
        }
        outcome.map_err(writing)
    }

    /// How full the location is.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) unless [`usage`](Capabilities::usage) is declared; that is the default.
    async fn usage(&self) -> Result<Usage> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Usage))
    }

    /// Sets permissions, times or the target of a link of a file, a directory or the root: what is given, and nothing else. [`stat`] and
    /// [`StorageFile::stat`] tell them afterwards. They follow a rename, and are gone with the file.
    ///
    /// - The mode is kept, never enforced. A whole-file [`write`] over a file keeps its mode.
    /// - A `modified` that is set stays until the next change of the bytes (of a directory: of its entries).
    /// - A link target makes an empty file a symbolic link, and changes where a link leads. `stat` and [`list`] tell of a
    ///   [`Symlink`](crate::FileKind::Symlink) of length 0. The engine never follows it: [`open`], [`read`] and [`write`] at its path are
    ///   [`InvalidInput`] (an `open` with `create_new` is [`AlreadyExists`](crate::ErrorKind::AlreadyExists)), a path that leads through it is
    ///   [`NotADirectory`](crate::ErrorKind::NotADirectory). [`rename`], also over it, [`remove_file`] and `set_attributes` work on the link
    ///   itself. Handles that were open before go on reading an empty file and may sync it; changes through them are [`InvalidInput`].
    ///
    /// A [`StorageFile::sync`] covers the attributes of its file, a backend [`sync`] those of everything, directories too (contract line 1).
    ///
    /// [`stat`]: Self::stat
    /// [`list`]: Self::list
    /// [`open`]: Self::open
    /// [`read`]: Self::read
    /// [`write`]: Self::write
    /// [`rename`]: Self::rename
    /// [`remove_file`]: Self::remove_file
    /// [`sync`]: Self::sync
    /// [`InvalidInput`]: crate::ErrorKind::InvalidInput
    ///
    /// # Errors
    /// Nothing is set after an error. [`NotFound`](crate::ErrorKind::NotFound); [`InvalidInput`] for a mode beyond
    /// [`MAX_MODE`](Attributes::MAX_MODE), for an empty link target or one with a NUL, and for any on a directory or on a file that is not
    /// empty. [`Unsupported`](crate::ErrorKind::Unsupported) unless [`attributes`](Capabilities::attributes) is declared; that is the
    /// default.
    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        let _ = attributes;
        Err(Error::new(ErrorKind::Unsupported, Operation::SetAttributes).with_path(path))
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[engine]
        impl<B: StorageBackend + ?Sized> StorageBackend for $pointer<B> {
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
                (**self).open(path, options).await
            }
            async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
                (**self).stat(path).await
            }
            async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
                (**self).list(directory, after, limit).await
            }
            async fn create_dir(&self, path: &StoragePath) -> Result<()> {
                (**self).create_dir(path).await
            }
            async fn remove_file(&self, path: &StoragePath) -> Result<()> {
                (**self).remove_file(path).await
            }
            async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
                (**self).remove_dir(path).await
            }
            async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
                (**self).rename(from, to).await
            }
            async fn sync(&self) -> Result<()> {
                (**self).sync().await
            }
            async fn close(&self) -> Result<()> {
                (**self).close().await
            }
            async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
                (**self).read(path).await
            }
            async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
                (**self).write(path, data).await
            }
            async fn usage(&self) -> Result<Usage> {
                (**self).usage().await
            }
            async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
                (**self).set_attributes(path, attributes).await
            }
        }
    };
}

forward!(Box);
forward!(Arc);

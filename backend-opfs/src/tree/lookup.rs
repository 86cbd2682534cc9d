//! From paths to directories and entries of OPFS.

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};
use anystorage_browser_host::exception::Exception;

use super::location::Location;
use crate::host::{Directory, Entry};
use crate::names::to_host;

/// How many directories are remembered.
const MOST_DIRECTORIES: usize = 1000;

impl Location {
    /// The directory at a path.
    pub(super) async fn directory(&self, path: &StoragePath, operation: Operation) -> Result<Directory> {
        if path.is_root() {
            return Ok(self.root.clone());
        }
        if let Some(found) = self.directories.borrow().get(path) {
            return Ok(found.clone());
        }
        let mut directory = self.root.clone();
        let mut at = StoragePath::root();
        for part in path.parts() {
            at = at.join(part)?;
            let known = self.directories.borrow().get(&at).cloned();
            directory = match known {
                Some(known) => known,
                None => {
                    let found = directory.directory(&to_host(part), false).await.map_err(missing_directory(operation))?;
                    if self.directories.borrow().len() >= MOST_DIRECTORIES {
                        self.directories.borrow_mut().clear();
                    }
                    self.directories.borrow_mut().insert(at.clone(), found.clone());
                    found
                }
            };
        }
        Ok(directory)
    }

    /// The directory that a path is in, and its name there as OPFS has it. Not for the root.
    pub(super) async fn place<'p>(&self, path: &'p StoragePath, operation: Operation) -> Result<(Directory, std::borrow::Cow<'p, str>)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text("the root has no place"));
        };
        Ok((self.directory(&parent, operation).await?, to_host(name)))
    }

    /// What is at a path; none if there is nothing.
    pub(super) async fn find(&self, path: &StoragePath, operation: Operation) -> Result<Option<Entry>> {
        if path.is_root() {
            return Ok(Some(Entry::Directory(self.root.clone())));
        }
        if let Some(node) = self.node(path) {
            return Ok(Some(Entry::File(node.plain())));
        }
        let (directory, name) = self.place(path, operation).await?;
        match directory.entry(&name).await {
            Ok(entry) => Ok(Some(entry)),
            Err(exception) if exception.name() == "NotFoundError" => Ok(None),
            Err(exception) => Err(exception.into_error(operation)),
        }
    }

    /// What is at a path.
    pub(super) async fn entry(&self, path: &StoragePath, operation: Operation) -> Result<Entry> {
        self.find(path, operation).await?.ok_or_else(|| Error::new(ErrorKind::NotFound, operation))
    }
}

/// The error of looking for a directory.
fn missing_directory(operation: Operation) -> impl Fn(Exception) -> Error {
    move |exception| match exception.name() {
        "TypeMismatchError" => Error::new(ErrorKind::NotADirectory, operation),
        "NotFoundError" => Error::new(ErrorKind::NotFound, operation),
        _ => exception.into_error(operation),
    }
}

//! Files without a name of their own, in a directory that is emptied when its location is opened.

use std::cell::Cell;

use anystorage_api::{Operation, Result};
use anystorage_browser_host::exception::Exception;

use crate::host::{Directory, Plain};

/// The directory that has them, each under a number.
#[derive(Debug)]
pub(crate) struct Hidden {
    directory: Directory,
    next: Cell<u64>,
}

impl Hidden {
    /// Over a directory that is empty.
    pub(crate) const fn new(directory: Directory) -> Self {
        Self { directory, next: Cell::new(0) }
    }

    fn next(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// A new file.
    pub(crate) async fn create(&self, operation: Operation) -> Result<(Plain, u64)> {
        let number = self.next();
        let plain = self.directory.file(&number.to_string(), true).await.map_err(|exception| exception.into_error(operation))?;
        Ok((plain, number))
    }

    /// Takes a file in, which loses its name by that.
    pub(crate) async fn take_in(&self, plain: &Plain) -> Result<(Plain, u64), Exception> {
        let number = self.next();
        plain.move_to(&self.directory, &number.to_string()).await?;
        Ok((self.directory.file(&number.to_string(), false).await?, number))
    }

    /// Removes a file.
    pub(crate) async fn remove(&self, number: u64) -> Result<(), Exception> {
        self.directory.remove(&number.to_string()).await
    }

    /// Removes a file in which something went wrong, and what its streams have left. Best effort: opening the location does it as well.
    pub(crate) async fn discard(&self, number: u64) {
        let _ = self.remove(number).await;
        let streams = format!("{number}.");
        for (name, _) in self.directory.entries().await.unwrap_or_default() {
            if name.starts_with(&streams) {
                let _ = self.directory.remove(&name).await;
            }
        }
    }
}

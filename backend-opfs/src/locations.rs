//! The locations of this origin: listing them, removing one.

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

use crate::hold::Hold;
use crate::host::{Directory, failed};
use crate::layout::Layout;
use crate::names::{HIDDEN, PACKED, POOL, from_host, to_host};
use crate::names_log::pass_over_what_is_torn;

/// Removes a location, with all that is in it.
///
/// # Errors
/// [`Locked`](ErrorKind::Locked) if it is open, here or in another tab; [`NotFound`](ErrorKind::NotFound) if there is none of this name, and
/// for a directory that was never opened as one; [`InvalidInput`](ErrorKind::InvalidInput) for the root of the origin, where other
/// programs may have files.
pub async fn remove(name: &str) -> Result<()> {
    let operation = Operation::OpenLocation;
    let path = StoragePath::parse(name)?;
    let (Some(parent), Some(last)) = (path.parent(), path.file_name()) else {
        return Err(Error::new(ErrorKind::InvalidInput, operation).with_text("the root of the origin's private file system stays"));
    };
    let hold = Hold::take(&path).await?;
    let removed = async {
        let origin = Directory::of_origin().await?;
        pass_over_what_is_torn(&origin).await;
        let directory = origin.below(parent.parts().map(to_host), false).await.map_err(failed(operation))?;
        let location = directory.directory(&to_host(last), false).await.map_err(failed(operation))?;
        if Layout::of_directory(&location).await?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, operation).with_text("it was never opened as a location"));
        }
        directory.remove_all(&to_host(last)).await.map_err(failed(operation))
    };
    let removed = removed.await.map_err(|error| error.with_path(&path));
    hold.release().await;
    removed
}

/// The names of all locations of this origin, in the order of their bytes. Of those that lie in another one nothing is told.
///
/// # Errors
/// What the browser reports.
pub async fn list() -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = vec![(StoragePath::root(), Directory::of_origin().await?)];
    while let Some((path, directory)) = waiting.pop() {
        let entries = directory.entries().await?;
        if entries.iter().any(|(name, is_directory)| if *is_directory { name == HIDDEN || name == POOL } else { name == PACKED }) {
            found.push(path.to_string());
            continue;
        }
        for (host, is_directory) in entries {
            let Some(name) = from_host(&host).filter(|_| is_directory) else { continue };
            // One that was removed meanwhile has no locations.
            let (Ok(inner), Ok(directory)) = (path.join(&name), directory.directory(&host, false).await) else { continue };
            waiting.push((inner, directory));
        }
    }
    found.sort_unstable();
    Ok(found)
}

use std::path::{Path, PathBuf};

use anystorage::{Error, ErrorKind, Location, Operation, StoragePath, StorageUrl};

use crate::place::Place;

/// Refuses a copy whose two ends are one inside the other, or the same: it would read what it writes.
///
/// # Errors
/// [`ErrorKind::InvalidInput`].
pub(crate) fn refuse_overlap(from: &Place, to: &Place) -> Result<(), Error> {
    let (source, destination) = if is_same_store(&from.url, &to.url) {
        (below(Path::new("/"), &from.path), below(Path::new("/"), &to.path))
    } else if let (Some(source), Some(destination)) = (host_path(from), host_path(to)) {
        (source, destination)
    } else {
        return Ok(());
    };
    if !source.starts_with(&destination) && !destination.starts_with(&source) {
        return Ok(());
    }
    let relation = if source == destination {
        "source and destination are the same"
    } else if destination.starts_with(&source) {
        "the destination is inside the source"
    } else {
        "the source is inside the destination"
    };
    let why = format!("{relation} ({source:?}, {destination:?}): copy to a place outside it");
    Err(Error::new(ErrorKind::InvalidInput, Operation::Copy).with_text(why))
}

/// Whether both URLs lead to one location that can be opened only once: the same store of the same engine.
pub(crate) fn is_same_store(one: &StorageUrl, other: &StorageUrl) -> bool {
    match (one.location(), other.location()) {
        (Location::Sled { directory: ours, .. }, Location::Sled { directory: theirs, .. })
        | (Location::Redb { file: ours, .. }, Location::Redb { file: theirs, .. }) => resolved(ours) == resolved(theirs),
        _ => false,
    }
}

/// What a place occupies on the host, links resolved as far as the path exists; none for places that are not on the host. A place in a
/// store occupies the whole store.
fn host_path(place: &Place) -> Option<PathBuf> {
    match place.url.location() {
        Location::Files { root, .. } => Some(resolved(&below(root, &place.path))),
        _ => place.url.host_path().map(resolved),
    }
}

fn below(root: &Path, path: &StoragePath) -> PathBuf {
    path.parts().fold(root.to_owned(), |at, part| at.join(part))
}

fn resolved(path: &Path) -> PathBuf {
    if let Ok(exact) = path.canonicalize() {
        return exact;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}

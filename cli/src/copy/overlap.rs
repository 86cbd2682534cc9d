use std::path::{Path, PathBuf};

use anystorage::{Error, ErrorKind, Location, Operation, StoragePath};

use crate::place::Place;

/// Refuses a copy whose two ends are one inside the other, or the same: it would read what it writes.
///
/// # Errors
/// [`ErrorKind::InvalidInput`].
pub(crate) fn refuse_overlap(from: &Place, to: &Place) -> Result<(), Error> {
    let (Some(source), Some(destination)) = (host_path(from), host_path(to)) else {
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

/// Where a place is on the host, links resolved as far as the path exists; none for places that are not on the host.
fn host_path(place: &Place) -> Option<PathBuf> {
    let Location::Files { root, .. } = place.url.location() else {
        return None;
    };
    Some(resolved(&below(root, &place.path)))
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

//! The way to a location: directories that are missing are created, durably.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates the directory and those above it where they are missing; each is durable when this returns.
pub(crate) fn create_root(root: &Path) -> io::Result<()> {
    match fs::create_dir(root) {
        Ok(()) => sync_above(root),
        Err(_) if root.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) else { return Err(error) };
            create_root(above)?;
            match fs::create_dir(root) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => sync_above(root),
            }
        }
        Err(error) => Err(error),
    }
}

pub(crate) fn sync_above(path: &Path) -> io::Result<()> {
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    File::open(above)?.sync_all()
}

//! Programs on the `PATH`.

use std::env;
use std::path::{Path, PathBuf};

/// The first of these programs that is there: names on the `PATH`, or paths.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    names.iter().find_map(|name| {
        if Path::new(name).is_absolute() {
            return Some(PathBuf::from(name)).filter(|path| path.is_file());
        }
        env::split_paths(&paths).map(|directory| directory.join(name)).find(|path| path.is_file())
    })
}

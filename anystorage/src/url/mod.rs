use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::{Deserialize, Serialize};

use crate::engine::{ENGINES, EngineInfo};

mod location;
mod parameters;
mod syntax;

pub use location::{FilesMode, Location, OpfsIo, OpfsLayout, OpfsOptions, StoreMode, StoreOptions};
use parameters::Parameters;
use syntax::{malformed, refused};

/// Which location to open and how: parsed once, valid from then on.
///
/// | URL | location |
/// |---|---|
/// | `memory:` | bytes in memory, gone with the instance |
/// | `memory:?limit=64MiB` | the same, full at that size |
/// | `file:///var/lib/notes` | a host directory, created if it is missing; every file in it is a host file |
/// | `file:///var/lib/notes?mode=rwc` | the same |
/// | `file:///mnt/disk/notes?mode=rw` | a host directory that must be there: an unmounted disk is an error, and not an empty store |
/// | `file:///var/lib/notes?mode=ro` | a host directory that must be there, without a lock and without a change |
/// | `sled:///var/lib/notes` | a sled store in a directory of its own, created if it is missing |
/// | `redb:///var/lib/notes.redb` | a redb store in one host file, created if it is missing |
/// | `redb:///var/lib/notes.redb?mode=rw` | the same, if it is there |
/// | `redb:///var/lib/notes.redb?block=4KiB&cache=32MiB` | the same in blocks of 4 KiB, with about 32 MiB of it in memory |
/// | `opfs://notes` | a directory of the origin's private file system, created if it is missing; for dedicated workers |
/// | `opfs://notes?layout=packed` | the same in one file of that directory, for many small files |
/// | `opfs://shop?layout=pool&capacity=32` | the same in files that are opened ahead, for databases; in dedicated workers |
/// | `idb://notes` | an IndexedDB database of the origin, created if it is missing |
/// | `idb://notes?mode=rw&block=16KiB` | the same, if it is there |
///
/// The modes are those of SQLite's [URI filenames](https://www.sqlite.org/uri.html). `file:` alone has `ro`. The other parameters are
/// told at [`StoreOptions`] and [`OpfsOptions`].
///
/// Characters that a URL cannot hold are written `%20`, as in every URL; [`StorageUrl::directory`] and [`StorageUrl::on_host`] do it for a
/// path. A URL holds no secrets: one with a user name or a password is refused.
///
/// ```
/// use anystorage::{FilesMode, Location, StorageUrl};
///
/// let url = StorageUrl::parse("file:///srv/my%20notes?mode=ro")?;
/// let Location::Files { root, mode, .. } = url.location() else { unreachable!() };
/// assert_eq!(root.to_str(), Some("/srv/my notes"));
/// assert_eq!(*mode, FilesMode::ReadOnly);
///
/// let error = StorageUrl::parse("file:///srv/notes?mod=ro").unwrap_err();
/// assert!(error.to_string().contains("\"mod\""));
/// # Ok::<(), anystorage::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorageUrl {
    text: String,
    location: Location,
}

/// What the path of a URL cannot show as it is.
const ESCAPED_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'+');

impl StorageUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] for what is not a URL or leads nowhere, [`ErrorKind::InvalidInput`] for a parameter that is unknown,
    /// doubled or makes no sense, [`ErrorKind::Unsupported`] for a scheme that has no engine. The text names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let url = syntax::parse(text)?;
        let engine = ENGINES.iter().find(|engine| engine.scheme == url.scheme()).ok_or_else(|| {
            let why = format!("no engine for the scheme {:?} in this version, there are {}", url.scheme(), known_schemes());
            refused(ErrorKind::Unsupported, text, why)
        })?;
        let parameters = Parameters::of(&url, text, engine)?;
        let location = match engine.scheme {
            "file" => Location::Files { root: syntax::host_path(&url, text, "directory")?, mode: parameters.files_mode()? },
            "sled" => Location::Sled { directory: syntax::host_path(&url, text, "directory")?, options: parameters.store_options()? },
            "redb" => {
                let file = syntax::host_path(&url, text, "file")?;
                if url.path().ends_with('/') {
                    return Err(malformed(text, "it ends with a slash: a redb store is a file, and not a directory"));
                }
                Location::Redb { file, options: parameters.store_options()? }
            }
            "opfs" => Location::Opfs { name: syntax::origin_name(&url, text)?, options: parameters.opfs_options()? },
            "idb" => Location::Idb { name: syntax::origin_name(&url, text)?, options: parameters.store_options()? },
            _ => {
                if !url.path().is_empty() || url.has_host() {
                    return Err(malformed(text, "memory: has no name and no path, because each opening is a location of its own"));
                }
                Location::Memory { limit: parameters.limit()? }
            }
        };
        Ok(Self { text: url.into(), location })
    }

    /// The `file:` URL of a host directory.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use anystorage::StorageUrl;
    /// use std::path::Path;
    ///
    /// let url = StorageUrl::directory(Path::new("/srv/my notes #2"))?;
    /// assert_eq!(url.as_str(), "file:///srv/my%20notes%20%232");
    /// # }
    /// # Ok::<(), anystorage::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] if the path is relative, or has `..` in it.
    pub fn directory(path: &Path) -> Result<Self> {
        Self::on_host("file", path)
    }

    /// The URL of a place on the host, without parameters, for an engine that keeps its location there: `file`, `sled`, `redb`.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use anystorage::StorageUrl;
    /// use std::path::Path;
    ///
    /// let url = StorageUrl::on_host("redb", Path::new("/srv/my notes.redb"))?;
    /// assert_eq!(url.as_str(), "redb:///srv/my%20notes.redb");
    /// # }
    /// # Ok::<(), anystorage::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] if the path is relative, or has `..` in it; those of [`parse`](Self::parse) for a scheme that takes no
    /// path.
    pub fn on_host(scheme: &str, path: &Path) -> Result<Self> {
        if !path.has_root() {
            let why = format!("the path {path:?} is relative, and a URL needs an absolute one");
            return Err(Error::new(ErrorKind::InvalidPath, Operation::Configure).with_text(why));
        }
        Self::parse(&format!("{scheme}://{}", percent_encode(path.as_os_str().as_encoded_bytes(), ESCAPED_IN_PATHS)))
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it leads to.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// The engine it asks for, whether that is in this build or not.
    #[must_use]
    pub fn engine(&self) -> &'static EngineInfo {
        match self.location {
            Location::Memory { .. } => &crate::engine::MEMORY,
            Location::Files { .. } => &crate::engine::FILES,
            Location::Sled { .. } => &crate::engine::SLED,
            Location::Redb { .. } => &crate::engine::REDB,
            Location::Opfs { .. } => &crate::engine::OPFS,
            Location::Idb { .. } => &crate::engine::IDB,
        }
    }

    /// The path on the host that the location is at, where it is at one: the directory of `file:` and `sled:`, the file of `redb:`.
    #[must_use]
    pub fn host_path(&self) -> Option<&Path> {
        match &self.location {
            Location::Memory { .. } | Location::Opfs { .. } | Location::Idb { .. } => None,
            Location::Files { root: path, .. } | Location::Sled { directory: path, .. } | Location::Redb { file: path, .. } => Some(path),
        }
    }

    /// The same location for looking at it, which never creates it. Where the engine has a mode for reading alone, it is that one, so
    /// nothing can be changed; the others have none, and are opened for writing, with a lock, if they are there (`mode=rw`).
    ///
    /// ```
    /// use anystorage::StorageUrl;
    ///
    /// assert_eq!(StorageUrl::parse("file:///srv/notes")?.read_only().as_str(), "file:///srv/notes?mode=ro");
    /// assert_eq!(StorageUrl::parse("redb:///srv/notes")?.read_only().as_str(), "redb:///srv/notes?mode=rw");
    /// # Ok::<(), anystorage::Error>(())
    /// ```
    #[must_use]
    pub fn read_only(&self) -> Self {
        match &self.location {
            Location::Memory { .. } => self.clone(),
            Location::Files { .. } => self.in_mode("ro"),
            Location::Sled { .. } | Location::Redb { .. } | Location::Opfs { .. } | Location::Idb { .. } => self.in_mode("rw"),
        }
    }

    /// The same location, an error if it is missing, where the URL does not name a mode itself; otherwise the URL as it is.
    ///
    /// ```
    /// use anystorage::StorageUrl;
    ///
    /// assert_eq!(StorageUrl::parse("file:///srv/notes")?.existing().as_str(), "file:///srv/notes?mode=rw");
    /// assert_eq!(StorageUrl::parse("file:///srv/notes?mode=rwc")?.existing().as_str(), "file:///srv/notes?mode=rwc");
    /// assert_eq!(StorageUrl::parse("sled:///srv/notes?block=4KiB")?.existing().as_str(), "sled:///srv/notes?block=4KiB&mode=rw");
    /// # Ok::<(), anystorage::Error>(())
    /// ```
    #[must_use]
    pub fn existing(&self) -> Self {
        let (_, query) = self.without_query();
        if matches!(self.location, Location::Memory { .. }) || parameters::names_mode(query) { self.clone() } else { self.in_mode("rw") }
    }

    /// With another mode, and all other parameters as they are.
    fn in_mode(&self, mode: &str) -> Self {
        let mut location = self.location.clone();
        match &mut location {
            Location::Memory { .. } => {}
            Location::Files { mode: ours, .. } => *ours = if mode == "ro" { FilesMode::ReadOnly } else { FilesMode::ReadWrite },
            Location::Sled { options, .. } | Location::Redb { options, .. } | Location::Idb { options, .. } => {
                options.mode = StoreMode::ReadWrite;
            }
            Location::Opfs { options, .. } => options.mode = StoreMode::ReadWrite,
        }
        let (before, query) = self.without_query();
        Self { text: format!("{before}?{}", parameters::with_mode(query, mode)), location }
    }

    /// What stands before the `?`, and behind it.
    fn without_query(&self) -> (&str, &str) {
        self.text.split_once('?').unwrap_or((&self.text, ""))
    }

    /// Whether nothing can be changed through it.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        matches!(self.location, Location::Files { mode: FilesMode::ReadOnly, .. })
    }
}

/// `memory:, file:, sled: and redb:`
fn known_schemes() -> String {
    let known: Vec<String> = ENGINES.iter().map(|engine| format!("{}:", engine.scheme)).collect();
    match known.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => known.join(", "),
    }
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for StorageUrl {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for StorageUrl {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<StorageUrl> for String {
    fn from(url: StorageUrl) -> Self {
        url.text
    }
}

use std::cell::RefCell;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anystorage_api::{Error, ErrorKind, Operation, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use serde::{Deserialize, Serialize};
use url::{SyntaxViolation, Url};

use crate::engine::{ENGINES, EngineInfo};
use crate::size::ByteSize;

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
///
/// The modes are those of SQLite's [URI filenames](https://www.sqlite.org/uri.html).
///
/// Characters that a URL cannot hold are written `%20`, as in every URL; [`StorageUrl::directory`] does it for a path. A URL holds no
/// secrets: one with a user name or a password is refused.
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

/// What a [`StorageUrl`] leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// `memory:`
    #[non_exhaustive]
    Memory {
        /// The size at which it is full; none where only the machine's memory limits it.
        limit: Option<ByteSize>,
    },
    /// `file:///...`
    #[non_exhaustive]
    Files {
        /// The root directory, absolute.
        root: PathBuf,
        /// The parameter `mode`.
        mode: FilesMode,
    },
}

/// The parameter `mode` of a `file:` URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilesMode {
    /// `ro`: opened without a lock, and nothing can be changed. The directory must exist.
    ReadOnly,
    /// `rw`: for reading and writing. The directory must exist.
    ReadWrite,
    /// `rwc`: for reading and writing. The directory and those that lead to it are created if they are missing.
    #[default]
    ReadWriteCreate,
}

/// What a `file:` URL cannot show as it is.
const ESCAPED_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'+');

impl StorageUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] for what is not a URL or leads nowhere, [`ErrorKind::InvalidInput`] for a parameter that is unknown,
    /// doubled or makes no sense, [`ErrorKind::Unsupported`] for a scheme that has no engine. The text names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let url = parse_syntax(text)?;
        let engine = ENGINES.iter().find(|engine| engine.scheme == url.scheme()).ok_or_else(|| {
            let known: Vec<String> = ENGINES.iter().map(|engine| format!("{}:", engine.scheme)).collect();
            refused(
                ErrorKind::Unsupported,
                text,
                format!("no engine for the scheme {:?} in this version, there are {}", url.scheme(), known.join(" and ")),
            )
        })?;
        let mut parameters = Parameters::of(&url, text, engine)?;
        let location = match engine.scheme {
            "file" => Location::Files { root: host_directory(&url, text)?, mode: parameters.take("mode", parse_mode)?.unwrap_or_default() },
            _ => {
                if !url.path().is_empty() || url.has_host() {
                    return Err(malformed(text, "memory: has no name and no path, because each opening is a location of its own"));
                }
                Location::Memory { limit: parameters.take("limit", |value| value.parse().map_err(|error| format!("{error}")))? }
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
        if !path.has_root() {
            let why = format!("the directory {path:?} is relative, and a URL needs an absolute one");
            return Err(Error::new(ErrorKind::InvalidPath, Operation::Configure).with_text(why));
        }
        Self::parse(&format!("file://{}", percent_encode(path.as_os_str().as_encoded_bytes(), ESCAPED_IN_PATHS)))
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
        }
    }

    /// The same location for reading alone, where the engine has such a mode; otherwise the URL as it is.
    ///
    /// ```
    /// use anystorage::StorageUrl;
    ///
    /// assert_eq!(StorageUrl::parse("file:///srv/notes")?.read_only().as_str(), "file:///srv/notes?mode=ro");
    /// # Ok::<(), anystorage::Error>(())
    /// ```
    #[must_use]
    pub fn read_only(&self) -> Self {
        match &self.location {
            Location::Memory { .. } => self.clone(),
            Location::Files { root, .. } => self.in_mode(root, FilesMode::ReadOnly, "ro"),
        }
    }

    /// The same location, an error if it is missing, where the URL does not name a mode itself; otherwise the URL as it is.
    ///
    /// ```
    /// use anystorage::StorageUrl;
    ///
    /// assert_eq!(StorageUrl::parse("file:///srv/notes")?.existing().as_str(), "file:///srv/notes?mode=rw");
    /// assert_eq!(StorageUrl::parse("file:///srv/notes?mode=rwc")?.existing().as_str(), "file:///srv/notes?mode=rwc");
    /// # Ok::<(), anystorage::Error>(())
    /// ```
    #[must_use]
    pub fn existing(&self) -> Self {
        // There is no other parameter.
        let names_mode = self.text.split_once('?').is_some_and(|(_, query)| !query.is_empty());
        match &self.location {
            Location::Files { root, .. } if !names_mode => self.in_mode(root, FilesMode::ReadWrite, "rw"),
            _ => self.clone(),
        }
    }

    fn in_mode(&self, root: &Path, mode: FilesMode, name: &str) -> Self {
        let without_query = self.text.split_once('?').map_or(self.text.as_str(), |(before, _)| before);
        Self { text: format!("{without_query}?mode={name}"), location: Location::Files { root: root.to_owned(), mode } }
    }

    /// Whether nothing can be changed through it.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        matches!(self.location, Location::Files { mode: FilesMode::ReadOnly, .. })
    }
}

fn parse_syntax(text: &str) -> Result<Url> {
    if authority(text).is_some_and(|authority| authority.contains('@')) {
        return Err(malformed(text, "it has a user name or a password, and a URL holds no secrets"));
    }
    let violations = RefCell::new(Vec::new());
    let record = |violation: SyntaxViolation| violations.borrow_mut().push(violation);
    let url = Url::options().syntax_violation_callback(Some(&record)).parse(text).map_err(|error| {
        let why = match error {
            url::ParseError::RelativeUrlWithoutBase => {
                "it has no scheme: a directory is written file:///absolute/directory, memory is memory:".to_owned()
            }
            error => error.to_string(),
        };
        malformed(text, why)
    })?;
    // The URL standard mends what browsers meet in the wild. A location that is not quite the one that was written is worse than an error.
    for violation in violations.borrow().iter() {
        let why = match violation {
            SyntaxViolation::Backslash => r"it has a backslash: write / between directories, and %5C for a backslash in a name",
            SyntaxViolation::C0SpaceIgnored => "it begins or ends with a space or a control character",
            SyntaxViolation::TabOrNewlineIgnored => "it has a tab or a line break: write %09, %0A or %0D",
            SyntaxViolation::PercentDecode => "a % is not followed by two hexadecimal digits: write %25 for the character itself",
            SyntaxViolation::ExpectedFileDoubleSlash if written_path(text).starts_with('/') => {
                let why = format!("two slashes are missing: write file://{}", written_path(text));
                return Err(malformed(text, why));
            }
            SyntaxViolation::ExpectedFileDoubleSlash | SyntaxViolation::ExpectedDoubleSlash => {
                "the directory is relative: write file:///absolute/directory"
            }
            _ => continue,
        };
        return Err(malformed(text, why));
    }
    if let Some(fragment) = url.fragment() {
        return Err(malformed(text, format!("it has a fragment, \"#{fragment}\": write %23 for the character itself")));
    }
    Ok(url)
}

/// What stands behind the scheme.
fn written_path(text: &str) -> &str {
    text.split_once(':').map_or("", |(_, rest)| rest)
}

/// The directory that a `file:` URL names, byte for byte.
fn host_directory(url: &Url, text: &str) -> Result<PathBuf> {
    if let Some(host) = url.host_str() {
        let why = format!("it names the host {host:?}: a directory of this machine has three slashes, file:///{host}{}", url.path());
        return Err(malformed(text, why));
    }
    let written = text.split_once("//").map_or("", |(_, rest)| rest.split(['?', '#']).next().unwrap_or_default());
    let Some(start) = written.find('/') else {
        return Err(malformed(text, "it names no directory: write file:///absolute/directory"));
    };
    let bytes: Vec<u8> = percent_decode_str(written.get(start..).unwrap_or_default()).collect();
    if bytes.split(|byte| *byte == b'/').any(|part| part == b".." || part == b".") {
        return Err(malformed(text, "the directory has a part \".\" or \"..\": write the directory it leads to"));
    }
    if bytes.contains(&0) {
        return Err(malformed(text, "the directory contains a NUL character"));
    }
    if bytes != percent_decode_str(url.path()).collect::<Vec<u8>>() {
        return Err(malformed(
            text,
            format!("the directory would be read as {:?}: write it so, or with %XX for special characters", url.path()),
        ));
    }
    let root = PathBuf::from(os_string(bytes).ok_or_else(|| malformed(text, "the directory is not UTF-8"))?);
    Ok(root)
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

fn parse_mode(value: &str) -> std::result::Result<FilesMode, String> {
    match value {
        "ro" => Ok(FilesMode::ReadOnly),
        "rw" => Ok(FilesMode::ReadWrite),
        "rwc" => Ok(FilesMode::ReadWriteCreate),
        _ => Err("it is ro (reading alone), rw (the directory must exist) or rwc (it is created if missing)".to_owned()),
    }
}

/// The parameters of a URL, each known to the engine and given once.
struct Parameters<'a> {
    text: &'a str,
    given: Vec<(String, String)>,
}

impl<'a> Parameters<'a> {
    fn of(url: &Url, text: &'a str, engine: &EngineInfo) -> Result<Self> {
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in url.query_pairs() {
            if !engine.parameters.contains(&&*name) {
                let why = format!("unknown parameter {name:?}: {}: takes {}", engine.scheme, engine.parameters.join(", "));
                return Err(refused(ErrorKind::InvalidInput, text, why));
            }
            if given.iter().any(|(known, _)| *known == name) {
                return Err(refused(ErrorKind::InvalidInput, text, format!("the parameter {name:?} is given twice")));
            }
            given.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { text, given })
    }

    fn take<T>(&mut self, name: &str, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Result<Option<T>> {
        let Some((_, value)) = self.given.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        parse(value).map(Some).map_err(|why| {
            let shown: String = value.chars().take(40).collect();
            refused(ErrorKind::InvalidInput, self.text, format!("the parameter {name} is {shown:?}: {why}"))
        })
    }
}

fn malformed(text: &str, why: impl Into<String>) -> Error {
    refused(ErrorKind::InvalidPath, text, why)
}

fn refused(kind: ErrorKind, text: &str, why: impl Into<String>) -> Error {
    Error::new(kind, Operation::Configure).with_text(format!("the URL {:?}: {}", shown(text), why.into()))
}

/// A URL for an error's text: cut to a readable length, and without what might be a secret.
fn shown(text: &str) -> String {
    let masked = match text.split_once("://") {
        Some((scheme, rest)) => match authority(text).and_then(|authority| authority.rfind('@')) {
            Some(at) => format!("{scheme}://***{}", rest.get(at..).unwrap_or_default()),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    masked.chars().take(300).collect()
}

/// What stands between `//` and the path.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split(['/', '?', '#', '\\']).next()
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

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Operation, Result};

/// The longest part of a path, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 255;

/// The longest path, in bytes of UTF-8.
pub const MAX_PATH_LEN: usize = 4096;

/// A path below an engine's root: parsed once, valid from then on.
///
/// UTF-8, parts separated by `/`, no leading or trailing `/`, no empty, `.` or `..` part, no NUL; a part is at most [`MAX_NAME_LEN`] bytes,
/// the whole at most [`MAX_PATH_LEN`]. The empty path is the root. Paths are case-sensitive and byte-exact on every engine, and order by
/// their bytes.
///
/// ```
/// use anystorage_api::StoragePath;
///
/// let path = StoragePath::parse("notes/2026/plan.md")?;
/// assert_eq!(path.file_name(), Some("plan.md"));
/// assert_eq!(path.parent().unwrap().as_str(), "notes/2026");
/// assert!(StoragePath::parse("notes/../secret").is_err());
/// # Ok::<(), anystorage_api::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StoragePath(String);

impl StoragePath {
    /// The engine's root directory, the empty path.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Parses a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`], which says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        if text.len() > MAX_PATH_LEN {
            return Err(invalid(text, format!("is {} bytes long, and a path has at most {MAX_PATH_LEN}", text.len())));
        }
        if text.starts_with('/') {
            return Err(invalid(text, "starts with '/': paths are relative to the engine's root".to_owned()));
        }
        for part in text.split('/') {
            check_part(part).map_err(|why| invalid(text, why))?;
        }
        Ok(Self(text.to_owned()))
    }

    /// This path with one more part, `name`, behind it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] if `name` is not a valid part or the path gets too long.
    pub fn join(&self, name: &str) -> Result<Self> {
        let joined = if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.0) };
        if name.contains('/') {
            return Err(invalid(&joined, format!("the part {name:?} contains '/'")));
        }
        check_part(name).map_err(|why| invalid(&joined, why))?;
        Self::parse(&joined)
    }

    /// This path with all parts of `tail` behind it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] if the path gets too long.
    pub fn join_path(&self, tail: &Self) -> Result<Self> {
        match (self.is_root(), tail.is_root()) {
            (true, _) => Ok(tail.clone()),
            (_, true) => Ok(self.clone()),
            _ => Self::parse(&format!("{}/{}", self.0, tail.0)),
        }
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of the path; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, outermost first; none for the root.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> + '_ {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The last part; none for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.parts().next_back()
    }

    /// The directory that holds this path; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map(|(parent, _)| parent.to_owned()).unwrap_or_default()))
    }

    /// A hidden name in the same directory, made of this one and `suffix`, with this one cut where it gets longer than `max_name_len`.
    pub(crate) fn sibling(&self, suffix: &str, max_name_len: usize) -> Result<Self> {
        let name = self.file_name().unwrap_or_default();
        let mut cut = name.len().min(max_name_len.saturating_sub(suffix.len() + 1));
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        self.parent().unwrap_or_default().join(&format!(".{}{suffix}", name.get(..cut).unwrap_or_default()))
    }

    /// The directories that lead to this path, the root first, the path itself not among them.
    #[must_use]
    pub fn ancestors(&self) -> Vec<Self> {
        let mut above: Vec<Self> = std::iter::successors(self.parent(), Self::parent).collect();
        above.reverse();
        above
    }

    /// The rest of this path below `directory`: the root if they are equal, none if this is not below it.
    #[must_use]
    pub fn strip_prefix(&self, directory: &Self) -> Option<Self> {
        if directory.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&directory.0)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        rest.strip_prefix('/').map(|rest| Self(rest.to_owned()))
    }

    /// Whether this is `directory` or below it.
    #[must_use]
    pub fn starts_with(&self, directory: &Self) -> bool {
        self.strip_prefix(directory).is_some()
    }
}

fn check_part(part: &str) -> std::result::Result<(), String> {
    if part.is_empty() {
        return Err("has an empty part (a doubled or trailing '/')".to_owned());
    }
    if part == "." || part == ".." {
        return Err(format!("has the part {part:?}, which no path here may have"));
    }
    if part.contains('\0') {
        return Err("contains a NUL character".to_owned());
    }
    if part.len() > MAX_NAME_LEN {
        return Err(format!("has a part of {} bytes, and a part has at most {MAX_NAME_LEN}", part.len()));
    }
    Ok(())
}

fn invalid(text: &str, why: String) -> Error {
    let shown: String = text.chars().take(300).collect();
    Error::new(ErrorKind::InvalidPath, Operation::ParsePath).with_text(format!("{shown:?} {why}"))
}

impl fmt::Display for StoragePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StoragePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for StoragePath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for StoragePath {
    type Error = Error;
    fn try_from(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for StoragePath {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl AsRef<str> for StoragePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StoragePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_no_engine_may_see() {
        let long = "x".repeat(256);
        let deep = vec!["abcdefg"; 600].join("/");
        for bad in ["/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\0b", &long, &deep] {
            let error = StoragePath::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidPath, "{bad:?}");
        }
        assert!(StoragePath::root().join("a/b").is_err());
        assert!(StoragePath::root().join("").is_err());
    }

    #[test]
    fn takes_every_name_that_is_a_name() {
        for good in ["", "a", "a/b", "...", "a\\b", " ", "\u{1f600}", "CON", "a:b", &"x".repeat(255)] {
            assert_eq!(StoragePath::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn walks_up_and_down() {
        let path = StoragePath::parse("a/b/c").unwrap();
        let above: Vec<String> = path.ancestors().iter().map(ToString::to_string).collect();
        assert_eq!(above, ["", "a", "a/b"]);
        let a = StoragePath::parse("a").unwrap();
        assert_eq!(path.strip_prefix(&a).unwrap().as_str(), "b/c");
        assert!(!StoragePath::parse("ab").unwrap().starts_with(&a));
        assert_eq!(a.join_path(&StoragePath::parse("b/c").unwrap()).unwrap(), path);
    }
}

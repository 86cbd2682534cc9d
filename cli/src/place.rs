use anystorage::{ErrorKind, Operation, Storage, StorageConfig, StoragePath, StorageUrl};

use crate::failure::Failure;

/// A location and a path in it, as `cp` takes it: `URL[#PATH]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) url: StorageUrl,
    pub(crate) path: StoragePath,
}

impl Place {
    /// Parses `URL[#PATH]`. The path is everything behind the first `#`, as it is: a `#` in the URL itself is written `%23` anyway.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let (url, path) = text.split_once('#').unwrap_or((text, ""));
        Self::of(url, Some(path))
    }

    /// From a URL and a path; without one it is the root.
    pub(crate) fn of(url: &str, path: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { url: StorageUrl::parse(url)?, path: StoragePath::parse(path.unwrap_or_default())? })
    }

    /// The same, for a command that needs something below the root.
    pub(crate) fn below_root(url: &str, path: &str) -> Result<Self, Failure> {
        let place = Self::of(url, Some(path))?;
        if place.path.is_root() {
            let error = anystorage::Error::new(ErrorKind::InvalidPath, Operation::ParsePath);
            return Err(error.with_text("the path is empty, which is the root: name a file or a directory in it").into());
        }
        Ok(place)
    }

    /// Opens the location for reading alone, where its engine has such a mode.
    pub(crate) async fn open_for_reading(&self) -> Result<Storage, Failure> {
        self.open_as(self.url.read_only()).await
    }

    /// Opens the location, an error if it is missing and its URL does not name a mode.
    pub(crate) async fn open_existing(&self) -> Result<Storage, Failure> {
        self.open_as(self.url.existing()).await
    }

    /// Opens the location. If it is missing it is created, unless its URL says otherwise.
    pub(crate) async fn open(&self) -> Result<Storage, Failure> {
        self.open_as(self.url.clone()).await
    }

    async fn open_as(&self, url: StorageUrl) -> Result<Storage, Failure> {
        let opened = StorageConfig::new(url).probe(false).open_inline().await;
        opened.map_err(|error| Failure::from(error).at(&self.url))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_root() { write!(f, "{}", self.url) } else { write!(f, "{}#{}", self.url, self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_behind_the_first_hash_is_the_path() {
        let place = Place::parse("file:///srv/a%23b#notes/c#d %20.md").unwrap();
        assert_eq!(place.url.as_str(), "file:///srv/a%23b");
        assert_eq!(place.path.as_str(), "notes/c#d %20.md");
        assert!(Place::parse("memory:").unwrap().path.is_root());
        assert!(Place::parse("memory:#").unwrap().path.is_root());
        assert!(Place::parse("memory:#../x").is_err());
    }
}

//! Which layout a location has: what is in its directory tells.

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};

use crate::host::{Directory, failed};
use crate::names::{HIDDEN, PACKED, POOL, to_host};

/// How the files of a location lie in OPFS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// One OPFS file for each file, under its own name.
    Tree,
    /// One OPFS file for all files.
    Packed,
    /// OPFS files that are opened ahead.
    Pool,
}

impl Layout {
    /// As URLs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Packed => "packed",
            Self::Pool => "pool",
        }
    }

    /// That of the location of this name; none if there is none yet.
    ///
    /// # Errors
    /// [`InvalidPath`](ErrorKind::InvalidPath) for a name that is none; what the browser reports.
    pub async fn of(name: &str) -> Result<Option<Self>> {
        let path = StoragePath::parse(name)?;
        match Directory::of_origin().await?.below(path.parts().map(to_host), false).await {
            Ok(directory) => Self::of_directory(&directory).await,
            Err(exception) if exception.name() == "NotFoundError" => Ok(None),
            Err(exception) => Err(exception.into_error(Operation::OpenLocation)),
        }
    }

    /// That of the location in this directory; none if nobody has opened it as one yet.
    pub(crate) async fn of_directory(directory: &Directory) -> Result<Option<Self>> {
        let is_there = |found: Result<(), anystorage_browser_host::exception::Exception>| match found {
            Ok(()) => Ok(true),
            Err(exception) if exception.name() == "NotFoundError" => Ok(false),
            Err(exception) => Err(failed(Operation::OpenLocation)(exception)),
        };
        if is_there(directory.directory(HIDDEN, false).await.map(drop))? {
            return Ok(Some(Self::Tree));
        }
        if is_there(directory.directory(POOL, false).await.map(drop))? {
            return Ok(Some(Self::Pool));
        }
        Ok(is_there(directory.file(PACKED, false).await.map(drop))?.then_some(Self::Packed))
    }

    /// Refuses to open the location in a directory, which has another layout or other content than this one.
    pub(crate) fn mistaken(self, found: Option<Self>) -> Error {
        let text = match found {
            Some(found) => format!(
                "it is a location of the layout {}, and was asked for as one of the layout {}: open it with layout={0}, or name no layout",
                found.as_str(),
                self.as_str()
            ),
            None => format!(
                "it is a directory with something in it, and cannot become a location of the layout {}: name another one",
                self.as_str()
            ),
        };
        Error::new(ErrorKind::InvalidInput, Operation::OpenLocation).with_text(text)
    }
}

//! By which way the files of a location are reached, with what that takes.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::host::has_handles;
use crate::options::{Io, OpfsOptions};
use crate::worker::{Link, can_start, start};

/// The way of a location that is open.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Handles of this worker.
    Handle,
    /// Handles of a worker of the engine's own: here are none.
    Worker(Rc<Link>),
    Stream,
}

impl Way {
    /// The way that the options ask for. What cannot be had here is refused.
    pub(crate) async fn open(options: &OpfsOptions) -> Result<Self> {
        match options.io {
            Io::Stream => return Ok(Self::Stream),
            Io::Handle if has_handles() => return Ok(Self::Handle),
            Io::Handle if can_start() => return start(&options.worker).await.map(Self::Worker),
            Io::Handle => {}
        }
        let text = "synchronous access handles exist in dedicated workers alone, and none can be started from here: open the location in a page or \
                    in a dedicated worker, or ask for writable streams (io=stream), which shared workers have too";
        Err(Error::new(ErrorKind::Unsupported, Operation::OpenLocation).with_text(text))
    }

    /// Waits until all handles are closed that were to be: the browser does not move a file that is open.
    pub(crate) async fn settle(&self) -> Result<()> {
        match self {
            Self::Worker(link) => link.settle().await,
            Self::Handle | Self::Stream => Ok(()),
        }
    }
}

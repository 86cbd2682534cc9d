use std::pin::Pin;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, Timestamp, engine};
use anystorage_browser_host::task::run_to_end;

use super::location::Location;
use super::node::Node;
use crate::host::MAX_LEN;
use crate::open_file::{Change, OpenFile};
use crate::worker::{Piece, WorkerHandle};

/// An opener of a node, until the last call that was made through it is over.
#[derive(Debug)]
struct Opener {
    location: Rc<Location>,
    node: Rc<Node>,
}

impl Drop for Opener {
    fn drop(&mut self) {
        self.location.let_go(&self.node);
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct TreeFile {
    opener: Rc<Opener>,
    path: StoragePath,
    read: bool,
    write: bool,
}

impl TreeFile {
    /// Counts itself among the openers of the node.
    pub(super) fn new(location: Rc<Location>, node: Rc<Node>, path: &StoragePath, options: &OpenOptions) -> Self {
        node.openers.set(node.openers.get() + 1);
        Self { opener: Rc::new(Opener { location, node }), path: path.clone(), read: options.is_read(), write: options.is_write() }
    }

    fn about(&self, operation: Operation) -> impl FnOnce(Error) -> Error {
        move |error| error.in_operation(operation).with_path(&self.path)
    }

    fn check(&self, operation: Operation, allowed: bool, end: Option<u64>) -> Result<()> {
        self.opener.location.check_open(operation)?;
        if !allowed {
            let wanted = if operation == Operation::Read { "reading" } else { "writing" };
            return Err(Error::new(ErrorKind::PermissionDenied, operation).with_text(format!("the file was not opened for {wanted}")));
        }
        if end.is_none_or(|end| end > MAX_LEN) {
            let why = format!("the end would lie beyond {MAX_LEN}, the longest a file may be");
            return Err(Error::new(ErrorKind::InvalidInput, operation).with_text(why));
        }
        Ok(())
    }

    /// A change: at once if nothing waits for the file, otherwise in its turn, whether or not the future is polled to its end. Then it owns
    /// `data`. A worker is sent its own at once, behind what it was sent before.
    async fn change(&self, operation: Operation, change: Change, number: u64, data: &[u8]) -> Result<()> {
        let Opener { location, node } = &*self.opener;
        let at_once = |file: &OpenFile| {
            if !file.has_room(number, data.len()) {
                return None;
            }
            match node.changes(location.next_revision()) {
                Ok(()) => file.change_now(change, number, data),
                Err(error) => Some(Err(error)),
            }
        };
        if let Some(done) = node.at_once(at_once) {
            return done;
        }
        let sent = |handle: &WorkerHandle| {
            node.changes(location.next_revision())?;
            Ok(handle.change(change, number, data))
        };
        if let Some(sent) = node.elsewhere(sent) {
            return sent?.await;
        }
        let (opener, data) = (Rc::clone(&self.opener), data.to_vec());
        run_to_end(async move {
            let Opener { location, node } = &*opener;
            let _queued = node.queue();
            let _turn = location.turn(operation).await?;
            location.make_room(node, number, data.len()).await?;
            let made = async |file: &OpenFile| {
                node.changes(location.next_revision())?;
                file.change(change, number, &data).await
            };
            node.in_turn(&location.access, made).await
        })
        .await
    }
}

#[engine]
impl StorageFile for TreeFile {
    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let read = async {
            self.check(Operation::Read, self.read, Some(0))?;
            let Opener { location, node } = &*self.opener;
            if offset > MAX_LEN {
                return Ok(0);
            }
            if let Some(done) = node.at_once(|file| file.read_now(offset, buf)) {
                return done;
            }
            let sent = |handle: &WorkerHandle| -> Pin<Box<dyn Future<Output = Result<Piece>>>> { Box::pin(handle.read(offset, buf.len())) };
            if let Some(sent) = node.elsewhere(sent) {
                return sent.await.map(|read| read.copy_to(buf));
            }
            // By itself, so that the future of a call that need not wait is small: its memory is the most of what such a call costs.
            let waits = async {
                let _queued = node.queue();
                let _turn = location.turn(Operation::Read).await?;
                node.in_turn(&location.access, async |file| file.read(offset, buf).await).await
            };
            Box::pin(waits).await
        };
        read.await.map_err(self.about(Operation::Read))
    }

    async fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = if data.is_empty() { Some(0) } else { offset.checked_add(data.len() as u64) };
        let written = async {
            self.check(Operation::Write, self.write, end)?;
            if data.is_empty() {
                return Ok(());
            }
            self.change(Operation::Write, Change::Write, offset, data).await
        };
        written.await.map_err(self.about(Operation::Write))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        let cut = async {
            self.check(Operation::SetLen, self.write, Some(len))?;
            self.change(Operation::SetLen, Change::SetLen, len, &[]).await
        };
        cut.await.map_err(self.about(Operation::SetLen))
    }

    async fn stat(&self) -> Result<Metadata> {
        let found = async {
            let Opener { location, node } = &*self.opener;
            location.check_open(Operation::Stat)?;
            if let Some(done) = node.at_once(OpenFile::len_now) {
                return done.map(|len| metadata(node, len));
            }
            // What is known of it belongs to the length at this moment, not to that of later changes.
            if let Some((sent, known)) = node.elsewhere(|handle| (handle.len(), known(node))) {
                return sent.await.map(known);
            }
            let _queued = node.queue();
            let _turn = location.turn(Operation::Stat).await?;
            node.in_turn(&location.access, async |file| file.len().await).await.map(|len| metadata(node, len))
        };
        found.await.map_err(self.about(Operation::Stat))
    }

    async fn sync(&self) -> Result<()> {
        let synced = async {
            let Opener { location, node } = &*self.opener;
            location.check_open(Operation::Sync)?;
            if let Some(done) = node.at_once(|file| node.flush_now(file)) {
                return done;
            }
            let opener = Rc::clone(&self.opener);
            run_to_end(async move {
                let Opener { location, node } = &*opener;
                let _queued = node.queue();
                let _turn = location.turn(Operation::Sync).await?;
                node.in_turn(&location.access, async |file| node.flush(file).await).await
            })
            .await
        };
        synced.await.map_err(self.about(Operation::Sync))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// What is known of an open file of this length.
pub(super) fn metadata(node: &Node, len: u64) -> Metadata {
    known(node)(len)
}

/// What is known of an open file now, but for its length.
fn known(node: &Node) -> impl FnOnce(u64) -> Metadata + use<> {
    let (modified, revision) = (node.modified.get().map(Timestamp::from_unix_millis), node.revision.get());
    move |len| Metadata::file(len).with_modified(modified).with_revision(revision)
}

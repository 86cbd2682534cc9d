use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Metadata, OpenOptions, Operation, Result, StorageFile, StoragePath, Timestamp, engine};
use anystorage_browser_host::task::run_to_end;

use super::location::Location;
use super::node::Node;
use crate::host::MAX_LEN;
use crate::open_file::OpenFile;

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

    /// A change: at once if nothing is under way on the file, otherwise in its turn, whether or not the future is polled to its end. Then
    /// it owns `data`.
    async fn change(&self, operation: Operation, data: &[u8], act: fn(&OpenFile, u64, &[u8]) -> Result<()>, number: u64) -> Result<()> {
        let Opener { location, node } = &*self.opener;
        let change = move |node: &Node, revision: u64, file: &OpenFile, data: &[u8]| {
            node.changes(revision)?;
            act(file, number, data)
        };
        let at_once = |file: &OpenFile| file.has_room(number, data.len()).then(|| change(node, location.next_revision(), file, data));
        if let Some(done) = node.at_once(at_once) {
            return done;
        }
        let (opener, data) = (Rc::clone(&self.opener), data.to_vec());
        run_to_end(async move {
            let Opener { location, node } = &*opener;
            let _queued = node.queue();
            let _turn = location.turn(operation).await?;
            location.make_room(node, number, data.len()).await?;
            node.in_turn(&location.access, async |file| change(node, location.next_revision(), file, &data)).await
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
            self.change(Operation::Write, data, |file, offset, data| file.write(offset, data), offset).await
        };
        written.await.map_err(self.about(Operation::Write))
    }

    async fn set_len(&self, len: u64) -> Result<()> {
        let cut = async {
            self.check(Operation::SetLen, self.write, Some(len))?;
            self.change(Operation::SetLen, &[], |file, len, _| file.set_len(len), len).await
        };
        cut.await.map_err(self.about(Operation::SetLen))
    }

    async fn stat(&self) -> Result<Metadata> {
        let found = async {
            let Opener { location, node } = &*self.opener;
            location.check_open(Operation::Stat)?;
            if let Some(done) = node.at_once(|file| Some(file.len())) {
                return done.map(|len| metadata(node, len));
            }
            let _queued = node.queue();
            let _turn = location.turn(Operation::Stat).await?;
            node.in_turn(&location.access, async |file| file.len()).await.map(|len| metadata(node, len))
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

/// What is known of an open file.
pub(super) fn metadata(node: &Node, len: u64) -> Metadata {
    Metadata::file(len).with_modified(node.modified.get().map(Timestamp::from_unix_millis)).with_revision(node.revision.get())
}

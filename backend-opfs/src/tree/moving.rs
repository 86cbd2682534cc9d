//! Files that get another place: renamed, replaced, or removed while they are open.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};
use anystorage_browser_host::exception::Exception;

use super::location::Location;
use super::node::Node;
use crate::host::{Directory, Entry, Plain, failed};
use crate::names::{from_host, to_host};

impl Location {
    /// Prepares for another file to take this path: whoever has the old one open keeps its bytes, in a hidden file. The path itself stays as
    /// it is.
    pub(super) async fn displace(&self, path: &StoragePath, operation: Operation) -> Result<()> {
        let Some(node) = self.node(path) else { return self.access.settle().await };
        if node.openers.get() > 0 {
            let (plain, number) = self.hidden.create(operation).await?;
            let copied = node.in_turn(&self.access, async |file| file.copy_to(&plain, &self.access).await).await;
            if copied.is_err() {
                self.hidden.discard(number).await;
            }
            copied?;
            node.hide(plain, number);
            self.access.settle().await?;
            self.nodes.borrow_mut().remove(path);
            self.remove_unless_open(&node, number).await;
        } else {
            // Its changes go when its path is taken, and not if that fails.
            node.close();
            self.access.settle().await?;
        }
        Ok(())
    }

    /// Takes the name of a file away. An open one goes on in a hidden file.
    pub(super) async fn remove_name(&self, path: &StoragePath, plain: &Plain, operation: Operation) -> Result<()> {
        let node = self.node(path);
        match node.filter(|node| node.openers.get() > 0) {
            Some(node) => {
                node.close();
                self.access.settle().await?;
                let (moved, number) = self.hidden.take_in(plain).await.map_err(failed(operation))?;
                node.hide(moved, number);
                self.remove_unless_open(&node, number).await;
            }
            None => {
                let (directory, name) = self.place(path, operation).await?;
                if let Some(node) = self.node(path) {
                    node.close();
                }
                self.access.settle().await?;
                if self.hidden.has_steps() {
                    self.remove_whole(plain, &directory, &name).await.map_err(failed(operation))?;
                } else {
                    directory.remove(&name).await.map_err(failed(operation))?;
                }
            }
        }
        self.nodes.borrow_mut().remove(path);
        self.changed(path);
        self.name_changed(path);
        Ok(())
    }

    /// Removes a hidden file that was let go of before it was known to be hidden.
    async fn remove_unless_open(&self, node: &Node, number: u64) {
        if node.openers.get() == 0 {
            node.close();
            // What is left of it is removed when the location is opened.
            let _ = self.access.settle().await;
            let _ = self.hidden.remove(number).await;
        }
    }

    /// Removes a file that would be empty for a moment before it is gone: in the hidden directory, unless there is no space for the move.
    async fn remove_whole(&self, plain: &Plain, directory: &Directory, name: &str) -> Result<(), Exception> {
        match self.hidden.take_in(plain).await {
            Ok((_, number)) => {
                // What is left of it is removed when the location is opened.
                let _ = self.hidden.remove(number).await;
                Ok(())
            }
            Err(exception) if exception.kind() == ErrorKind::NoSpace => directory.remove(name).await,
            Err(exception) => Err(exception),
        }
    }

    /// Brings a stream's changes into the file that is about to replace another one, so that a kill leaves one of the two, whole.
    pub(super) async fn flush_before_replacing(&self, from: &StoragePath) -> Result<()> {
        let Some(node) = self.node(from) else { return Ok(()) };
        node.in_turn(&self.access, async |file| if file.is_stream() { node.flush(file).await } else { Ok(()) }).await
    }

    /// Moves a file, over the one that is at `to` if there is one.
    pub(super) async fn move_file(
        &self,
        from: &StoragePath,
        plain: &Plain,
        to: &StoragePath,
        over: bool,
        operation: Operation,
    ) -> Result<()> {
        let (directory, name) = self.place(to, operation).await?;
        self.displace(to, operation).await?;
        let node = self.node(from);
        if let Some(node) = &node {
            node.close();
        }
        self.access.settle().await?;
        if over {
            self.hidden.move_over(plain, &directory, &name, operation).await?;
        } else {
            plain.move_to(&directory, &name).await.map_err(failed(operation))?;
        }
        if let Some(node) = node {
            node.moved(directory.file(&name, false).await.map_err(failed(operation))?);
            self.renumber(&node);
            let mut nodes = self.nodes.borrow_mut();
            nodes.remove(from);
            nodes.insert(to.clone(), node);
        } else {
            self.nodes.borrow_mut().remove(to);
        }
        for path in [from, to] {
            self.changed(path);
            self.name_changed(path);
        }
        Ok(())
    }

    /// A file under another name is another thing at that path.
    fn renumber(&self, node: &Rc<Node>) {
        node.revision.set(self.next_revision());
    }

    /// Moves a directory, entry by entry: browsers that move directories at once are few. A kill in the middle leaves each file in one of
    /// the two.
    pub(super) async fn move_directory(&self, from: &StoragePath, to: &StoragePath, operation: Operation) -> Result<()> {
        let (parent, name) = self.place(to, operation).await?;
        parent.directory(&name, true).await.map_err(failed(operation))?;
        let moved = self.move_entries(from, to, operation).await;
        self.directories.borrow_mut().retain(|path, _| !path.starts_with(from) && !path.starts_with(to));
        self.listed.take();
        moved
    }

    async fn move_entries(&self, from: &StoragePath, to: &StoragePath, operation: Operation) -> Result<()> {
        let mut waiting = vec![(from.clone(), to.clone())];
        let mut emptied = Vec::new();
        while let Some((from, to)) = waiting.pop() {
            self.changed(&from);
            self.changed(&to);
            let source = self.directory(&from, operation).await?;
            for (host, is_directory) in source.entries().await? {
                let Some(name) = from_host(&host) else { continue };
                let (inner_from, inner_to) = (from.join(&name)?, to.join(&name)?);
                if is_directory {
                    let target = self.directory(&to, operation).await?;
                    target.directory(&to_host(&name), true).await.map_err(failed(operation))?;
                    waiting.push((inner_from, inner_to));
                } else if let Entry::File(plain) = self.entry(&inner_from, operation).await? {
                    self.move_file(&inner_from, &plain, &inner_to, false, operation).await?;
                }
            }
            emptied.push(from);
        }
        for path in emptied.iter().rev() {
            let (directory, name) = self.place(path, operation).await?;
            directory.remove(&name).await.map_err(failed(operation))?;
        }
        Ok(())
    }

    /// Puts `data` into a new file and gives it this path, in one step.
    pub(super) async fn replace(&self, path: &StoragePath, data: &[u8], operation: Operation) -> Result<()> {
        let over = match self.find(path, operation).await? {
            Some(Entry::Directory(_)) => return Err(Error::new(ErrorKind::IsADirectory, operation)),
            found => found.is_some(),
        };
        let (directory, name) = self.place(path, operation).await?;
        let (plain, number) = self.hidden.create(operation).await?;
        let replaced = async {
            self.access.fill(&plain, data).await?;
            self.displace(path, operation).await?;
            self.access.settle().await?;
            if over {
                self.hidden.move_over(&plain, &directory, &name, operation).await
            } else {
                plain.move_to(&directory, &name).await.map_err(failed(operation))
            }
        };
        if let Err(error) = replaced.await {
            self.hidden.discard(number).await;
            return Err(error);
        }
        self.nodes.borrow_mut().remove(path);
        self.changed(path);
        self.name_changed(path);
        Ok(())
    }
}

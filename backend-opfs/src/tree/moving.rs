//! Files that get another place: renamed, replaced, or removed while they are open.

use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};
use anystorage_browser_host::exception::Exception;

use super::location::Location;
use super::node::Node;
use crate::host::{Directory, Entry, Handle, Plain};
use crate::names::{from_host, to_host};

/// In bytes, how much of a file is copied at once.
const COPIED_AT_ONCE: usize = 1 << 20;

impl Location {
    /// Lets another file take this path: whoever has the old one open keeps its bytes, in a hidden file. The path itself stays as it is.
    pub(super) async fn displace(&self, path: &StoragePath, operation: Operation) -> Result<()> {
        let Some(node) = self.node(path) else { return Ok(()) };
        if node.openers.get() > 0 {
            let (plain, number) = self.create_hidden(operation).await?;
            let copy = plain.open(&self.faults).await?;
            node.in_turn(&self.faults, |handle| copied(handle, &copy)).await?;
            drop(copy);
            node.hide(plain, number);
        } else {
            node.close();
        }
        self.nodes.borrow_mut().remove(path);
        Ok(())
    }

    /// Takes the name of a file away. An open one goes on in a hidden file.
    pub(super) async fn remove_name(&self, path: &StoragePath, plain: &Plain, operation: Operation) -> Result<()> {
        let node = self.node(path);
        match node.filter(|node| node.openers.get() > 0) {
            Some(node) => {
                let number = self.new_hidden();
                node.close();
                plain.move_to(&self.hidden, &number.to_string()).await.map_err(failed(operation))?;
                let moved = self.hidden.file(&number.to_string(), false).await.map_err(failed(operation))?;
                node.hide(moved, number);
            }
            None => {
                if let Some(node) = self.node(path) {
                    node.close();
                }
                let (directory, name) = self.place(path, operation).await?;
                directory.remove(&name).await.map_err(failed(operation))?;
            }
        }
        self.nodes.borrow_mut().remove(path);
        self.changed(path);
        self.name_changed(path);
        Ok(())
    }

    /// Moves a file over whatever file is at `to`.
    pub(super) async fn move_file(&self, from: &StoragePath, plain: &Plain, to: &StoragePath, operation: Operation) -> Result<()> {
        let (directory, name) = self.place(to, operation).await?;
        self.displace(to, operation).await?;
        let node = self.node(from);
        if let Some(node) = &node {
            node.close();
        }
        plain.move_to(&directory, &name).await.map_err(failed(operation))?;
        if let Some(node) = node {
            node.moved(directory.file(&name, false).await.map_err(failed(operation))?);
            self.renumber(&node);
            let mut nodes = self.nodes.borrow_mut();
            nodes.remove(from);
            nodes.insert(to.clone(), node);
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
                    self.move_file(&inner_from, &plain, &inner_to, operation).await?;
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
        if let Some(Entry::Directory(_)) = self.find(path, operation).await? {
            return Err(Error::new(ErrorKind::IsADirectory, operation));
        }
        let (directory, name) = self.place(path, operation).await?;
        let (plain, number) = self.create_hidden(operation).await?;
        let written = self.fill(&plain, data, path, &directory, &name, operation).await;
        if written.is_err() {
            // Best effort: the error that matters is the first one, and opening the location removes it as well.
            let _ = self.hidden.remove(&number.to_string()).await;
        }
        written
    }

    async fn fill(
        &self,
        plain: &Plain,
        data: &[u8],
        path: &StoragePath,
        directory: &Directory,
        name: &str,
        operation: Operation,
    ) -> Result<()> {
        let handle = plain.open(&self.faults).await?;
        handle.write(0, data)?;
        handle.flush()?;
        drop(handle);
        self.displace(path, operation).await?;
        plain.move_to(directory, name).await.map_err(failed(operation))?;
        self.changed(path);
        self.name_changed(path);
        Ok(())
    }
}

fn copied(from: &Handle, to: &Handle) -> Result<()> {
    let mut buffer = vec![0; COPIED_AT_ONCE];
    let mut at = 0;
    loop {
        let count = from.read(at, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write(at, buffer.get(..count).unwrap_or_default())?;
        at += count as u64;
    }
}

pub(super) fn failed(operation: Operation) -> impl Fn(Exception) -> Error {
    move |exception| exception.into_error(operation)
}

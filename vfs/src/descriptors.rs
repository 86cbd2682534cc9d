//! Numbers, and what is open under them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anystorage_api::BlockingFile;

use crate::devices::Device;
use crate::listing::Listing;
use crate::node::Node;
use crate::{Errno, OpenFlags, Result};

/// What `open` made: descriptors that are duplicates share it, with its offset.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) node: Arc<Node>,
    flags: AtomicI32,
    /// Where the next read or write starts.
    pub(crate) offset: Mutex<u64>,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    File(BlockingFile),
    Directory(Mutex<Listing>),
    Device(Arc<dyn Device>),
    /// Opened with `O_PATH`.
    Path,
}

impl Description {
    pub(crate) const fn new(node: Arc<Node>, flags: OpenFlags, body: Body) -> Self {
        Self { node, flags: AtomicI32::new(flags.bits()), offset: Mutex::new(0), body }
    }

    pub(crate) fn flags(&self) -> OpenFlags {
        OpenFlags::from_bits(self.flags.load(Ordering::Relaxed))
    }

    pub(crate) fn set_nonblocking(&self, yes: bool) {
        let bit = OpenFlags::O_NONBLOCK.bits();
        if yes {
            self.flags.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    pub(crate) fn lock_offset(&self) -> std::sync::MutexGuard<'_, u64> {
        self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct Descriptors {
    open: BTreeMap<i32, Arc<Description>>,
    /// Numbers that calls under way have taken.
    reserved: Vec<i32>,
    limit: i32,
}

impl Descriptors {
    pub(crate) const fn new(limit: i32) -> Self {
        Self { open: BTreeMap::new(), reserved: Vec::new(), limit }
    }

    pub(crate) fn get(&self, descriptor: i32) -> Result<Arc<Description>> {
        self.open.get(&descriptor).cloned().ok_or(Errno::EBADF)
    }

    /// Takes the lowest number that is free.
    pub(crate) fn reserve(&mut self) -> Result<i32> {
        let mut lowest = 0;
        for taken in self.open.keys() {
            while self.reserved.contains(&lowest) {
                lowest += 1;
            }
            if *taken != lowest {
                break;
            }
            lowest += 1;
        }
        while self.reserved.contains(&lowest) {
            lowest += 1;
        }
        if lowest >= self.limit {
            return Err(Errno::EMFILE);
        }
        self.reserved.push(lowest);
        Ok(lowest)
    }

    /// Gives a number that was taken free again, or to what was opened.
    pub(crate) fn settle(&mut self, number: i32, description: Option<Arc<Description>>) {
        self.reserved.retain(|reserved| *reserved != number);
        if let Some(description) = description {
            self.open.insert(number, description);
        }
    }

    /// Gives `number` to `description`; what had it is returned.
    pub(crate) fn replace(&mut self, number: i32, description: Arc<Description>) -> Result<Option<Arc<Description>>> {
        if !(0..self.limit).contains(&number) {
            return Err(Errno::EBADF);
        }
        if self.reserved.contains(&number) {
            return Err(Errno::EBUSY);
        }
        Ok(self.open.insert(number, description))
    }

    pub(crate) fn remove(&mut self, number: i32) -> Result<Arc<Description>> {
        self.open.remove(&number).ok_or(Errno::EBADF)
    }

    pub(crate) fn numbers(&self) -> Vec<i32> {
        self.open.keys().copied().collect()
    }
}

//! Engines that the worker of a bridge opens.

use anystorage_conformance::subject::Subject;
use anystorage_idb::subject::IdbSubject;
use anystorage_memory::subject::MemorySubject;
use anystorage_opfs::subject::OpfsSubject;
use anystorage_remote::subject::Served;

/// IndexedDB, which by itself no synchronous code can use.
#[derive(Debug)]
pub(crate) struct Idb;

impl Served for Idb {
    fn subject() -> impl Subject + 'static {
        IdbSubject::new("")
    }
}

/// OPFS in the layout `tree`, whose directories are asynchronous.
#[derive(Debug)]
pub(crate) struct Tree;

impl Served for Tree {
    fn subject() -> impl Subject + 'static {
        OpfsSubject::new("")
    }
}

/// Memory of the other worker.
#[derive(Debug)]
pub(crate) struct Memory;

impl Served for Memory {
    fn subject() -> impl Subject + 'static {
        MemorySubject::new(u64::MAX)
    }
}

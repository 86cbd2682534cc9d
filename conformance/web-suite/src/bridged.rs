//! Engines that the worker of a bridge opens.

use anystorage_conformance::subject::Subject;
use anystorage_idb::subject::IdbSubject;
use anystorage_remote::subject::Served;

/// IndexedDB, which by itself no synchronous code can use.
#[derive(Debug)]
pub(crate) struct Idb;

impl Served for Idb {
    fn subject() -> impl Subject + 'static {
        IdbSubject::new("")
    }
}

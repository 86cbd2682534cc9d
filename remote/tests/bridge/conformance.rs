//! Every case of the suite over engines that wait, through shared memory.

use anystorage_conformance::subject::Subject;
use anystorage_idb::subject::IdbSubject;
use anystorage_memory::subject::MemorySubject;
use anystorage_opfs::subject::OpfsSubject;
use anystorage_remote::shared::SharedOptions;
use anystorage_remote::subject::{Served, ThroughShared};

#[derive(Debug)]
struct Idb;

impl Served for Idb {
    fn subject() -> impl Subject + 'static {
        IdbSubject::new("")
    }
}

#[derive(Debug)]
struct Tree;

impl Served for Tree {
    fn subject() -> impl Subject + 'static {
        OpfsSubject::new("")
    }
}

#[derive(Debug)]
struct Memory;

impl Served for Memory {
    fn subject() -> impl Subject + 'static {
        MemorySubject::new(u64::MAX)
    }
}

mod idb {
    use super::*;

    anystorage_conformance::suite!(subject = ThroughShared::<Idb>::new(SharedOptions::new()));
}

mod opfs {
    use super::*;

    anystorage_conformance::suite!(subject = ThroughShared::<Tree>::new(SharedOptions::new()));
}

mod memory {
    use super::*;

    // So small that almost every call is split.
    anystorage_conformance::suite!(subject = ThroughShared::<Memory>::new(SharedOptions::new().buffer_bytes(1_024)));
}

//! Every case of the conformance suite, over the engine's own places.

mod memory {
    use anystorage_memory::subject::MemorySubject;

    anystorage_conformance::suite!(subject = crate::support::Mirrored(MemorySubject::new(u64::MAX)));
}

mod files {
    anystorage_conformance::suite!(subject = crate::support::Mirrored(crate::support::Files::new()));
}

mod redb {
    anystorage_conformance::suite!(subject = crate::support::Mirrored(crate::support::Redb::new()));
}

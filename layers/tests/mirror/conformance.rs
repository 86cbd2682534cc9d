//! Every case of the conformance suite, over the engine's own places.

mod memory {
    use anystorage_layers::subject::Mirrored;
    use anystorage_memory::subject::MemorySubject;

    anystorage_conformance::suite!(subject = Mirrored::new(MemorySubject::new(u64::MAX)));
}

mod files {
    use anystorage_layers::subject::Mirrored;

    anystorage_conformance::suite!(subject = Mirrored::new(crate::support::Files::new()));
}

mod redb {
    use anystorage_layers::subject::Mirrored;

    anystorage_conformance::suite!(subject = Mirrored::new(crate::support::Redb::new()));
}

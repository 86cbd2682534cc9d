//! The contract, line by line.

anystorage_conformance::suite!(subject = crate::support::Scratch::new());

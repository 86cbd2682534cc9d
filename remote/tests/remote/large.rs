//! A file that is too long for one answer.

use std::sync::atomic::Ordering;

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend, StoragePath};
use anystorage_remote::{Remote, Server, channel};
use futures_lite::future::{block_on, or, pending};

use crate::watched::Watched;

/// More than a gibibyte was read, and refused afterwards: by then the memory had been taken.
#[test]
fn what_is_too_long_to_be_read_is_refused_unread() {
    let engine = Watched::default();
    let long = StoragePath::parse("long").unwrap();
    let (transport, line) = channel();
    let serving = async {
        Server::new(engine.clone()).serve(line).await;
        pending().await
    };
    let reading = async {
        // Not by way of the bridge: a watched file is not as long, and this one is a hole.
        let file = engine.memory.open(&long, &OpenOptions::editing()).await.unwrap();
        file.set_len((1 << 30) + 1).await.unwrap();
        let remote = Remote::connect(transport).await.unwrap();
        let error = remote.read(&long).await.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::InvalidInput, Some(&long)), "{error}");
        assert!(error.to_string().contains("1073741825"), "{error}");
        assert_eq!(engine.reads.load(Ordering::Relaxed), 0, "it was read");
    };
    block_on(or(reading, serving));
}

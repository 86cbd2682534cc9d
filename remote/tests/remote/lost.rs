//! The other end goes: calls that wait and calls that come are `Disconnected`, and none hangs.

use std::sync::Arc;

use anystorage_api::{ErrorKind, OpenOptions, StorageBackend, StoragePath};
use anystorage_memory::MemoryBackend;
use anystorage_remote::{Remote, Server, channel};
use futures_lite::future::{block_on, poll_once};
use futures_lite::pin;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// A server whose future is dropped, as when its thread panics, must not leave its client waiting.
#[test]
fn a_server_that_is_dropped_answers_every_call_with_disconnected() {
    block_on(async {
        let (transport, line) = channel();
        let engine = Arc::new(MemoryBackend::new());
        let server = Box::pin(Server::new(Arc::clone(&engine)).serve(line));
        let mut server = Some(server);
        let connecting = Remote::connect(transport);
        pin!(connecting);
        let remote = loop {
            if let Some(remote) = poll_once(&mut connecting).await {
                break remote.unwrap();
            }
            assert!(poll_once(server.as_mut().unwrap()).await.is_none());
        };
        let (target, options) = (path("a"), OpenOptions::editing());
        let opening = remote.open(&target, &options);
        pin!(opening);
        assert!(poll_once(&mut opening).await.is_none());
        drop(server.take());
        let error = opening.await.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Disconnected, Some(&path("a"))), "{error}");
        let later = remote.stat(&path("b")).await.unwrap_err();
        assert_eq!(later.kind(), ErrorKind::Disconnected);
        assert!(later.to_string().contains("its server has ended"), "{later}");
        assert_eq!(Arc::strong_count(&engine), 1, "the server let its engine go");
    });
}

#[test]
fn nobody_at_the_other_end_is_disconnected_too() {
    let (transport, line) = channel();
    drop(line);
    let error = block_on(Remote::connect(transport)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
}

#[test]
fn a_server_ends_with_its_client_and_lets_the_engine_go() {
    let engine = Arc::new(MemoryBackend::new());
    let (transport, line) = channel();
    let served = Server::new(Arc::clone(&engine));
    let server = std::thread::spawn(move || block_on(served.serve(line)));
    let file = block_on(async {
        let remote = Remote::connect(transport).await.unwrap();
        let file = remote.open(&path("a"), &OpenOptions::editing()).await.unwrap();
        drop(remote);
        // A file is enough for the server to stay.
        file.write_at(0, b"abc").await.unwrap();
        file
    });
    assert!(!server.is_finished());
    drop(file);
    server.join().unwrap();
    assert_eq!(Arc::strong_count(&engine), 1);
    assert_eq!(block_on(engine.read(&path("a"))).unwrap(), b"abc");
}

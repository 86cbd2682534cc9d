//! Calls whose futures are dropped: they are done all the same, in the order in which they were polled.

use std::future::Future;
use std::sync::Arc;

use anystorage_api::{OpenOptions, StorageBackend, StoragePath};
use anystorage_memory::MemoryBackend;
use anystorage_remote::{Remote, Server, channel};
use futures_lite::future::{block_on, poll_once, yield_now};
use futures_lite::pin;

use crate::watched::Watched;

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// Runs `client` with a server beside it, on one thread.
fn beside_a_server<T>(engine: impl StorageBackend, client: impl AsyncFnOnce(Remote) -> T) -> T {
    let (transport, line) = channel();
    let server = async {
        Server::new(engine).serve(line).await;
        None
    };
    let client = async { Some(client(Remote::connect(transport).await.unwrap()).await) };
    block_on(async {
        pin!(server, client);
        let mut served = false;
        loop {
            if let Some(done) = poll_once(&mut client).await {
                return done.unwrap();
            }
            if !served && poll_once(&mut server).await.is_some_and(|nothing: Option<()>| nothing.is_none()) {
                served = true;
            }
            yield_now().await;
        }
    })
}

async fn polled_and_dropped<T>(call: impl Future<Output = T>) {
    pin!(call);
    assert!(poll_once(call).await.is_none(), "no answer is there at once");
}

#[test]
fn what_was_polled_and_dropped_is_done_in_that_order() {
    beside_a_server(MemoryBackend::new(), async |remote| {
        let file = remote.open(&path("a"), &OpenOptions::editing()).await.unwrap();
        for number in 0..100_u8 {
            polled_and_dropped(file.write_at(0, &[number])).await;
        }
        polled_and_dropped(file.set_len(1)).await;
        polled_and_dropped(file.write_at(1, b"end")).await;
        assert_eq!(file.stat().await.unwrap().len, 4);
        assert_eq!(remote.read(&path("a")).await.unwrap(), [99, b'e', b'n', b'd']);
        polled_and_dropped(file.write_at(0, b"late")).await;
        polled_and_dropped(file.close()).await;
        assert_eq!(remote.read(&path("a")).await.unwrap(), b"late");
    });
}

/// An `open` whose future was dropped must not leave a file open at the server for as long as the client lives.
#[test]
fn files_that_nobody_got_are_closed() {
    let engine = Watched::default();
    let open = Arc::clone(&engine.open);
    let files = move || Arc::strong_count(&open) - 2;
    beside_a_server(engine.clone(), async |remote| {
        drop(engine);
        for _ in 0..10 {
            polled_and_dropped(remote.open(&path("a"), &OpenOptions::editing())).await;
        }
        let kept = remote.open(&path("a"), &OpenOptions::reading()).await.unwrap();
        // They are let go when their answers come; what comes behind that is done later.
        remote.sync().await.unwrap();
        remote.sync().await.unwrap();
        assert_eq!(files(), 1);
        drop(kept);
        remote.sync().await.unwrap();
        assert_eq!(files(), 0);
    });
}

/// The answer had come, and its future was dropped before it was polled again: nothing else is asked for, and the file must not stay open.
#[test]
fn a_file_whose_answer_nobody_took_is_closed() {
    let engine = Watched::default();
    let open = Arc::clone(&engine.open);
    let files = move || Arc::strong_count(&open) - 2;
    beside_a_server(engine.clone(), async |remote| {
        drop(engine);
        let (target, options) = (path("a"), OpenOptions::editing());
        let mut opening = Box::pin(remote.open(&target, &options));
        assert!(poll_once(&mut opening).await.is_none());
        let beside = async || {
            for _ in 0..10 {
                yield_now().await;
            }
        };
        beside().await;
        assert_eq!(files(), 1, "it was opened");
        drop(opening);
        beside().await;
        assert_eq!(files(), 0, "it is open, and nobody has it");
    });
}

#[test]
fn bytes_of_any_length_come_through_whole() {
    beside_a_server(MemoryBackend::new(), async |remote| {
        let data: Vec<u8> = (0..5_000_001_u32).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let file = remote.open(&path("a"), &OpenOptions::editing()).await.unwrap();
        file.write_at(7, &data).await.unwrap();
        let mut buf = vec![1; data.len() + 100];
        assert_eq!(file.read_at(7, &mut buf).await.unwrap(), data.len());
        assert!(buf[..data.len()] == data);
        assert_eq!(file.read_at(0, &mut buf[..7]).await.unwrap(), 7);
        assert_eq!(buf[..7], [0; 7]);
        assert_eq!(file.read_at(u64::MAX, &mut buf).await.unwrap(), 0);
        remote.write(&path("b"), &data).await.unwrap();
        assert!(remote.read(&path("b")).await.unwrap() == data);
        remote.write(&path("b"), b"").await.unwrap();
        assert!(remote.read(&path("b")).await.unwrap().is_empty());
    });
}

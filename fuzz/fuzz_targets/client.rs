//! A client of that protocol that is answered whatever there is: each call has an outcome.
#![no_main]

use std::sync::Mutex;

use anystorage_api::{Attributes, OpenOptions, StorageBackend, StoragePath};
use anystorage_remote::{Inbox, Remote, Transport};
use futures_lite::future::{block_on, poll_once};
use libfuzzer_sys::fuzz_target;

/// A server that says what was made up, a piece to each request, under its number.
#[derive(Debug)]
struct Mad {
    pieces: Mutex<std::vec::IntoIter<Vec<u8>>>,
    inbox: Mutex<Option<Inbox>>,
}

impl Transport for Mad {
    fn answers_at_once(&self) -> bool {
        true
    }
    fn start(&self, inbox: Inbox) {
        *self.inbox.lock().unwrap() = Some(inbox);
    }
    fn send(&self, request: Vec<u8>) {
        let Some(inbox) = self.inbox.lock().unwrap().clone() else { return };
        let Some(piece) = self.pieces.lock().unwrap().next() else { return inbox.lose("it has said everything") };
        match piece.split_first() {
            // Without a number of ours.
            Some((0xff, frame)) => inbox.deliver(frame.to_vec()),
            _ => {
                let len = request.iter().position(|byte| byte & 128 == 0).map_or(0, |last| last + 1);
                inbox.deliver([&request[..len], &piece].concat());
            }
        }
    }
}

async fn every_call(remote: &Remote) {
    let path = |text: &str| StoragePath::parse(text).unwrap();
    let _ = remote.create_dir(&path("d")).await;
    let _ = remote.write(&path("d/a"), b"some bytes").await;
    if let Ok(file) = remote.open(&path("d/a"), &OpenOptions::editing()).await {
        let _ = file.write_at(3, &[7; 300]).await;
        let _ = file.read_at(0, &mut [0; 200]).await;
        let _ = file.stat().await;
        let _ = file.set_len(100).await;
        let _ = file.sync().await;
        let _ = file.close().await;
    }
    let _ = remote.read(&path("d/a")).await;
    let _ = remote.list(&path("d"), Some("a"), 10).await;
    let _ = remote.stat(&path("d/a")).await;
    let _ = remote.rename(&path("d/a"), &path("c")).await;
    let _ = remote.remove_file(&path("c")).await;
    let _ = remote.remove_dir(&path("d")).await;
    let _ = remote.usage().await;
    let _ = remote.set_attributes(&path("d/b"), &Attributes::new().mode(0o644)).await;
    let _ = remote.sync().await;
    let _ = remote.close().await;
}

// Pieces are divided by two bytes that seldom stand in one.
fuzz_target!(|input: &[u8]| {
    let mut pieces = vec![Vec::new()];
    for byte in input {
        let Some(piece) = pieces.last_mut() else { break };
        piece.push(*byte);
        if piece.ends_with(&[0xf5, 0xf5]) {
            piece.truncate(piece.len() - 2);
            pieces.push(Vec::new());
        }
    }
    let mad = Mad { pieces: Mutex::new(pieces.into_iter()), inbox: Mutex::default() };
    let session = async {
        match Remote::connect(mad).await {
            Ok(remote) => every_call(&remote).await,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    };
    assert!(block_on(poll_once(session)).is_some(), "a call hangs");
});

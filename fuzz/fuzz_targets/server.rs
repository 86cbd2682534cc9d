//! A server of the protocol between client and engine that is sent whatever there is: each frame is answered, and no file is left open.
#![no_main]

#[path = "../../remote/tests/remote/watched.rs"]
mod watched;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use anystorage_remote::{Line, Server};
use futures_lite::future::block_on;
use libfuzzer_sys::fuzz_target;
use watched::Watched;

/// A line of frames that were made up, and the numbers of the answers to them: answers may be long.
#[derive(Debug)]
struct Scripted {
    frames: VecDeque<Vec<u8>>,
    answered: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Line for Scripted {
    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        Poll::Ready(self.frames.pop_front())
    }
    fn answer(&mut self, frame: Vec<u8>) {
        self.answered.lock().unwrap().push(number(&frame));
    }
}

/// The number that a frame begins with, if it can be read and is one of a request.
fn number(frame: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (at, byte) in frame.iter().take(10).enumerate() {
        let bits = u64::from(byte & 127);
        if at == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * at);
        if byte & 128 == 0 {
            return Some(number).filter(|number| *number != 0);
        }
    }
    None
}

// Frames are divided by two bytes that seldom stand in one.
fuzz_target!(|input: &[u8]| {
    let mut frames: VecDeque<Vec<u8>> = VecDeque::new();
    let mut frame = Vec::new();
    for byte in input {
        frame.push(*byte);
        if frame.ends_with(&[0xf5, 0xf5]) {
            frame.truncate(frame.len() - 2);
            frames.push_back(std::mem::take(&mut frame));
        }
    }
    frames.push_back(frame);
    let mut expected: Vec<Option<u64>> = frames.iter().map_while(|frame| number(frame)).map(Some).collect();
    if expected.len() < frames.len() {
        // The connection ends with a goodbye.
        expected.push(None);
    }
    let (engine, answered) = (Watched::default(), Arc::default());
    block_on(Server::new(engine.clone()).serve(Scripted { frames, answered: Arc::clone(&answered) }));
    let mut answered = answered.lock().unwrap().clone();
    // The goodbye need not be the last one.
    answered.sort_by_key(Option::is_none);
    assert_eq!(answered, expected);
    assert_eq!(Arc::strong_count(&engine.open), 1, "files were left open");
});

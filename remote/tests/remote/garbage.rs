//! What makes no sense, at both ends: frames that were recorded and damaged, and frames that never were any.
//!
//! `ANYSTORAGE_SEED` repeats a run, and `ANYSTORAGE_FRAMES` makes it longer.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use anystorage_api::{Attributes, ErrorKind, OpenOptions, StorageBackend, StoragePath, Timestamp};
use anystorage_remote::{Inbox, Line, Remote, Server, Transport};
use futures_lite::future::{block_on, poll_once};
use futures_lite::pin;

use crate::watched::Watched;

/// Frames for each end, unless the environment says otherwise.
const FRAMES: u64 = 100_000;

struct Rng(u64);

impl Rng {
    fn new() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let seed = number("ANYSTORAGE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("ANYSTORAGE_SEED={seed} repeats this run");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        // The bounds of numbers and lengths more often than others.
        match self.below(4) {
            0 => [0, 1, 127, 128, 255][self.below(5)],
            _ => self.next().to_le_bytes()[0],
        }
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.byte()).collect()
    }

    /// Damages a frame: bytes changed, put in, taken out, cut off; or does nothing to it.
    fn damaged(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut frame = frame.to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(frame.len());
            match self.below(5) {
                0 => frame.truncate(at),
                1 => frame.insert(at, self.byte()),
                2 if !frame.is_empty() => drop(frame.remove(at)),
                3 => frame.splice(at..at, [255; 9]).for_each(drop),
                _ => {
                    if let Some(byte) = frame.get_mut(at) {
                        *byte = self.byte();
                    }
                }
            }
        }
        frame
    }
}

fn frames() -> u64 {
    std::env::var("ANYSTORAGE_FRAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(FRAMES)
}

fn path(text: &str) -> StoragePath {
    StoragePath::parse(text).unwrap()
}

/// The number of a frame, and how many bytes it takes.
fn number_of(frame: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (at, byte) in frame.iter().take(10).enumerate() {
        let bits = u64::from(byte & 127);
        if at == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * at);
        if byte & 128 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}

/// A client's end that has a server answer at once, on the same thread, and remembers what was said.
#[derive(Debug, Clone)]
struct Direct {
    said: Arc<Mutex<VecDeque<Vec<u8>>>>,
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
    inbox: Arc<Mutex<Option<Inbox>>>,
}

#[derive(Debug)]
struct DirectLine(Direct);

impl Transport for Direct {
    fn start(&self, inbox: Inbox) {
        *self.inbox.lock().unwrap() = Some(inbox);
    }
    fn send(&self, frame: Vec<u8>) {
        self.said.lock().unwrap().push_back(frame);
    }
}

impl Line for DirectLine {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        match self.0.said.lock().unwrap().pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
    fn answer(&mut self, frame: Vec<u8>) {
        self.0.answers.lock().unwrap().push(frame.clone());
        if let Some(inbox) = &*self.0.inbox.lock().unwrap() {
            inbox.deliver(frame);
        }
    }
}

/// Makes every call there is.
async fn every_call(remote: &Remote) {
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
    drop(remote.open(&path("d/b"), &OpenOptions::editing().truncate(true)).await);
    let _ = remote.read(&path("d/a")).await;
    let _ = remote.list(&path("d"), Some("a"), 10).await;
    let _ = remote.list(&path("d"), None, 10).await;
    let _ = remote.stat(&path("d/a")).await;
    let _ = remote.stat(&path("missing")).await;
    let _ = remote.rename(&path("d/a"), &path("c")).await;
    let _ = remote.remove_file(&path("c")).await;
    let _ = remote.remove_dir(&path("d")).await;
    let _ = remote.usage().await;
    let attributes = Attributes::new().mode(0o644).modified(Timestamp::new(-1, 5)).link_target("there");
    let _ = remote.set_attributes(&path("d/b"), &attributes).await;
    let _ = remote.sync().await;
}

/// What client and server say when every call is made: requests, and answers.
fn recorded() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    #[derive(Debug)]
    struct Recording(Direct, Arc<Mutex<Vec<Vec<u8>>>>);
    impl Transport for Recording {
        fn start(&self, inbox: Inbox) {
            self.0.start(inbox);
        }
        fn send(&self, frame: Vec<u8>) {
            self.1.lock().unwrap().push(frame.clone());
            self.0.send(frame);
        }
    }
    let direct = Direct { said: Arc::default(), answers: Arc::default(), inbox: Arc::default() };
    let requests = Arc::new(Mutex::new(Vec::new()));
    let recording = Recording(direct.clone(), Arc::clone(&requests));
    let server = Server::new(Watched::default()).serve(DirectLine(direct.clone()));
    let client = async {
        every_call(&Remote::connect(recording).await.unwrap()).await;
    };
    block_on(async {
        pin!(server, client);
        while poll_once(&mut client).await.is_none() {
            assert!(poll_once(&mut server).await.is_none());
        }
    });
    let requests = requests.lock().unwrap().clone();
    let answers = direct.answers.lock().unwrap().clone();
    assert!(requests.len() > 22 && answers.len() == requests.len(), "{} {}", requests.len(), answers.len());
    (requests, answers)
}

/// A line of frames that were made up, and the answers to them.
#[derive(Debug)]
struct Scripted {
    frames: VecDeque<Vec<u8>>,
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Line for Scripted {
    fn poll_receive(&mut self, _context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        Poll::Ready(self.frames.pop_front())
    }
    fn answer(&mut self, frame: Vec<u8>) {
        self.answers.lock().unwrap().push(frame);
    }
}

/// A frame that makes no sense must not end the server, nor hang its client: each is answered under its number, and one without a number ends
/// the connection.
#[test]
fn a_server_answers_whatever_it_is_sent() {
    let mut rng = Rng::new();
    let (requests, _) = recorded();
    let (mut sent, mut sessions) = (0, 0);
    while sent < frames() {
        sessions += 1;
        // The greeting, so that the others get through to the engine; or not.
        let mut script: VecDeque<_> = requests.iter().take(usize::from(rng.below(16) != 0)).cloned().collect();
        for _ in 0..200 {
            let request = &requests[rng.below(requests.len())];
            script.push_back(if rng.below(8) == 0 { rng.bytes(60) } else { rng.damaged(request) });
        }
        let readable = script.iter().map_while(|frame| number_of(frame).filter(|(number, _)| *number != 0).map(|(number, _)| number));
        let mut expected: Vec<u64> = readable.collect();
        if expected.len() < script.len() {
            expected.push(0);
        }
        sent += expected.len() as u64;
        let engine = Watched::default();
        let answers = Arc::default();
        block_on(Server::new(engine.clone()).serve(Scripted { frames: script, answers: Arc::clone(&answers) }));
        let answers = answers.lock().unwrap();
        let mut answered: Vec<u64> = answers.iter().map(|frame| number_of(frame).unwrap().0).collect();
        // The goodbye need not be the last one; every other is in order, as memory answers at once.
        answered.sort_by_key(|number| *number == 0);
        assert_eq!(answered, expected);
        assert_eq!(Arc::strong_count(&engine.open), 1, "files were left open");
    }
    println!("{sent} frames in {sessions} sessions");
}

/// A client's end whose server is mad.
#[derive(Debug, Clone)]
struct Mad {
    rng: Arc<Mutex<u64>>,
    corpus: Arc<Vec<Vec<u8>>>,
    inbox: Arc<Mutex<Option<Inbox>>>,
    heard: Arc<Mutex<u64>>,
}

impl Transport for Mad {
    fn answers_at_once(&self) -> bool {
        true
    }
    fn start(&self, inbox: Inbox) {
        *self.inbox.lock().unwrap() = Some(inbox);
    }
    fn send(&self, request: Vec<u8>) {
        let mut rng = Rng(*self.rng.lock().unwrap());
        let number = request[..number_of(&request).unwrap().1].to_vec();
        let answer = &self.corpus[rng.below(self.corpus.len())];
        // The right answer to the greeting, mostly: the others get no chance without.
        let answer = if *self.heard.lock().unwrap() == 0 && rng.below(8) != 0 { &self.corpus[0] } else { answer };
        let (_, head) = number_of(answer).unwrap();
        let frame = match rng.below(16) {
            0 => rng.bytes(60),
            1 => rng.damaged(answer),
            2..=5 => [number, answer[head..].to_vec()].concat(),
            _ => {
                let body = rng.damaged(&answer[head..]);
                [number, body].concat()
            }
        };
        *self.rng.lock().unwrap() = rng.0;
        *self.heard.lock().unwrap() += 1;
        let inbox = self.inbox.lock().unwrap().clone().unwrap();
        inbox.deliver(frame);
    }
}

/// Whatever the server says, each call has an outcome as soon as it said something; what makes no sense is `Disconnected`.
#[test]
fn a_client_survives_whatever_it_is_told() {
    let rng = Rng::new();
    let (_, answers) = recorded();
    let (state, corpus) = (Arc::new(Mutex::new(rng.0)), Arc::new(answers));
    let (mut heard, mut connected) = (0, 0_u64);
    while heard < frames() {
        let mad = Mad { rng: Arc::clone(&state), corpus: Arc::clone(&corpus), inbox: Arc::default(), heard: Arc::default() };
        let session = async {
            match Remote::connect(mad.clone()).await {
                Ok(remote) => {
                    connected += 1;
                    for _ in 0..10 {
                        every_call(&remote).await;
                    }
                    // Such a connection ends sooner or later; then it says so.
                    if mad.inbox.lock().unwrap().as_ref().unwrap().is_lost() {
                        assert_eq!(remote.sync().await.unwrap_err().kind(), ErrorKind::Disconnected);
                    }
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        };
        pin!(session);
        assert!(block_on(poll_once(session)).is_some(), "a call hangs");
        heard += *mad.heard.lock().unwrap();
    }
    println!("{heard} frames, {connected} times connected");
    assert!(connected > 10);
}

//! As much of HTTP as a browser on this machine asks for.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// More is refused. The largest is a location with all that is in it.
const LONGEST_BODY: usize = 1 << 30;
const LONGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;

/// A request.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) method: String,
    pub(super) path: String,
    query: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Incoming {
    /// A parameter; none of ours needs to be decoded.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Arc<[u8]>,
}

impl Outgoing {
    pub(super) fn new(status: u16, body: impl Into<Arc<[u8]>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// With what isolates a page from other origins (COOP and COEP).
    pub(super) fn isolated(self) -> Self {
        self.with("cross-origin-opener-policy", "same-origin").with("cross-origin-embedder-policy", "require-corp")
    }

    fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut bytes = format!("HTTP/1.1 {} .\r\ncontent-length: {}\r\ncache-control: no-store\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)
    }
}

/// Serves for as long as the process lives, each connection on a thread of its own.
pub(super) fn serve(listener: TcpListener, answer: impl Fn(Incoming) -> Outgoing + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().filter_map(io::Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                // A browser that goes away in the middle is what this is all about.
                let _ = converse(stream, &*answer);
            });
        }
    });
}

fn converse(mut stream: TcpStream, answer: &(dyn Fn(Incoming) -> Outgoing + Send + Sync)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut pending = Vec::new();
    while let Some(incoming) = hear(&mut stream, &mut pending)? {
        answer(incoming).write(&mut stream)?;
    }
    Ok(())
}

/// The next request; none if the other side has closed the connection.
fn hear(stream: &mut TcpStream, pending: &mut Vec<u8>) -> io::Result<Option<Incoming>> {
    let malformed = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let (mut incoming, head, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(pending).map_err(|error| malformed(&error.to_string()))?;
        if let (httparse::Status::Complete(head), Some(method), Some(target)) = (parsed, request.method, request.path) {
            let header = |name: &str| request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            if header("transfer-encoding").is_some() {
                return Err(malformed("a body without its length"));
            }
            let length = header("content-length").and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let query = query.split('&').filter_map(|pair| pair.split_once('='));
            let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let incoming = Incoming { method: method.to_owned(), path: path.to_owned(), query, body: Vec::new() };
            break (incoming, head, length);
        }
        if pending.len() > LONGEST_HEAD {
            return Err(malformed("a head without an end"));
        }
        if !more(stream, pending)? {
            return Ok(None);
        }
    };
    if length > LONGEST_BODY {
        return Err(malformed("a body that is too long"));
    }
    pending.drain(..head);
    while pending.len() < length {
        if !more(stream, pending)? {
            return Ok(None);
        }
    }
    incoming.body = pending.drain(..length).collect();
    Ok(Some(incoming))
}

/// Reads what has come; false at the end.
fn more(stream: &mut TcpStream, pending: &mut Vec<u8>) -> io::Result<bool> {
    let mut buf = [0; 64 << 10];
    let count = stream.read(&mut buf)?;
    pending.extend_from_slice(buf.get(..count).unwrap_or_default());
    Ok(count > 0)
}

//! The child as the parent sees it: what it announces, and its death.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Instant;

use super::line::Line;
use crate::case::Broken;
use crate::process::Processes;
use crate::process::spawned::Spawned;
use crate::process::wire::{Answer, Request, heard};

/// How to wait for the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Asleep, as long as the line is of no interest.
    Asleep,
    /// Awake and asking again and again: being woken takes longer than most operations do.
    Awake,
}

/// A child under load.
#[derive(Debug)]
pub(super) struct Victim {
    process: Spawned,
    announcements: UnixStream,
    waiting: Option<Waiting>,
    pending: Vec<u8>,
}

impl Victim {
    pub(super) fn start(processes: &Processes, request: &Request) -> Result<Self, Broken> {
        let no_socket = |error: io::Error| Broken::promise(format!("no socket for a child: {error}"));
        // A socket and no pipe: the standard library can make its reading end non-blocking.
        let (announcements, theirs) = UnixStream::pair().map_err(no_socket)?;
        announcements.set_read_timeout(Some(processes.patience())).map_err(no_socket)?;
        let process = Spawned::start(processes.command(), Stdio::from(OwnedFd::from(theirs)), request, processes.patience())?;
        let mut victim = Self { process, announcements, waiting: None, pending: Vec::new() };
        loop {
            let Some(line) = victim.raw_line(Waiting::Asleep)? else { return Err(victim.gone()) };
            match heard::<Answer>(&line) {
                Some(Ok(Answer::Started)) => return Ok(victim),
                Some(other) => return Err(Broken::promise(format!("the child process answered out of turn: {other:?}"))),
                None => {}
            }
        }
    }

    /// Its next announcement; none when it has ended and all it said was heard.
    pub(super) fn line(&mut self, waiting: Waiting) -> Result<Option<Line>, Broken> {
        loop {
            let Some(line) = self.raw_line(waiting)? else { return Ok(None) };
            if let Some(line) = Line::parse(&line) {
                return Ok(Some(line));
            }
        }
    }

    /// Kills and reaps it. What it announced until then can still be heard.
    pub(super) fn kill(&mut self) -> Result<(), Broken> {
        self.process.kill()
    }

    /// The report of a child that has ended although nobody killed it.
    pub(super) fn gone(&mut self) -> Broken {
        let status = self.process.wait();
        self.process.broken("ended before it was killed", &status)
    }

    fn raw_line(&mut self, waiting: Waiting) -> Result<Option<String>, Broken> {
        let unreadable = |error: io::Error| Broken::promise(format!("the announcements of a child cannot be read: {error}"));
        if self.waiting != Some(waiting) {
            self.announcements.set_nonblocking(waiting == Waiting::Awake).map_err(unreadable)?;
            self.waiting = Some(waiting);
        }
        let start = Instant::now();
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            let mut buf = [0; 4096];
            match self.announcements.read(&mut buf) {
                // Half a line at the end was being said when the kill came: it was not said.
                Ok(0) => return Ok(None),
                Ok(count) => self.pending.extend_from_slice(buf.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if waiting == Waiting::Asleep || start.elapsed() > self.process.patience() {
                        return Err(self.process.hung());
                    }
                    std::hint::spin_loop();
                }
                // What a socket says whose other end died with something unread.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(unreadable(error)),
            }
        }
    }
}

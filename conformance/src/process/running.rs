//! One child process: started with a request, listened to, killed and reaped when nobody wants it any more.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::wire::{CHILD_VARIABLE, Request, heard, say};
use crate::case::Broken;

/// How much of what a child writes to standard error is kept for the report: the end of it.
const KEPT_OF_STDERR: usize = 8 * 1024;

/// A child that runs.
#[derive(Debug)]
pub(crate) struct Running<A> {
    child: Child,
    // The child ends when this is closed.
    _stdin: Option<ChildStdin>,
    answers: Receiver<Result<A, String>>,
    complaints: Receiver<String>,
    patience: Duration,
}

impl<A: DeserializeOwned + Send + 'static> Running<A> {
    /// Starts it and hands it the request. A call that waits for it longer than `patience` reports that it hangs.
    pub(crate) fn start(mut command: Command, request: &Request, patience: Duration) -> Result<Self, Broken> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.env(CHILD_VARIABLE, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Broken::promise(format!("{program} could not be started: {error}")))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(Broken::promise(format!("{program} was started without its pipes")));
        };
        let (say_answer, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                let Some(answer) = heard::<A>(&line) else { continue };
                if say_answer.send(answer.map_err(|error| format!("{error} in {line:?}"))).is_err() {
                    return;
                }
            }
        });
        let (say_complaint, complaints) = channel();
        thread::spawn(move || say_complaint.send(end_of(stderr)));
        // A child that ends before it reads its request is reported by the first answer that does not come.
        let _ = say(&mut stdin, request);
        Ok(Self { child, _stdin: Some(stdin), answers, complaints, patience })
    }

    /// Its next answer.
    pub(crate) fn answer(&mut self) -> Result<A, Broken> {
        match self.answers.recv_timeout(self.patience) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(garbled)) => Err(Broken::promise(format!("the child process answered something unknown: {garbled}"))),
            Err(RecvTimeoutError::Timeout) => Err(self.hung("answered")),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait();
                Err(Broken::promise(format!("the child process ended without an answer ({}){}", in_words(status), self.complained())))
            }
        }
    }

    /// Waits until it has ended by itself, with success.
    pub(crate) fn ended(mut self) -> Result<(), Broken> {
        match self.answers.recv_timeout(self.patience) {
            Ok(_) => Err(Broken::promise("the child process answered twice")),
            Err(RecvTimeoutError::Timeout) => Err(self.hung("ended")),
            Err(RecvTimeoutError::Disconnected) => match self.child.wait() {
                Ok(status) if status.success() => Ok(()),
                status => Err(Broken::promise(format!("the child process did not end well ({}){}", in_words(status), self.complained()))),
            },
        }
    }

    /// Kills it (SIGKILL on Unix) and reaps it: when this returns it is gone, with all its locks and descriptors.
    pub(crate) fn kill(mut self) -> Result<(), Broken> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        match killed {
            Ok(status) if was_killed(status) => Ok(()),
            other => {
                Err(Broken::promise(format!("the child process ended before it was killed ({}){}", in_words(other), self.complained())))
            }
        }
    }

    /// Lets go of its standard input, as a parent's death does, and waits for its end.
    #[cfg(test)]
    pub(crate) fn abandon(mut self) -> io::Result<ExitStatus> {
        drop(self._stdin.take());
        self.child.wait()
    }

    fn hung(&mut self, verb: &str) -> Broken {
        // The kill ends its standard error too, so that what it said until here can be read.
        let _ = self.child.kill();
        let _ = self.child.wait();
        Broken::promise(format!("the child process hung: it had not {verb} after {} s{}", self.patience.as_secs(), self.complained()))
    }

    /// What it wrote to standard error, with a lead; empty if nothing.
    fn complained(&self) -> String {
        match self.complaints.recv_timeout(self.patience) {
            Ok(text) if !text.trim().is_empty() => format!("; it said: {}", text.trim()),
            _ => String::new(),
        }
    }
}

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        // Both fail for a child that is gone already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn end_of(mut stderr: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buf = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buf) {
        kept.extend_from_slice(buf.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(KEPT_OF_STDERR);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn in_words(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("its status is unknown: {error}"),
    }
}

#[cfg(unix)]
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGKILL: i32 = 9;
    status.signal() == Some(SIGKILL)
}

#[cfg(not(unix))]
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}

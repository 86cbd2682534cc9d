//! A child process with a life-line: its standard input stays open for as long as somebody wants it, its last words are kept, and it is
//! killed and reaped when it is dropped.

use std::io::{self, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::wire::{CHILD_VARIABLE, Request, say};
use crate::case::Broken;

/// How much of what a child writes to standard error is kept for the report: the end of it.
const KEPT_OF_STDERR: usize = 8 * 1024;

/// A child that runs.
#[derive(Debug)]
pub(crate) struct Spawned {
    child: Child,
    // The child ends when this is closed.
    _stdin: Option<ChildStdin>,
    complaints: Receiver<String>,
    patience: Duration,
}

impl Spawned {
    /// Starts it, with `stdout` as its standard output, and hands it the request.
    pub(crate) fn start(mut command: Command, stdout: Stdio, request: &Request, patience: Duration) -> Result<Self, Broken> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.env(CHILD_VARIABLE, "1").stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Broken::promise(format!("{program} could not be started: {error}")))?;
        let (Some(mut stdin), Some(stderr)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(Broken::promise(format!("{program} was started without its pipes")));
        };
        let (say_complaint, complaints) = channel();
        thread::spawn(move || say_complaint.send(end_of(stderr)));
        // A child that ends before it reads its request is reported by the first answer that does not come.
        let _ = say(&mut stdin, request);
        Ok(Self { child, _stdin: Some(stdin), complaints, patience })
    }

    /// How long it may be silent.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// The reading end of its standard output, once, if that was made a pipe.
    pub(crate) fn take_stdout(&mut self) -> Option<impl Read + Send + 'static> {
        self.child.stdout.take()
    }

    /// Waits until it has ended by itself, and says how.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Kills it (SIGKILL on Unix) and reaps it: when this returns it is gone, with all its locks and descriptors.
    ///
    /// # Errors
    /// If it had ended before.
    pub(crate) fn kill(&mut self) -> Result<(), Broken> {
        match self.child.kill().and_then(|()| self.child.wait()) {
            Ok(status) if was_killed(status) => Ok(()),
            other => Err(self.broken("ended before it was killed", &other)),
        }
    }

    /// Lets go of its standard input, as a parent's death does, and waits for its end.
    #[cfg(test)]
    pub(crate) fn abandon(&mut self) -> io::Result<ExitStatus> {
        drop(self._stdin.take());
        self.child.wait()
    }

    /// Kills a child that hangs; the report of it.
    pub(crate) fn hung(&mut self) -> Broken {
        // The kill ends its standard error too, so that what it said until here can be read.
        let _ = self.child.kill();
        let _ = self.child.wait();
        Broken::promise(format!("the child process hung: nothing came from it for {:?}{}", self.patience, self.complained()))
    }

    /// The report of a child that has ended as it should not.
    pub(crate) fn broken(&self, how: &str, status: &io::Result<ExitStatus>) -> Broken {
        let status = match status {
            Ok(status) => status.to_string(),
            Err(error) => format!("its status is unknown: {error}"),
        };
        Broken::promise(format!("the child process {how} ({status}){}", self.complained()))
    }

    /// What it wrote to standard error, with a lead; empty if nothing.
    fn complained(&self) -> String {
        match self.complaints.recv_timeout(self.patience) {
            Ok(text) if !text.trim().is_empty() => format!("; it said: {}", text.trim()),
            _ => String::new(),
        }
    }
}

impl Drop for Spawned {
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

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGKILL: i32 = 9;
    status.signal() == Some(SIGKILL)
}

#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}

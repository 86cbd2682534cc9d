//! A child that answers a request line by line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::spawned::Spawned;
use super::wire::{Answer, Request, heard};
use crate::case::Broken;

/// A child and its answers.
#[derive(Debug)]
pub(super) struct Running {
    process: Spawned,
    answers: Receiver<serde_json::Result<Answer>>,
}

impl Running {
    /// Starts it. A call that waits for it longer than `patience` reports that it hangs.
    pub(super) fn start(command: Command, request: &Request, patience: Duration) -> Result<Self, Broken> {
        let mut process = Spawned::start(command, Stdio::piped(), request, patience)?;
        let (say_answer, answers) = channel();
        if let Some(stdout) = process.take_stdout() {
            thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(std::io::Result::ok);
                for answer in lines.filter_map(|line| heard(&line)) {
                    if say_answer.send(answer).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { process, answers })
    }

    /// Its next answer.
    pub(super) fn answer(&mut self) -> Result<Answer, Broken> {
        match self.answers.recv_timeout(self.process.patience()) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(garbled)) => Err(Broken::promise(format!("the child process answered something unknown: {garbled}"))),
            Err(RecvTimeoutError::Timeout) => Err(self.process.hung()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.process.wait();
                Err(self.process.broken("ended without an answer", &status))
            }
        }
    }

    /// Waits until it has ended by itself, with success.
    pub(super) fn ended(mut self) -> Result<(), Broken> {
        match self.answers.recv_timeout(self.process.patience()) {
            Ok(_) => Err(Broken::promise("the child process answered twice")),
            Err(RecvTimeoutError::Timeout) => Err(self.process.hung()),
            Err(RecvTimeoutError::Disconnected) => match self.process.wait() {
                Ok(status) if status.success() => Ok(()),
                status => Err(self.process.broken("did not end well", &status)),
            },
        }
    }

    /// Kills and reaps it.
    pub(super) fn kill(mut self) -> Result<(), Broken> {
        self.process.kill()
    }

    /// [`Spawned::abandon`].
    #[cfg(test)]
    pub(super) fn abandon(mut self) -> std::io::Result<std::process::ExitStatus> {
        self.process.abandon()
    }
}

//! Work in a process of its own, so that its memory and its reads are nobody else's, and it can be killed.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{bounded, crowded, many, sparse};
use crate::Engine;
use crate::measure::Outcome;

/// What a child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) engine: Engine,
    pub(crate) place: PathBuf,
    /// The addresses that it may have, in bytes.
    pub(crate) limit: Option<u64>,
    pub(crate) task: Task,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    Fill { files: u64 },
    Open,
    Visit { files: u64 },
    AddAndWait { files: u64 },
    OpenAfterKill { files: u64 },
    Remove { files: u64 },
    Crowd { entries: u64 },
    Sparse,
    WriteLarge { bytes: u64 },
    ReadLarge { bytes: u64 },
}

/// The word of a child that waits for its end.
const READY: &str = "ready";

/// In the child: does the job, and prints what came of it as one line of JSON.
pub(crate) fn work(job: &str) -> Outcome {
    let Job { engine, place, limit, task } = serde_json::from_str(job)?;
    if limit.is_some() {
        setrlimit(Resource::As, Rlimit { current: limit, maximum: limit })?;
    }
    let place = place.as_path();
    match task {
        Task::Fill { files } => tell(&many::fill(engine, place, files)?),
        Task::Open => tell(&many::open_and_close(engine, place)?),
        Task::Visit { files } => tell(&many::visit(engine, place, files)?),
        Task::AddAndWait { files } => many::add_and(engine, place, files, || {
            println!("{READY}");
            std::io::stdout().flush()?;
            // Nothing ever comes: the end of the input is the end of the parent.
            std::io::stdin().read_to_end(&mut Vec::new())?;
            Err("was not killed".into())
        }),
        Task::OpenAfterKill { files } => tell(&many::open_after_kill(engine, place, files)?),
        Task::Remove { files } => tell(&many::remove(engine, place, files)?),
        Task::Crowd { entries } => tell(&crowded::crowd(engine, place, entries)?),
        Task::Sparse => tell(&sparse::punch(engine, place)?),
        Task::WriteLarge { bytes } => tell(&bounded::write(engine, place, bytes)?),
        Task::ReadLarge { bytes } => tell(&bounded::read(engine, place, bytes)?),
    }
}

fn tell(answer: &impl Serialize) -> Outcome {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}

impl Job {
    pub(crate) fn new(engine: Engine, place: &Path, task: Task) -> Self {
        Self { engine, place: place.to_owned(), limit: None, task }
    }

    pub(crate) fn limited(mut self, addresses: u64) -> Self {
        self.limit = Some(addresses);
        self
    }

    fn start(&self) -> Result<Child, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["child", &serde_json::to_string(self)?]);
        if self.limit.is_some() {
            // The C library sets 64 MiB of addresses aside for each thread that allocates, and a store has many threads: the limit is for
            // what is used.
            command.env("MALLOC_ARENA_MAX", "1");
        }
        Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
    }

    /// In the parent: the job's answer.
    pub(crate) fn run<T: DeserializeOwned>(&self) -> Result<T, Box<dyn Error>> {
        let mut child = self.start()?;
        let mut answer = String::new();
        if let Some(output) = child.stdout.as_mut() {
            output.read_to_string(&mut answer)?;
        }
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("{:?} with {:?} ended with {status}", self.task, self.engine).into());
        }
        Ok(serde_json::from_str(&answer)?)
    }

    /// In the parent: kills the child as soon as it waits.
    pub(crate) fn run_and_kill(&self) -> Outcome {
        let mut child = self.start()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.as_mut() {
            BufReader::new(output).read_line(&mut line)?;
        }
        child.kill()?;
        child.wait()?;
        if line.trim_end() == READY {
            Ok(())
        } else {
            Err(format!("{:?} with {:?} did not come to its end", self.task, self.engine).into())
        }
    }
}

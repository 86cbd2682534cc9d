//! npm, for what it alone has.

use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::ending;
use crate::failure::{Failure, Result};

/// How long it may take, which may have everything to fetch.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs npm in a directory: what it said.
///
/// # Errors
/// If it cannot be started, fails, or is not done within five minutes; with what it said.
pub fn run(directory: &Path, arguments: &[&str]) -> Result<String> {
    ending::prepare();
    let command = format!("npm {}", arguments.join(" "));
    let failed = |what: &str| Failure::of(format!("{command}: {what}"));
    let start = Instant::now();
    let mut said = tempfile::tempfile().map_err(failed("no temporary file"))?;
    let output = || said.try_clone().map_err(failed("no temporary file"));
    let (stdout, stderr) = (output()?, output()?);
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(directory).process_group(0).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    let mut child = npm.spawn().map_err(failed("npm could not be started"))?;
    let status: Option<ExitStatus> = loop {
        if let Some(status) = child.try_wait().map_err(failed("nothing is known of it"))? {
            break Some(status);
        }
        if start.elapsed() > PATIENCE {
            let killed = kill_process_group(Pid::from_child(&child), Signal::KILL).map_err(Into::into);
            killed.map_err(failed("it could not be ended"))?;
            child.wait().map_err(failed("it did not end"))?;
            break None;
        }
        sleep(Duration::from_millis(50));
    };
    let mut text = String::new();
    said.rewind().and_then(|()| said.read_to_string(&mut text)).map_err(failed("what it said cannot be read"))?;
    match status {
        Some(status) if status.success() => Ok(text),
        Some(status) => Err(Failure::new(format!("{command} ended with {status}\n{text}"))),
        None => Err(Failure::new(format!("{command} was not done within {PATIENCE:?}\n{text}"))),
    }
}

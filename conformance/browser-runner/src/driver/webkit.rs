//! WebKitGTK by its own driver, on a display that nobody sees. The test browser that the driver brings forgets everything when it ends, so
//! this one is a script of ours, which keeps a profile.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::launch::{Launch, Storage};
use crate::failure::{Failure, Result};
use crate::programs;

/// The driver's program.
pub(super) const DRIVER: &str = "WebKitWebDriver";

const HOST: &str = include_str!("../web/webkit_host.py");

/// The bindings of GObject belong to the system's own interpreter.
const INTERPRETERS: &[&str] = &["/usr/bin/python3", "python3"];

/// How long a helper may take to say that it is there.
const STARTING: Duration = Duration::from_secs(60);

/// The display and the browser, which run before their driver.
pub(super) fn start_browser(launch: &Launch, port: u16, prepare: &dyn Fn(&mut Command)) -> Result<Vec<Child>> {
    let mut display = Command::new("Xvfb");
    prepare(&mut display);
    display.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]);
    let (mut display, number) = started(&mut display)?;
    let host = launch.profile.join("host.py");
    let begun = std::fs::create_dir_all(&launch.profile).and_then(|()| std::fs::write(&host, HOST));
    let begun = begun.map_err(Failure::of("no directory for a profile")).and_then(|()| {
        let interpreter = programs::find(INTERPRETERS).ok_or_else(|| Failure::new("there is no python3 for the WebKit browser"))?;
        let mut browser = Command::new(interpreter);
        prepare(&mut browser);
        browser.arg(&host).arg(&launch.profile).env("DISPLAY", format!(":{}", number.trim()));
        browser.env("WEBKIT_INSPECTOR_SERVER", format!("127.0.0.1:{port}"));
        match launch.storage {
            Storage::Usual => {}
            Storage::Private => drop(browser.arg("--private")),
            Storage::Denied => drop(browser.arg("--denied")),
            Storage::Small(bytes) => drop(browser.arg("--ratio").arg(share(&launch.profile, bytes)?)),
        }
        started(&mut browser)
    });
    match begun {
        Ok((browser, _)) => Ok(vec![browser, display]),
        Err(failure) => {
            let _ = display.kill();
            let _ = display.wait();
            Err(failure)
        }
    }
}

/// Which share of the disk so many bytes are.
fn share(profile: &Path, bytes: u64) -> Result<String> {
    let disk = rustix::fs::statvfs(profile).map_err(Failure::of("the size of the disk is not known"))?;
    #[expect(clippy::cast_precision_loss, reason = "the quota is not exact either")]
    let share = bytes as f64 / (disk.f_blocks * disk.f_frsize) as f64;
    Ok(format!("{share:.15}"))
}

/// Starts a program, and waits for the first line that it prints.
fn started(command: &mut Command) -> Result<(Child, String)> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(Failure::of(format!("{program} could not be started")))?;
    let (say, hear) = channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(std::io::Result::ok);
            let _ = say.send(lines.next());
            // The pipe is kept open, and empty.
            lines.for_each(drop);
        });
    }
    match hear.recv_timeout(STARTING) {
        Ok(Some(line)) => Ok((child, line)),
        _ => {
            let _ = child.kill();
            let _ = child.wait();
            Err(Failure::new(format!("{program} did not start")))
        }
    }
}

pub(super) fn capabilities(_launch: &Launch) -> Value {
    json!({})
}

/// Ends the browser as the session of a desktop does, and waits for it.
pub(super) fn quit(children: &[Child]) {
    let Some(browser) = children.get(1).and_then(|child| rustix::process::Pid::from_raw(i32::try_from(child.id()).ok()?)) else { return };
    let _ = rustix::process::kill_process(browser, rustix::process::Signal::TERM);
    for _ in 0..200 {
        let options =
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOHANG | rustix::process::WaitIdOptions::NOWAIT;
        match rustix::process::waitid(rustix::process::WaitId::Pid(browser), options) {
            Ok(None) => thread::sleep(Duration::from_millis(50)),
            _ => break,
        }
    }
}

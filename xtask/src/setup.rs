//! What the tests need, and how it gets onto the machine: from rustup, and on Debian and its relatives from apt.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::browsers::{Browser, Driver};
use crate::tools;

/// What must be there, and the Debian package that brings it.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) sign: Sign,
    pub(crate) package: &'static str,
}

/// By what a tool is known.
#[derive(Debug)]
pub(crate) enum Sign {
    /// A program of any of these names.
    Program(&'static [&'static str]),
    /// A command that succeeds, where it is no program by itself.
    Runs(&'static [&'static str]),
}

impl Tool {
    fn is_there(&self) -> bool {
        match self.sign {
            Sign::Program(names) => names.iter().any(|name| on_path(name)),
            Sign::Runs(command) => command
                .split_first()
                .is_some_and(|(program, arguments)| succeeds(Command::new(program).args(arguments).stderr(Stdio::null()))),
        }
    }
}

/// What the native tests run: the order of system calls is read from strace, the full disk is a small tmpfs in a namespace of its own.
const NATIVE: &[Tool] = &[
    Tool { sign: Sign::Program(&["strace"]), package: "strace" },
    Tool { sign: Sign::Program(&["unshare"]), package: "util-linux" },
    Tool { sign: Sign::Program(&["mount"]), package: "mount" },
];

/// What compiles SQLite for browsers.
const C_FOR_WASM: Tool = Tool { sign: Sign::Program(&["clang"]), package: "clang" };

/// What makes modules for the web smaller.
const SIZE: Tool = Tool { sign: Sign::Program(&["wasm-opt"]), package: "binaryen" };

/// What SQLite's tests are fetched, built and run with.
const SQLITE_TESTS: &[Tool] = &[
    Tool { sign: Sign::Program(&["dpkg-source"]), package: "dpkg-dev" },
    Tool { sign: Sign::Program(&["cc"]), package: "gcc" },
    Tool { sign: Sign::Program(&["make"]), package: "make" },
    Tool { sign: Sign::Program(&["tclsh"]), package: "tcl" },
    Tool { sign: Sign::Runs(&["test", "-f", "/usr/include/tcl8.6/tcl.h"]), package: "tcl8.6-dev" },
    Tool { sign: Sign::Runs(&["test", "-f", "/usr/include/zlib.h"]), package: "zlib1g-dev" },
];

/// What a project of a user is built with.
const BUNDLING: &[Tool] =
    &[Tool { sign: Sign::Program(&["node"]), package: "nodejs" }, Tool { sign: Sign::Program(&["npm"]), package: "npm" }];

/// Installs what is missing for the tests, and nothing else. A [driver](missing_driver) that has to be built is a step of theirs.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare(browsers: &[&Browser]) -> Result<(), String> {
    rust_component("rustfmt", "fmt")?;
    rust_component("clippy", "clippy")?;
    // The lints run for wasm32 even where no browser does.
    wasm_target()?;
    let of_any_browser = BUNDLING.iter().chain([&SIZE]).filter(|_| !browsers.is_empty());
    let tools: Vec<&Tool> =
        NATIVE.iter().chain([&C_FOR_WASM]).chain(of_any_browser).chain(browsers.iter().flat_map(|browser| browser.tools)).collect();
    debian_packages(&tools)
}

/// Installs what is missing to run something in these browsers, and nothing else.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare_browsers(browsers: &[&Browser]) -> Result<(), String> {
    wasm_target()?;
    debian_packages(&browsers.iter().flat_map(|browser| browser.tools).collect::<Vec<_>>())?;
    browsers.iter().filter_map(|browser| missing_driver(browser)).try_for_each(|(name, version)| tools::built(name, version).map(drop))
}

/// Installs what is missing to build SQLite for browsers and to fetch its peers, and nothing else.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare_sqlite_bench() -> Result<(), String> {
    debian_packages(&BUNDLING.iter().chain([&C_FOR_WASM]).collect::<Vec<_>>())
}

/// Installs what is missing to fetch Pyodide, and nothing else.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare_idbfs_bench() -> Result<(), String> {
    debian_packages(&BUNDLING.iter().collect::<Vec<_>>())
}

/// Installs what is missing to build the demo page, and nothing else.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare_demo() -> Result<(), String> {
    wasm_target()
}

/// Installs what is missing to run SQLite's own tests, and nothing else.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare_sqlite_tests() -> Result<(), String> {
    debian_packages(&SQLITE_TESTS.iter().collect::<Vec<_>>())
}

/// Installs what is missing to weigh a module, and nothing else.
///
/// # Errors
/// What is missing and could not be installed, with how to install it.
pub(crate) fn prepare_size() -> Result<(), String> {
    wasm_target()?;
    debian_packages(&[&SIZE])
}

/// The variables by which test runners find the drivers of these browsers.
///
/// # Errors
/// If it cannot be told where one is.
pub(crate) fn drivers(browsers: &[&Browser]) -> Result<Vec<(&'static str, String)>, String> {
    browsers.iter().map(|browser| Ok((browser.driver_variable, driver(browser)?))).collect()
}

fn driver(browser: &Browser) -> Result<String, String> {
    match browser.driver {
        Driver::Program(name) => Ok(name.to_owned()),
        Driver::Crate { name, .. } if on_path(name) => Ok(name.to_owned()),
        Driver::Crate { name, .. } => {
            let place = tools::place(name)?;
            place.into_os_string().into_string().map_err(|path| format!("{} is not UTF-8", path.display()))
        }
    }
}

/// The crate of which the driver has still to be built, and its version.
pub(crate) fn missing_driver(browser: &Browser) -> Option<(&'static str, &'static str)> {
    match browser.driver {
        Driver::Crate { name, version } if !on_path(name) && !tools::place(name).is_ok_and(|place| place.is_file()) => {
            Some((name, version))
        }
        _ => None,
    }
}

fn rust_component(component: &str, subcommand: &str) -> Result<(), String> {
    if succeeds(Command::new("cargo").args([subcommand, "--version"])) {
        return Ok(());
    }
    rustup(&["component", "add", component])
}

fn wasm_target() -> Result<(), String> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let found = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    if found.is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_dir()) {
        return Ok(());
    }
    rustup(&["target", "add", TARGET])
}

fn rustup(arguments: &[&str]) -> Result<(), String> {
    let command = format!("rustup {}", arguments.join(" "));
    println!("missing, so: {command}");
    if succeeds(Command::new("rustup").args(arguments)) {
        return Ok(());
    }
    Err(format!("`{command}` failed; without rustup, install it by the means that brought the compiler"))
}

fn debian_packages(tools: &[&Tool]) -> Result<(), String> {
    let missing = || tools.iter().filter(|tool| !tool.is_there()).collect::<Vec<_>>();
    let packages: Vec<&str> = missing().iter().map(|tool| tool.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !on_path("apt-get") {
        return Err(format!("missing: {names} (names of Debian packages). Install them by this system's own means, and run this again"));
    }
    let mut privileged = Vec::new();
    if !is_root() {
        if !on_path("sudo") {
            return Err(format!("missing: {names}. As root: apt-get install -y --no-install-recommends {names}"));
        }
        privileged.push("sudo");
    }
    println!("missing, so: {}apt-get install -y --no-install-recommends {names}", if privileged.is_empty() { "" } else { "sudo " });
    let apt = |arguments: &[&str]| {
        let words: Vec<&str> = privileged.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]).collect();
        let (program, rest) = words.split_first()?;
        succeeds(Command::new(program).args(rest).args(arguments)).then_some(())
    };
    // Stale package lists name versions that are gone; that the update fails does not mean the installation will.
    let _ = apt(&["update", "--quiet"]);
    let arguments: Vec<&str> = ["install", "--quiet", "-y", "--no-install-recommends"].into_iter().chain(packages).collect();
    apt(&arguments).ok_or_else(|| format!("apt-get could not install {names}"))?;
    match missing().first() {
        None => Ok(()),
        Some(tool) => Err(format!("{} was installed, but what it brings is not found: {:?}", tool.package, tool.sign)),
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|paths| env::split_paths(&paths).any(|directory| directory.join(program).is_file()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

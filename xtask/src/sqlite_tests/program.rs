//! The program that runs SQLite's tests: from Debian's source package, with `glue.c` of `sqlite/own-tests` compiled into it, and the library
//! that it loads.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What runs SQLite's tests.
#[derive(Debug)]
pub(crate) struct Program {
    /// `testfixture`, as SQLite calls it.
    pub(crate) testfixture: PathBuf,
    /// The engines and their VFS, which it loads.
    pub(crate) library: PathBuf,
    /// The script that it is given.
    pub(crate) script: PathBuf,
    /// Of Debian's source package.
    pub(crate) version: String,
    /// Where the tests are.
    tests: PathBuf,
    /// The script that lists tests.
    lister: PathBuf,
}

impl Program {
    /// Fetches and builds what is not there yet, below `target`.
    ///
    /// # Errors
    /// Which command failed.
    pub(crate) fn build(package: &Path, target: &Path) -> Result<Self, String> {
        let target = &std::path::absolute(target).map_err(|error| format!("{}: {error}", target.display()))?;
        let sources = target.join("source");
        if !sources.join("sqlite3").join("configure").is_file() {
            fetch(target, &sources)?;
        }
        let built = target.join("build");
        compile(package, &sources.join("sqlite3"), &built)?;
        Ok(Self {
            testfixture: built.join("testfixture"),
            library: library(package, target)?,
            script: package.join("run.tcl"),
            version: version(&sources)?,
            tests: sources.join("sqlite3").join("test"),
            lister: package.join("list.tcl"),
        })
    }

    /// The files of tests of these names, as full paths.
    ///
    /// # Errors
    /// If there are none.
    pub(crate) fn files(&self, names: &[String]) -> Result<Vec<PathBuf>, String> {
        let mut command = Command::new(&self.testfixture);
        command.arg(&self.lister).arg(&self.tests).args(names).current_dir(self.tests.with_file_name("test"));
        command.env_remove("ANYSTORAGE_LIBRARY");
        let output = command.output().map_err(|error| format!("{}: {error}", self.testfixture.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let files: Vec<PathBuf> = text.lines().filter_map(|line| line.strip_prefix("file ")).map(PathBuf::from).collect();
        if files.is_empty() { Err(format!("no tests are called {}", names.join(", "))) } else { Ok(files) }
    }
}

/// Debian's source package, by this machine's sources of packages, whose configuration stays as it is.
fn fetch(target: &Path, sources: &Path) -> Result<(), String> {
    let apt = target.join("apt");
    let (parts, lists) = (apt.join("parts"), apt.join("lists"));
    for directory in [sources, &parts, &lists.join("partial")] {
        fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    write(&parts.join("source.sources"), &source_entries()?)?;
    let option = |name: &str, value: &Path| ["-o".to_owned(), format!("{name}={}", value.display())];
    let options: Vec<String> = [
        option("Dir::Etc::sourcelist", Path::new("/dev/null")),
        option("Dir::Etc::sourceparts", &parts),
        option("Dir::State::lists", &lists),
        option("Dir::Cache", &apt),
    ]
    .concat();
    run(Command::new("apt-get").args(&options).args(["--quiet", "update"]))?;
    run(Command::new("apt-get").args(&options).args(["--quiet", "--download-only", "source", "sqlite3"]).current_dir(sources))?;
    // Under a name that is the same for every version, and has it only when it is whole.
    let description = description(sources)?;
    let unpacked = sources.join("unpacking");
    let _ = fs::remove_dir_all(&unpacked);
    run(Command::new("dpkg-source").arg("--extract").arg(&description).arg("unpacking").current_dir(sources))?;
    fs::rename(&unpacked, sources.join("sqlite3")).map_err(|error| format!("{}: {error}", unpacked.display()))
}

/// This machine's entries, for source packages.
fn source_entries() -> Result<String, String> {
    let mut entries = String::new();
    for file in files("/etc/apt/sources.list.d").into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "sources")) {
        let text = super::read(&file)?;
        // Other archives do not have it, and may have no source packages at all.
        for entry in text.split("\n\n").filter(|entry| entry.contains("debian")) {
            let lines = entry.lines().map(|line| if line.starts_with("Types:") { "Types: deb-src" } else { line });
            entries.extend(lines.flat_map(|line| [line, "\n"]));
            entries.push('\n');
        }
    }
    let old = fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    for line in old.lines().filter_map(|line| line.strip_prefix("deb ")).filter(|line| line.contains("debian")) {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with('[') && !word.ends_with(']')).collect();
        if let [place, suite, components @ ..] = words.as_slice() {
            entries.push_str(&format!("Types: deb-src\nURIs: {place}\nSuites: {suite}\nComponents: {}\n\n", components.join(" ")));
        }
    }
    if entries.is_empty() { Err("this machine's apt knows no archive of Debian".to_owned()) } else { Ok(entries) }
}

fn files(directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    files.sort();
    files
}

fn description(sources: &Path) -> Result<PathBuf, String> {
    let found = files(&sources.display().to_string()).into_iter().find(|file| file.extension().is_some_and(|kind| kind == "dsc"));
    found.ok_or_else(|| format!("there is no source package in {}", sources.display()))
}

fn version(sources: &Path) -> Result<String, String> {
    let text = super::read(&description(sources)?)?;
    let version = text.lines().find_map(|line| line.strip_prefix("Version: "));
    version.map(str::to_owned).ok_or_else(|| "the source package has no version".to_owned())
}

/// SQLite's program for its tests. It takes about a minute, and is done again when `glue.c` has changed.
fn compile(package: &Path, source: &Path, built: &Path) -> Result<(), String> {
    let glue = super::read(&package.join("glue.c"))?;
    let copy = built.join("glue.c");
    if built.join("testfixture").is_file() && fs::read_to_string(&copy).is_ok_and(|old| old == glue) {
        return Ok(());
    }
    // What an earlier attempt left may be half of a file.
    let _ = fs::remove_dir_all(built);
    fs::create_dir_all(built).map_err(|error| format!("{}: {error}", built.display()))?;
    run(Command::new(source.join("configure")).arg("--disable-shared").current_dir(built))?;
    write(&copy, &glue)?;
    // The place where the makefile names Tcl's library is the one where something can be added without a change of it. What is loaded finds
    // SQLite in the program.
    let libraries = "LIBTCL=glue.c -rdynamic -ltcl8.6 -ldl";
    let flags = "CFLAGS=-g0 -O2 -w -DSQLITE_EXTRA_INIT=anystorage_extra_init";
    run(Command::new("make").args(["testfixture", libraries, flags]).current_dir(built))
}

/// The engines and the VFS, without an SQLite of their own.
fn library(package: &Path, target: &Path) -> Result<PathBuf, String> {
    let nothing = target.join("no-sqlite");
    fs::create_dir_all(&nothing).map_err(|error| format!("{}: {error}", nothing.display()))?;
    // A script of the linker that brings nothing.
    write(&nothing.join("libsqlite3.so"), "/* SQLite is in the program that loads this. */\n")?;
    let place = target.join("library");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--release", "--locked", "--manifest-path"]).arg(package.join("Cargo.toml"));
    command.env("CARGO_TARGET_DIR", &place).env("LIBSQLITE3_SYS_USE_PKG_CONFIG", "1").env("SQLITE3_LIB_DIR", &nothing);
    run(&mut command)?;
    Ok(place.join("release").join("libanystorage_sqlite_own_tests.so"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs a command, whose output is shown only if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let words = [command.get_program()].into_iter().chain(command.get_args()).map(|word| word.to_string_lossy().into_owned());
    let said = words.collect::<Vec<_>>().join(" ");
    eprintln!("=== {said}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{said}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{said}: {}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

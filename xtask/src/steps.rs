//! What `cargo xtask test` runs: stages of lanes of steps. The lanes of a stage go on at the same time.

use std::collections::BTreeSet;
use std::fmt;
use std::iter;
use std::path::{Path, PathBuf};

use crate::browsers::Browser;
use crate::{setup, tools};

/// The crates that must build, lint clean, and keep their promises in a browser.
const BROWSER_CRATES: &[&str] = &[
    "anystorage-api",
    "anystorage-browser-host",
    "anystorage-idb",
    "anystorage-layers",
    "anystorage-memory",
    "anystorage-kv",
    "anystorage-opfs",
    "anystorage-redb",
    "anystorage-redb-face",
    "anystorage-remote",
    "anystorage-sqlite",
    "anystorage-vfs",
    "anystorage-conformance",
    "anystorage-databases",
    "anystorage",
    "anystorage-web-suite",
    "anystorage-browser-bench",
    "anystorage-sqlite-bench",
    "anystorage-idbfs-bench",
    "anystorage-size",
    "anystorage-web",
];

/// What runs the suite in browsers by way of WebDriver.
pub(crate) const RUNNER: &str = "anystorage-browser-runner";

/// By which it, and whatever loads modules, is told what they are built with, among others.
const TOGETHER: &str = "ANYSTORAGE_BUILD_TOGETHER";

/// What measures engines in browsers.
pub(crate) const BENCH: &str = "anystorage-browser-bench";

/// What measures SQLite in browsers.
pub(crate) const SQLITE_BENCH: &str = "anystorage-sqlite-bench";

/// What measures the IDBFS way in browsers.
pub(crate) const IDBFS_BENCH: &str = "anystorage-idbfs-bench";

/// The demo page.
pub(crate) const DEMO: &str = "anystorage-web";

/// What weighs a module.
pub(crate) const SIZE: &str = "anystorage-size";

/// Packages outside of the workspace.
const EXAMPLE: &str = "conformance/web-example/Cargo.toml";
const SQLITE_TESTS: &str = "sqlite/own-tests/Cargo.toml";
const USER_PROJECT: &str = "conformance/user-project/Cargo.toml";
const FUZZ: &str = "fuzz/Cargo.toml";

/// Browsers whose tests go on beside the native ones, which leave a core idle now and then: those whose usual tests take less time than these.
const BESIDE_NATIVE: &[&str] = &["webkit"];

/// How much of what browsers can be tried with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Each case with each engine in each browser, but for engines behind the bridge and the mirror that one browser has shown already; across two of
    /// what it can go through. Of the rest what differs from one browser to another.
    Usual,
    /// Everything.
    All,
}

/// What the runner of the suite is told besides, where not all of it runs.
const USUAL: &str = " --crossings 2 --kills 2 --terminations 20 --reloads 2";

/// Browsers in which what is no case of the suite is tried as well, what of it (all, if nothing is named), and how many tests that is.
const SCENARIOS: &[(&str, &[&str], usize)] = &[
    ("chromium", &[], 39),
    // What takes minutes there, and differs little from Chromium.
    ("firefox", &["--skip", "auto_sync::"], 34),
    // Without what needs OPFS, or leads other names to this machine.
    (
        "webkit",
        &[
            "tabs::",
            "fallback::as_usual",
            "fallback::a_private",
            "fallback::where_storage",
            "fallback::where_indexeddb",
            "third_party::",
            "refused::a_strict_policy_is_no",
            "refused::a_private",
            "refused::storage",
            "quota::what_was_synced",
            "idbfs::",
            "auto_sync::a_page_that_is_left",
        ],
        12,
    ),
];

/// Browsers in which the demo page is clicked through as usual, and by how many tests. They take minutes in the others.
const CLICKED: &[&str] = &["chromium"];
const DEMO_TESTS: usize = 7;

/// Browsers in which the engines are measured, to see that it works.
const MEASURED: &[&str] = &["chromium"];

/// Packages with a large tree of dependencies of their own, which native tests go without.
const BROWSERS_ALONE: &[&str] = &[WASM_RUNNER];

/// By which cargo runs tests that were built for browsers.
const WASM_RUNNER: &str = "wasm-runner";

/// Crates with features, and the combinations that are checked: none, each alone, some together, all.
const FEATURES: &[(&str, &[&str])] = &[
    (
        "anystorage",
        &[
            "",
            "memory",
            "files",
            "sled",
            "redb",
            "sled,redb",
            "memory,files",
            "opfs,idb",
            "memory,files,sled,redb,opfs-packed-page,opfs-pool,idb",
        ],
    ),
    ("anystorage-kv", &["", "testing"]),
    ("anystorage-layers", &["", "conformance"]),
    ("anystorage-memory", &["", "conformance"]),
    ("anystorage-remote", &["", "conformance"]),
    ("anystorage-vfs", &["", "mirror"]),
    ("anystorage-native", &["", "files", "sled", "redb", "sled,redb", "conformance", "sled,conformance", "redb,conformance"]),
];

/// Features of the facade in a browser's build. Those of native engines may be on, and nothing of them may be compiled in.
const BROWSER_FEATURES: &[&str] =
    &["opfs", "opfs-packed", "opfs-packed-page", "opfs-pool", "idb", "idb,bridge", "memory,opfs,idb", "memory,files,sled,redb"];

/// Crates that are empty natively: their documentation is made for browsers, and their tests run there.
const ONLY_IN_BROWSERS: &[&str] = &["anystorage-browser-host", "anystorage-idb", "anystorage-opfs"];

/// The packages with test programs that wasm-bindgen's runner takes into browsers, and the features that they need.
const BROWSER_TESTS: &str = "-p anystorage -p anystorage-idb -p anystorage-kv -p anystorage-memory -p anystorage-opfs -p \
                             anystorage-redb-face -p anystorage-remote -p anystorage-sqlite -p anystorage-vfs --features \
                             anystorage/idb,anystorage/opfs-packed-page,anystorage/opfs-pool,anystorage/bridge";

/// The packages of the modules that other programs load into browsers.
const MODULES: &[&str] =
    &["anystorage-web-suite", "anystorage-databases", "anystorage-idbfs-bench", "anystorage-web", "anystorage-browser-bench"];

/// How all of these are built. They are always named together: with fewer of them their dependencies would have other features, and be built once
/// more.
fn together() -> String {
    format!("--profile browser{} {BROWSER_TESTS}", each("-p", MODULES))
}

/// What [`SCENARIOS`] are tests of.
fn scenarios() -> String {
    format!("test -p {RUNNER} --features browsers --test scenarios")
}

/// The test programs of all places.
fn programs() -> String {
    let names: BTreeSet<&str> = PLACES.iter().flat_map(|place| place.tests).copied().collect();
    each("--test", &names)
}

/// Where these tests run. The suite of all engines goes through [`RUNNER`] besides.
const PLACES: &[Place] = &[
    Place {
        browser: "chromium",
        context: WORKER,
        tests: &["conformance", "idb", "opfs", "browser", "redb", "sqlite", "vfs"],
        skipped: CONTRACT,
        at_least: 730,
    },
    Place { browser: "chromium", context: WORKER, tests: &["bridge"], skipped: CONTRACT, at_least: 18 },
    Place { browser: "chromium", context: SHARED_WORKER, tests: &["idb", "browser"], skipped: LARGE, at_least: 190 },
    Place { browser: "chromium", context: PAGE, tests: &["idb", "browser"], skipped: LARGE_AND_CONTRACT, at_least: 25 },
    Place {
        browser: "firefox",
        context: WORKER,
        tests: &["idb", "opfs", "browser", "redb", "sqlite", "vfs"],
        skipped: CONTRACT,
        at_least: 47,
    },
    Place { browser: "firefox", context: WORKER, tests: &["bridge"], skipped: CONTRACT, at_least: 18 },
    Place { browser: "firefox", context: PAGE, tests: &["browser"], skipped: NOTHING, at_least: 5 },
    Place { browser: "webkit", context: WORKER, tests: &["browser"], skipped: NOTHING, at_least: 5 },
    Place { browser: "webkit", context: PAGE, tests: &["browser"], skipped: NOTHING, at_least: 5 },
];

/// Test programs, by the name that they have in one of the packages or in several, and where they run.
#[derive(Debug)]
struct Place {
    browser: &'static str,
    context: Context,
    tests: &'static [&'static str],
    /// Part of the names of tests that do not run there.
    skipped: &'static [&'static str],
    at_least: usize,
}

const NOTHING: &[&str] = &[];

/// The cases of the suite: there they go through [`RUNNER`] alone, of the bridge those over what takes longest; by hand the others run there too.
/// IndexedDB's run as tests of the crate in a shared worker, where the runner does not go.
const CONTRACT: &[&str] = &["conformance::"];

/// Ten thousand files, and files of gigabytes: in one context of a browser.
const LARGE: &[&str] = &["large::"];
const LARGE_AND_CONTRACT: &[&str] = &["large::", "conformance::"];

/// Where in a browser: in words, and the variable by which wasm-bindgen's test runner is told.
type Context = (&'static str, &'static str);

const PAGE: Context = ("a page", "WASM_BINDGEN_USE_BROWSER");
const WORKER: Context = ("a dedicated worker", "WASM_BINDGEN_USE_DEDICATED_WORKER");
const SHARED_WORKER: Context = ("a shared worker", "WASM_BINDGEN_USE_SHARED_WORKER");

const WASM: &str = "wasm32-unknown-unknown";

/// Steps that follow one another. Other lanes go on beside them.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
}

/// A step that passes or fails as a whole.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) command: Command,
    pub(crate) judge: Judge,
    /// Where its temporary files are, if not where they always are. It is not shown with the command: it is gone after the run.
    pub(crate) temporary: Option<PathBuf>,
}

/// A program, its arguments, and the variables it is given beside those that are set anyway.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
}

/// What a step must show.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Judge {
    /// That it ends well.
    Exit,
    /// That it ends well, and that at least this many tests ran.
    Tests { at_least: usize },
    /// A report of the suite as JSON: no failure, at least this many distinct cases, and these engines.
    Report { cases: usize, engines: &'static [&'static str] },
}

impl Step {
    fn cargo(title: impl Into<String>, arguments: &str) -> Self {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        let command = Command { variables: Vec::new(), program: "cargo".to_owned(), arguments };
        Self { title: title.into(), command, judge: Judge::Exit, temporary: None }
    }

    fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    fn judged_by(mut self, judge: Judge) -> Self {
        self.judge = judge;
        self
    }

    fn temporary(mut self, directory: Option<&Path>) -> Self {
        self.temporary = directory.map(Path::to_owned);
        self
    }
}

/// As one would type it.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&self.program)?;
        for argument in &self.arguments {
            write!(f, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// What goes on one after another: the quick steps and everything natively, and beside them, in directories of its own, the build of what browsers
/// load, with the tests of [some browsers](BESIDE_NATIVE) behind it; then a lane for each of the others. A check with the declared compiler is
/// among the first where it is another than the running one. `drivers` are the variables by which the browsers' drivers are found; `memory` is a
/// directory for what need not be on a disk.
pub(crate) fn stages(
    browsers: &[&'static Browser],
    extent: Extent,
    drivers: &[(&str, String)],
    declared_toolchain: Option<String>,
    memory: Option<&Path>,
) -> Vec<Vec<Lane>> {
    let quick = checks(declared_toolchain).into_iter();
    let mut native = vec![Lane { name: "native", steps: quick.chain(native_tests()).chain(by_the_programs()).collect() }];
    if browsers.is_empty() {
        return vec![native];
    }
    let steps = |browser: &Browser| browser_tests(browser, extent, drivers, memory);
    let is_beside = |browser: &&&Browser| extent == Extent::Usual && BESIDE_NATIVE.contains(&browser.name);
    let (beside, behind): (Vec<&Browser>, Vec<&Browser>) = browsers.iter().partition(is_beside);
    let mut ahead = built_for_browsers();
    ahead.steps.extend(beside.into_iter().flat_map(steps));
    native.extend(drivers_built(browsers));
    native.push(ahead);
    let lane = |browser: &Browser| Lane { name: browser.name, steps: steps(browser) };
    vec![native, behind.into_iter().map(lane).collect()]
}

/// What browsers load, and what drives them.
fn built_for_browsers() -> Lane {
    let modules = Step::cargo("what browsers load", &format!("build --lib{} {} --target {WASM}", programs(), together()));
    // While native tests run and leave a core idle now and then; each as the step that uses it asks for it.
    let drives = [
        ("the runner of tests in browsers", format!("build -p {WASM_RUNNER}")),
        ("the runner of the suite in browsers", format!("build -p {RUNNER}")),
        ("scenarios in browsers", format!("{} --no-run", scenarios())),
    ];
    let drives = drives.map(|(title, arguments)| Step::cargo(format!("built ahead: {title}"), &arguments));
    let weighed = Step::cargo("what a module weighs", &format!("run --quiet -p {SIZE}"));
    Lane { name: "browsers", steps: iter::once(modules).chain(drives).chain([weighed]).collect() }
}

/// The drivers that no package brings.
fn drivers_built(browsers: &[&'static Browser]) -> Vec<Lane> {
    let missing = browsers.iter().filter_map(|browser| setup::missing_driver(browser));
    let built = missing.map(|(name, version)| {
        let mut step = Step::cargo(format!("missing, and so built: {name}"), "");
        step.command.arguments = tools::installation(name, version);
        Lane { name: "driver", steps: vec![step] }
    });
    built.collect()
}

/// Everything natively, without what only browsers need.
fn native() -> String {
    format!("--workspace{}", each("--exclude", BROWSERS_ALONE))
}

/// What has tests natively.
fn tested_natively() -> String {
    native() + &each("--exclude", ONLY_IN_BROWSERS)
}

/// ` OPTION NAME` for each.
fn each<'a>(option: &str, names: impl IntoIterator<Item = &'a &'a str>) -> String {
    names.into_iter().map(|name| format!(" {option} {name}")).collect()
}

/// Formatting, lints, documentation, features.
fn checks(declared_toolchain: Option<String>) -> Vec<Step> {
    let native = native();
    let browser_crates = each("-p", BROWSER_CRATES);
    let mut steps = vec![
        Step::cargo("formatting", "fmt --all --check"),
        Step::cargo("formatting, the example of a suite", &format!("fmt --manifest-path {EXAMPLE} --check")),
        Step::cargo("formatting, SQLite's own tests", &format!("fmt --manifest-path {SQLITE_TESTS} --check")),
        Step::cargo("formatting, the project of a user", &format!("fmt --manifest-path {USER_PROJECT} --check")),
        Step::cargo("formatting, what is fuzzed", &format!("fmt --manifest-path {FUZZ} --check")),
        Step::cargo(
            "lints, native",
            &format!("clippy {native} --all-targets --features anystorage-browser-runner/browsers,anystorage-web/browsers -- -D warnings"),
        ),
        Step::cargo(format!("lints, {WASM}"), &format!("clippy{browser_crates} --target {WASM} -- -D warnings")),
        Step::cargo(format!("lints of the tests, {WASM}"), &format!("clippy {BROWSER_TESTS}{} --target {WASM} -- -D warnings", programs())),
        Step::cargo("documentation", &format!("doc {} --no-deps", tested_natively())).with("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo(
            format!("documentation, {WASM}"),
            &format!("doc{} --target {WASM} --no-deps --all-features", each("-p", ONLY_IN_BROWSERS)),
        )
        .with("RUSTDOCFLAGS", "-D warnings"),
    ];
    // That they compile: they run by hand, for as long as one likes.
    steps.push(Step::cargo("what is fuzzed", &format!("check --manifest-path {FUZZ} --no-default-features")));
    for (package, combinations) in FEATURES {
        for features in *combinations {
            let title = format!("{package} with {}", if features.is_empty() { "no feature" } else { features });
            steps.push(Step::cargo(title, &format!("check -p {package} --no-default-features --features={features}")));
        }
    }
    for features in BROWSER_FEATURES {
        let title = format!("anystorage with {features}, {WASM}");
        steps.push(Step::cargo(title, &format!("check -p anystorage --no-default-features --features={features} --target {WASM}")));
    }
    if let Some(toolchain) = declared_toolchain {
        let mut step = Step::cargo(format!("the declared rust-version, {toolchain}"), "");
        step.command.program = "rustup".to_owned();
        let arguments = format!("run {toolchain} cargo check {native}");
        step.command.arguments = arguments.split_whitespace().map(str::to_owned).collect();
        steps.push(step);
    }
    steps
}

fn native_tests() -> Vec<Step> {
    let tests = Step::cargo("tests, native", &format!("test {} --no-fail-fast -- --show-output", tested_natively()));
    let mut steps = vec![tests.judged_by(Judge::Tests { at_least: 100 })];
    // The workspace's own build has every engine; what is told of one that is missing shows in builds without it alone.
    for features in ["", "memory", "files"] {
        let title = format!("anystorage with {}, what is missing", if features.is_empty() { "no feature" } else { features });
        let step = Step::cargo(title, &format!("test -p anystorage --no-default-features --features={features} --test not_built_in"));
        steps.push(step.judged_by(Judge::Tests { at_least: 2 }));
    }
    steps
}

fn browser_tests(browser: &Browser, extent: Extent, drivers: &[(&str, String)], memory: Option<&Path>) -> Vec<Step> {
    // If several drivers are named, wasm-bindgen's runner takes another browser than the one that is meant.
    let with_driver = |step: Step| {
        let driver = drivers.iter().filter(|(name, _)| *name == browser.driver_variable);
        driver.fold(step, |step, (name, driver)| step.with(name, driver))
    };
    // What loads modules gets those that were built together.
    let loading = |step: Step| match extent {
        Extent::Usual => with_driver(step).with(TOGETHER, &format!("--lib{} {}", programs(), together())),
        // Each with its own features, as it is for who runs it by itself.
        Extent::All => with_driver(step),
    };
    let mut steps = Vec::new();
    for Place { context: (context, variable), tests, skipped, at_least, .. } in PLACES.iter().filter(|place| place.browser == browser.name)
    {
        let title = format!("{} in {}, in {context}", tests.join(", "), browser.name);
        let mut step = Step::cargo(
            title,
            &format!("test --no-fail-fast {}{} --target {WASM} --{}", together(), each("--test", *tests), each("--skip", *skipped)),
        );
        if browser.needs_display {
            // A display that nobody sees.
            step.command.arguments.splice(0..0, ["-a".to_owned(), "cargo".to_owned()]);
            step.command.program = "xvfb-run".to_owned();
        }
        let step = with_driver(step).with(variable, "1");
        let mut step = step.with("WASM_BINDGEN_TEST_TIMEOUT", "600").with("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
        if browser.name == "firefox" {
            // What it lets a site have depends on the size of the disk, and it counts holes: so much, in KiB, that one of 5 GiB fits.
            step = step.with("WASM_BINDGEN_TEST_WEBDRIVER_JSON", concat!(env!("CARGO_MANIFEST_DIR"), "/firefox.json"));
        }
        steps.push(step.judged_by(Judge::Tests { at_least: *at_least }));
    }
    let title = format!("the suite in {}, across reloads, restarts and kills", browser.name);
    let others = if extent == Extent::All { " --all-engines" } else { USUAL };
    let arguments = format!("run --quiet -p {RUNNER} -- conformance --browser {} --format json{others}", browser.name);
    let step = loading(Step::cargo(title, &arguments));
    steps.push(step.judged_by(Judge::Report { cases: 160, engines: browser.engines }));
    for (_, filters, at_least) in SCENARIOS.iter().filter(|(name, ..)| *name == browser.name) {
        let left_out = filters.first() == Some(&"--skip");
        let filters = if left_out && extent == Extent::All { &[] } else { *filters };
        let about = if matches!(filters.first(), None | Some(&"--skip")) {
            "several tabs, a full origin, storage denied, flushes counted, databases, a project built, the IDBFS way"
        } else {
            "several tabs, a full origin, storage denied, the IDBFS way"
        };
        let title = format!("{about}, in {}", browser.name);
        let arguments = format!("{} -- --show-output --test-threads 1", scenarios());
        let step = Step::cargo(title, &[&[arguments.as_str()], filters].concat().join(" "));
        let mut step = loading(step).with("ANYSTORAGE_BROWSER", browser.name);
        if extent == Extent::Usual {
            // Of the projects outside of the workspace, which share nothing with it: that they build and work is what counts.
            step = step.with("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        }
        steps.push(step.judged_by(Judge::Tests { at_least: *at_least }));
    }
    if CLICKED.contains(&browser.name) || extent == Extent::All {
        let arguments = format!("test -p {DEMO} --features browsers --test demo -- --show-output --test-threads 1");
        let step = loading(Step::cargo(format!("the demo page in {}", browser.name), &arguments));
        let step = step.with("ANYSTORAGE_BROWSER", browser.name);
        steps.push(step.judged_by(Judge::Tests { at_least: DEMO_TESTS }));
    }
    let mut steps: Vec<Step> = steps.into_iter().map(|step| step.temporary(memory)).collect();
    if MEASURED.contains(&browser.name) {
        // That it runs, not how fast: a machine that tests has other things to do at the same time.
        let title = format!("the benchmark in {}, one round", browser.name);
        let arguments = format!("run --quiet -p {BENCH} -- --browser {} --rounds 1 --profile browser", browser.name);
        steps.push(loading(Step::cargo(title, &arguments)));
    }
    steps
}

/// What the programs of the workspace show by themselves. Not optimised beyond what the profile for tests is: that build is there already.
fn by_the_programs() -> Vec<Step> {
    vec![
        Step::cargo("the suite by the command", "run --quiet -- conformance --format json")
            .judged_by(Judge::Report { cases: 60, engines: &["memory", "file", "sled", "redb"] }),
        // That it runs, not how fast: a machine that tests has other things to do at the same time.
        Step::cargo("the benchmark, quick", "run --quiet -p anystorage-bench -- --quick"),
        Step::cargo("two gibibytes in 256 MiB of memory, redb", "run --quiet -p anystorage-bench -- scale --engine redb --part bounded"),
    ]
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("--features="), "--features=");
        assert_eq!(quoted("-D warnings"), "'-D warnings'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}

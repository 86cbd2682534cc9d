//! What `cargo xtask test` runs, in order.

use std::fmt;

use crate::setup::Browser;

/// The crates that must build, lint clean, and keep their promises in a browser.
const BROWSER_CRATES: &[&str] =
    &["anystorage-api", "anystorage-layers", "anystorage-memory", "anystorage-kv", "anystorage-conformance", "anystorage"];

/// Crates with features, and the combinations that are checked: none, each alone, some together, all.
const FEATURES: &[(&str, &[&str])] = &[
    ("anystorage", &["", "memory", "files", "sled", "redb", "sled,redb", "memory,files", "memory,files,sled,redb"]),
    ("anystorage-kv", &["", "testing"]),
    (
        "anystorage-native",
        &["", "files", "sled", "redb", "sled,redb", "conformance", "files,conformance", "sled,conformance", "redb,conformance"],
    ),
];

/// Features of the facade that a browser's build may have on, although their engines are not there: nothing of them may be compiled in.
const NATIVE_FEATURES: &str = "files,sled,redb";

/// The tests that also run in a browser: package, test.
const BROWSER_TESTS: &[(&str, &str)] = &[("anystorage-memory", "conformance"), ("anystorage-kv", "conformance")];

/// Where in a browser they run: in words, and the variable by which wasm-bindgen's test runner is told.
const BROWSER_PLACES: &[(&str, &str)] =
    &[("a page", "WASM_BINDGEN_USE_BROWSER"), ("a dedicated worker", "WASM_BINDGEN_USE_DEDICATED_WORKER")];

const WASM: &str = "wasm32-unknown-unknown";

/// A step that passes or fails as a whole.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) command: Command,
    pub(crate) judge: Judge,
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
        Self { title: title.into(), command: Command { variables: Vec::new(), program: "cargo".to_owned(), arguments }, judge: Judge::Exit }
    }

    fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    fn judged_by(mut self, judge: Judge) -> Self {
        self.judge = judge;
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

/// All steps: the quick ones first, the browser if there is one, and a check with the declared compiler where it is another than the
/// running one.
pub(crate) fn list(browser: Option<&Browser>, declared_toolchain: Option<String>) -> Vec<Step> {
    // The browser's test runner has a large tree of dependencies, and is built only where it is used.
    let native = "--workspace --exclude wasm-runner";
    let browser_crates = BROWSER_CRATES.iter().map(|name| format!("-p {name} ")).collect::<String>();

    let mut steps = vec![
        Step::cargo("formatting", "fmt --all --check"),
        Step::cargo("lints, native", &format!("clippy {native} --all-targets -- -D warnings")),
        Step::cargo(format!("lints, {WASM}"), &format!("clippy {browser_crates}--target {WASM} -- -D warnings")),
        Step::cargo("documentation", &format!("doc {native} --no-deps")).with("RUSTDOCFLAGS", "-D warnings"),
    ];
    for (package, test) in BROWSER_TESTS {
        let title = format!("lints, {WASM}, {package}'s test {test}");
        steps.push(Step::cargo(title, &format!("clippy -p {package} --test {test} --target {WASM} -- -D warnings")));
    }
    for (package, combinations) in FEATURES {
        for features in *combinations {
            let title = format!("{package} with {}", if features.is_empty() { "no feature" } else { features });
            steps.push(Step::cargo(title, &format!("check -p {package} --no-default-features --features={features}")));
        }
    }
    let title = format!("anystorage with {NATIVE_FEATURES}, {WASM}");
    steps.push(Step::cargo(title, &format!("check -p anystorage --features={NATIVE_FEATURES} --target {WASM}")));
    if let Some(toolchain) = declared_toolchain {
        let mut step = Step::cargo(format!("the declared rust-version, {toolchain}"), "");
        step.command.program = "rustup".to_owned();
        step.command.arguments =
            ["run", &toolchain, "cargo", "check", "--workspace", "--exclude", "wasm-runner"].map(str::to_owned).to_vec();
        steps.push(step);
    }
    steps.push(
        Step::cargo("tests, native", &format!("test {native} --no-fail-fast -- --show-output")).judged_by(Judge::Tests { at_least: 100 }),
    );
    // The workspace's own build has every engine; what is told of one that is missing shows in builds without it alone.
    for features in ["", "memory", "files", "memory,sled", "memory,files,redb"] {
        let title = format!("anystorage with {}, what is missing", if features.is_empty() { "no feature" } else { features });
        let step = Step::cargo(title, &format!("test -p anystorage --no-default-features --features={features} --test not_built_in"));
        steps.push(step.judged_by(Judge::Tests { at_least: 2 }));
    }
    if let Some(browser) = browser {
        for (package, test) in BROWSER_TESTS {
            for (place, variable) in BROWSER_PLACES {
                steps.push(
                    Step::cargo(
                        format!("{package} in {}, in {place}", browser.name),
                        &format!("test -p {package} --test {test} --target {WASM}"),
                    )
                    .with(browser.driver_variable, browser.driver)
                    .with(variable, "1")
                    .with("WASM_BINDGEN_TEST_TIMEOUT", "300")
                    .with("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
                    .judged_by(Judge::Tests { at_least: 50 }),
                );
            }
        }
    }
    steps.push(
        Step::cargo("the suite by the command", "run --release --quiet -- conformance --format json")
            .judged_by(Judge::Report { cases: 60, engines: &["memory", "file", "sled", "redb"] }),
    );
    // That it runs, not how fast: a machine that tests has other things to do at the same time.
    steps.push(Step::cargo("the benchmark, quick", "run --release --quiet -p anystorage-bench -- --quick"));
    steps.push(Step::cargo(
        "two gibibytes in 256 MiB of memory, redb",
        "run --release --quiet -p anystorage-bench -- scale --engine redb --part bounded",
    ));
    steps
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

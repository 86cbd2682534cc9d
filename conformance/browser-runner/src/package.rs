//! Builds what browsers load: the crate by cargo, its bindings to JavaScript by wasm-bindgen.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use crate::failure::{Failure, Result};

const TARGET: &str = "wasm32-unknown-unknown";

/// A profile of cargo.
const RELEASE: &str = "release";

/// Profiles by which a module is built as it is shipped: without names, which are for backtraces.
const SHIPPED: [&str; 2] = ["bench", "size"];

/// A variable with arguments of cargo that build several packages at once, with a profile. The modules of those are built by them, unless as they are
/// shipped: by itself each would have its dependencies with other features, and built once more.
pub const TOGETHER: &str = "ANYSTORAGE_BUILD_TOGETHER";

/// Which crate is built: of type `cdylib`, and a suite unless [`bind`](Self::bind) is asked for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Package {
    /// Its name; none for the one of the manifest.
    pub name: Option<String>,
    /// Its `Cargo.toml`, or that of its workspace; none for that of the current directory.
    pub manifest: Option<PathBuf>,
    /// Where cargo builds; none for where it does by itself.
    pub target: Option<PathBuf>,
}

impl Package {
    /// From the options of a command line.
    #[must_use]
    pub const fn new(name: Option<String>, manifest: Option<PathBuf>) -> Self {
        Self { name, manifest, target: None }
    }

    /// Built in this directory, as by cargo's `--target-dir`.
    #[must_use]
    pub fn target(mut self, directory: &Path) -> Self {
        self.target = Some(directory.to_owned());
        self
    }

    /// Builds a suite.
    ///
    /// # Errors
    /// If it cannot be built, or is no suite.
    pub fn build(&self) -> Result<Module> {
        let module = self.bind(RELEASE)?;
        if module.bindings().contains("anystorage_suite") {
            return Ok(module);
        }
        Err(Failure::new("the crate exports no suite: it lacks `browser_suite!`"))
    }

    /// Builds it by a profile of cargo, whatever it exports; by another one if that is [built together](TOGETHER) with others.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn bind(&self, profile: &str) -> Result<Module> {
        self.bind_as(profile, SUITE)
    }

    /// The same, with its bindings as `/NAME.js` and itself as `/NAME_bg.wasm`.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn bind_as(&self, profile: &str, name: &str) -> Result<Module> {
        let module = self.compile(profile)?;
        let mut bindgen = Bindgen::new();
        let bindgen = bindgen.input_path(&module).out_name(name).typescript(false).remove_name_section(SHIPPED.contains(&profile));
        let bound = bindgen.web(true).and_then(Bindgen::generate_output);
        let mut bound = bound.map_err(|error| unbound(&module, &format!("{error:#}")))?;
        let mut scripts = BTreeMap::from([(bindings_of(name), bound.js().to_owned())]);
        for (place, script) in bound.local_modules() {
            scripts.insert(format!("/snippets/{place}"), script.clone());
        }
        for (place, inline) in bound.snippets() {
            scripts.extend(
                (0..).zip(inline).map(|(number, script): (u32, _)| (format!("/snippets/{place}/inline{number}.js"), script.clone())),
            );
        }
        Ok(Module { name: name.to_owned(), scripts, wasm: bound.wasm_mut().emit_wasm().into() })
    }

    /// Builds it as one who ships it does, and puts into a directory what `wasm-bindgen --target web` puts there.
    ///
    /// # Errors
    /// If it cannot be built or written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let module = self.compile(RELEASE)?;
        let mut bindgen = Bindgen::new();
        // What the command has by default, and the library has not.
        let bindgen = bindgen.input_path(&module).typescript(true).omit_default_module_path(false);
        let bound = bindgen.web(true).and_then(|bindgen| bindgen.generate(directory));
        bound.map_err(|error| unbound(&module, &format!("{error:#}")))
    }

    /// Runs cargo, and finds what it made.
    fn compile(&self, profile: &str) -> Result<PathBuf> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        command.args(["build", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
        let among = self.built_among(profile);
        match (&among, &self.name) {
            (Some((_, others)), _) => command.args(others.split_whitespace()),
            (None, Some(name)) => command.args(["--profile", profile, "--package", name]),
            (None, None) => command.args(["--profile", profile]),
        };
        if let Some(manifest) = &self.manifest {
            command.arg("--manifest-path").arg(manifest);
        }
        if let Some(directory) = &self.target {
            command.arg("--target-dir").arg(directory);
        }
        let output = command.stderr(Stdio::inherit()).output().map_err(Failure::of("cargo could not be started"))?;
        if !output.status.success() {
            return Err(Failure::new(format!("it could not be built: cargo ended with {}", output.status)));
        }
        let messages = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = among.as_ref().map(|(name, _)| *name);
        let made: Vec<PathBuf> = messages.lines().filter_map(|message| module_in(message, name)).collect();
        match made.as_slice() {
            [module] => Ok(module.clone()),
            [] => Err(Failure::new("it is no crate of type `cdylib`: nothing was made that a browser could load")),
            several => Err(Failure::new(format!("{} modules were made: name one package", several.len()))),
        }
    }

    /// Its name, and what builds it among others, if it is one of those.
    fn built_among(&self, profile: &str) -> Option<(&str, String)> {
        let name = self.name.as_deref().filter(|_| !SHIPPED.contains(&profile))?;
        let others = std::env::var(TOGETHER).ok().filter(|arguments| arguments.split_whitespace().any(|word| word == name))?;
        Some((name, others))
    }
}

fn unbound(module: &Path, why: &str) -> Failure {
    let versions = "the crate's wasm-bindgen has to be of the version that this runner is built with";
    Failure::new(format!("no bindings could be made for {}: {why}; {versions}", module.display()))
}

/// The module that a message of cargo tells of, if it is of this package or none is named.
fn module_in(message: &str, package: Option<&str>) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if package.is_some_and(|name| message.get("package_id").and_then(Value::as_str).map(package_of) != Some(name)) {
        return None;
    }
    let is_library = message.get("target")?.get("kind")?.as_array()?.iter().any(|kind| kind == "cdylib");
    let files = message.get("filenames")?.as_array()?.iter().filter_map(Value::as_str);
    let mut modules = files.map(Path::new).filter(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    modules.next().filter(|_| is_library).map(Path::to_owned)
}

/// The name in the identity of a package: `path+file:///directory#name@version`, or without it where the directory has the same.
fn package_of(id: &str) -> &str {
    let (place, version) = id.rsplit_once('#').unwrap_or((id, ""));
    version.split_once('@').map_or_else(|| place.rsplit('/').next().unwrap_or_default(), |(name, _)| name)
}

/// What a module is called that pages of the [server](crate::server) load.
const SUITE: &str = "suite";

/// Where bindings are served.
fn bindings_of(name: &str) -> String {
    format!("/{name}.js")
}

/// What a browser can load.
#[derive(Clone)]
pub struct Module {
    name: String,
    /// The bindings, and what JavaScript crates brought along, by their paths.
    pub(crate) scripts: BTreeMap<String, String>,
    pub(crate) wasm: Arc<[u8]>,
}

impl Module {
    /// With one more script, served at this path.
    #[must_use]
    pub fn script(mut self, path: &str, text: &str) -> Self {
        self.scripts.insert(path.to_owned(), text.to_owned());
        self
    }

    /// The bindings to JavaScript.
    #[must_use]
    pub fn bindings(&self) -> &str {
        self.scripts.get(&bindings_of(&self.name)).map(String::as_str).unwrap_or_default()
    }

    /// All scripts.
    pub fn scripts(&self) -> impl Iterator<Item = &str> {
        self.scripts.values().map(String::as_str)
    }

    /// Where its bindings look for it.
    pub(crate) fn place(&self) -> String {
        format!("/{}_bg.wasm", self.name)
    }

    /// The module itself.
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("wasm", &self.wasm.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::package_of;

    #[test]
    fn packages_have_their_names_in_their_identities() {
        assert_eq!(package_of("path+file:///somewhere/web#anystorage-web@0.1.0"), "anystorage-web");
        assert_eq!(package_of("path+file:///somewhere/anystorage#0.1.0"), "anystorage");
    }
}

//! What an application may set before it starts, and a page's URL where it is allowed to.

use percent_encoding::percent_decode_str;

/// How a face is set up, in the manner of SQLite's OPFS installer.
///
/// ```
/// use anystorage_vfs::Config;
///
/// let config = Config::new().with_query("?storage=opfs%3Anotes&storage-disable=idb,pool&storage-verbose=3");
/// assert_eq!(config.storage.as_deref(), Some("opfs:notes"));
/// assert!(config.allows("opfs") && !config.allows("pool"));
/// assert_eq!(config.verbosity, 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What is logged: 0 nothing, 1 errors of storage, 2 warnings too, 3 every call. By default 2.
    pub verbosity: u8,
    /// Whether [`Vfs::sanity_check`](crate::Vfs::sanity_check) should be run at start. By default not.
    pub sanity_checks: bool,
    /// Where the worker's script is, for engines that are reached through one; none for where the library has it. Never taken from a
    /// page's URL: whoever writes a link would choose the script.
    pub worker_url: Option<String>,
    /// Which location to open, as `anystorage::open` takes it; none for the application's own choice.
    pub storage: Option<String>,
    /// Engines that must not be used, by name.
    pub disabled: Vec<String>,
    /// How many descriptors may be open at a time. By default 1024.
    pub max_descriptors: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { verbosity: 2, sanity_checks: false, worker_url: None, storage: None, disabled: Vec::new(), max_descriptors: 1024 }
    }
}

impl Config {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what the query of a page's URL says, with or without its `?`: `storage`, `storage-disable` (names with commas between
    /// them; may be repeated), `storage-verbose` (0 to 3) and `storage-sanity-checks` (anything but `0` and `false`). Everything else in it
    /// is left alone, and so is a number that is none. Call it only where whoever writes a link to the page may decide these.
    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        for pair in query.strip_prefix('?').unwrap_or(query).split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            match decoded(name).as_str() {
                "storage" if !value.is_empty() => self.storage = Some(value),
                "storage-disable" => self.disabled.extend(value.split(',').filter(|name| !name.is_empty()).map(str::to_owned)),
                "storage-verbose" => self.verbosity = value.parse().map_or(self.verbosity, |level: u8| level.min(3)),
                "storage-sanity-checks" => self.sanity_checks = !matches!(value.as_str(), "0" | "false"),
                _ => {}
            }
        }
        self
    }

    /// Whether an engine may be used.
    #[must_use]
    pub fn allows(&self, engine: &str) -> bool {
        !self.disabled.iter().any(|disabled| disabled == engine)
    }
}

/// As forms encode it: `+` is a space.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_decides_what_it_may_and_nothing_else() {
        let config = Config::new().with_query("a=b&storage-verbose=9&storage-disable=opfs&storage-disable=,idb&worker_url=//evil&storage=");
        assert_eq!((config.verbosity, config.storage.as_deref(), config.worker_url.as_deref()), (3, None, None));
        assert_eq!(config.disabled, ["opfs", "idb"]);
        assert_eq!(Config::new().with_query("?storage-verbose=x&%zz&storage-sanity-checks=0"), Config::new());
        assert!(Config::new().with_query("storage-sanity-checks").sanity_checks);
    }
}

use std::fmt;
use std::time::Duration;

use anystorage_api::{Durability, Error};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::interval;
use crate::url::StorageUrl;

/// What was opened, why, and what was tried before it (contract line 10).
///
/// As JSON:
///
/// ```
/// # #[cfg(feature = "memory")]
/// # futures_lite::future::block_on(async {
/// # use anystorage::StorageConfig;
/// let config: StorageConfig = toml::from_str(r#"
///     url = "memory:?limit=0"
///     fallback = ["memory:"]
/// "#)?;
/// let report: serde_json::Value = serde_json::to_value(config.open().await?.report())?;
/// let expected = r#"{
///     "opened": "memory:",
///     "engine": "memory",
///     "durability": "none",
///     "why": "fallback 1 of 1, because what comes before it does not work",
///     "probe": "passed",
///     "tried": [{"url": "memory:?limit=0", "error": {
///         "kind": "no_space",
///         "message": "write \".anystorage-probe\": no space left: the files of this location may take 0 bytes in all; remove or cut some"
///     }}]
/// }"#;
/// assert_eq!(report, serde_json::from_str::<serde_json::Value>(expected)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// `kind` is [`ErrorKind::code`](crate::ErrorKind::code), `message` the error in words.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OpenReport {
    /// The URL that is open.
    pub opened: StorageUrl,
    /// The engine behind it: the scheme of its URLs.
    pub engine: &'static str,
    /// What a sync survives there.
    #[serde(serialize_with = "durability_in_words")]
    pub durability: Durability,
    /// Why this one, in a sentence.
    pub why: String,
    /// Whether it was probed.
    pub probe: ProbeOutcome,
    /// So long after a change it is synced without being asked for; in JSON a number and a unit, and left out if it is not.
    #[serde(with = "interval", skip_serializing_if = "Option::is_none")]
    pub auto_sync: Option<Duration>,
    /// What was tried before and did not work, in order.
    pub tried: Vec<Attempt>,
}

/// Whether an open location was probed by writing, reading back and removing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProbeOutcome {
    /// It was, and it works.
    Passed,
    /// Nobody asked for it.
    NotAsked,
    /// The location is open for reading alone.
    ReadOnly,
}

/// A location that was tried and does not work.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The URL.
    pub url: StorageUrl,
    /// Why it does not work.
    pub error: Error,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.error)
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Why {
            kind: &'static str,
            message: String,
        }
        let mut fields = serializer.serialize_struct("Attempt", 2)?;
        fields.serialize_field("url", &self.url)?;
        fields.serialize_field("error", &Why { kind: self.error.kind().code(), message: self.error.to_string() })?;
        fields.end()
    }
}

fn durability_in_words<S: Serializer>(durability: &Durability, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(durability.as_str())
}

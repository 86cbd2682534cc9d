//! What a run of the suite found, for machines (JSON through serde) and for people (a matrix).

use anystorage_api::Capabilities;
use serde::Serialize;

/// How one case ended on one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// The promise was kept.
    Passed,
    /// It was broken.
    Failed,
    /// The engine does not offer what the case needs, and may do so.
    Skipped,
}

/// One case on one engine.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CaseReport {
    /// The name of the case; for persistence cases with what lay between the halves: `name@reopen`, `name@process`, `name@kill`.
    pub name: String,
    /// The contract line.
    pub line: u8,
    /// How it ended.
    pub status: Status,
    /// Why it failed or was skipped, with the operations that led there; empty if it passed.
    pub detail: String,
    /// How long it took; none where there is no clock.
    pub seconds: Option<f64>,
}

/// All cases on one engine.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EngineReport {
    /// The engine's URL.
    pub url: String,
    /// What it declares; none if it could not be opened.
    #[serde(serialize_with = "capabilities_as_map")]
    pub capabilities: Option<Capabilities>,
    /// The cases, in the order of the suite.
    pub cases: Vec<CaseReport>,
}

/// A whole run.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The engines, in the order given.
    pub engines: Vec<EngineReport>,
    /// Cases passed on all engines together.
    pub passed: usize,
    /// Cases failed.
    pub failed: usize,
    /// Cases skipped.
    pub skipped: usize,
}

fn capabilities_as_map<S: serde::Serializer>(capabilities: &Option<Capabilities>, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let Some(known) = capabilities else {
        return serializer.serialize_none();
    };
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("durability", known.durability.as_str())?;
    for (name, offered) in [
        ("atomic_sync", known.atomic_sync),
        ("atomic_rename_file", known.atomic_rename_file),
        ("atomic_rename_dir", known.atomic_rename_dir),
        ("immediate", known.immediate),
        ("shared", known.shared),
        ("real_names", known.real_names),
        ("checksums", known.checksums),
        ("attributes", known.attributes),
        ("usage", known.usage),
    ] {
        map.serialize_entry(name, &offered)?;
    }
    map.serialize_entry("max_name_len", &known.max_name_len)?;
    map.serialize_entry("max_file_len", &known.max_file_len)?;
    map.end()
}

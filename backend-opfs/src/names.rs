//! Names in OPFS: every name is its own, except those that a browser refuses, or that are ours.

use std::borrow::Cow;

/// The directory at the root of a location that holds what has no name of its own: files that are being written, and files that were
/// removed while they were open.
pub(crate) const HIDDEN: &str = ".anystorage-~";

/// The one file of a location of the layout `packed`.
pub(crate) const PACKED: &str = ".anystorage-~packed";

/// The one directory of a location of the layout `pool`.
pub(crate) const POOL: &str = ".anystorage-~pool";

/// What names begin with that are there for a moment, to fill a [log](crate::names_log).
pub(crate) const FILLING: &str = ".anystorage-~~";

/// What an encoded name begins with.
const ENCODED: &str = ".anystorage-~=";

/// A name as it is in OPFS.
///
/// Chromium refuses `\` in names. It becomes `%5C`, and `%` then `%25`, behind a mark that no other name has.
pub(crate) fn to_host(name: &str) -> Cow<'_, str> {
    if !name.contains('\\') && !name.starts_with(HIDDEN) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("{ENCODED}{}", name.replace('%', "%25").replace('\\', "%5C")))
}

/// The name of a name in OPFS; none for what is ours.
pub(crate) fn from_host(host: &str) -> Option<Cow<'_, str>> {
    if let Some(encoded) = host.strip_prefix(ENCODED) {
        return Some(Cow::Owned(encoded.replace("%5C", "\\").replace("%25", "%")));
    }
    (host != HIDDEN && host != PACKED && host != POOL && !host.starts_with(FILLING)).then_some(Cow::Borrowed(host))
}

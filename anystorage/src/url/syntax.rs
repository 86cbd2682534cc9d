//! From text to a scheme, a path on the host and a query: strict, and with an error that names the part that is wrong.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::PathBuf;

use anystorage_api::{Error, ErrorKind, Operation, Result, StoragePath};
use percent_encoding::percent_decode_str;
use url::{SyntaxViolation, Url};

pub(super) fn parse(text: &str) -> Result<Url> {
    if authority(text).is_some_and(|authority| authority.contains('@')) {
        return Err(malformed(text, "it has a user name or a password, and a URL holds no secrets"));
    }
    let violations = RefCell::new(Vec::new());
    let record = |violation: SyntaxViolation| violations.borrow_mut().push(violation);
    let url = Url::options().syntax_violation_callback(Some(&record)).parse(text).map_err(|error| {
        let why = match error {
            url::ParseError::RelativeUrlWithoutBase => {
                "it has no scheme: a directory is written file:///absolute/directory, memory is memory:".to_owned()
            }
            url::ParseError::InvalidDomainCharacter => {
                "a character of the name cannot stand in a URL: write it %XX (a space is %20, a backslash %5C)".to_owned()
            }
            url::ParseError::InvalidPort => "a colon begins the number of a port: write %3A for the character itself".to_owned(),
            error => error.to_string(),
        };
        malformed(text, why)
    })?;
    // The URL standard mends what browsers meet in the wild. A location that is not quite the one that was written is worse than an error.
    for violation in violations.borrow().iter() {
        let why = match violation {
            SyntaxViolation::Backslash => BACKSLASH,
            SyntaxViolation::C0SpaceIgnored => "it begins or ends with a space or a control character",
            SyntaxViolation::TabOrNewlineIgnored => "it has a tab or a line break: write %09, %0A or %0D",
            SyntaxViolation::PercentDecode => "a % is not followed by two hexadecimal digits: write %25 for the character itself",
            _ => continue,
        };
        return Err(malformed(text, why));
    }
    if let Some(fragment) = url.fragment() {
        return Err(malformed(text, format!("it has a fragment, \"#{fragment}\": write %23 for the character itself")));
    }
    Ok(url)
}

const BACKSLASH: &str = r"it has a backslash: write / between directories, and %5C for a backslash in a name";

/// The path on the host that a URL names, byte for byte; `what` that is, in a word.
pub(super) fn host_path(url: &Url, text: &str, what: &str) -> Result<PathBuf> {
    let scheme = url.scheme();
    let behind_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
    let Some(behind_slashes) = behind_scheme.strip_prefix("//") else {
        let why = if behind_scheme.starts_with('/') {
            format!("two slashes are missing: write {scheme}://{behind_scheme}")
        } else {
            format!("the {what} is relative: write {scheme}:///absolute/{what}")
        };
        return Err(malformed(text, why));
    };
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        let why = format!("it names the host {host:?}: a {what} of this machine has three slashes, {scheme}:///{host}{}", url.path());
        return Err(malformed(text, why));
    }
    let written = behind_slashes.split(['?', '#']).next().unwrap_or_default();
    let Some(start) = written.find('/') else {
        return Err(malformed(text, format!("it names no {what}: write {scheme}:///absolute/{what}")));
    };
    let written = written.get(start..).unwrap_or_default();
    if written.contains('\\') {
        return Err(malformed(text, BACKSLASH));
    }
    let bytes: Vec<u8> = percent_decode_str(written).collect();
    if bytes.split(|byte| *byte == b'/').any(|part| part == b".." || part == b".") {
        return Err(malformed(text, format!("the {what} has a part \".\" or \"..\": write the {what} it leads to")));
    }
    if bytes.contains(&0) {
        return Err(malformed(text, format!("the {what} contains a NUL character")));
    }
    if bytes != percent_decode_str(url.path()).collect::<Vec<u8>>() {
        return Err(malformed(
            text,
            format!("the {what} would be read as {:?}: write it so, or with %XX for special characters", url.path()),
        ));
    }
    if written.starts_with("//") {
        let why = format!("there is a slash too many: write {scheme}:///{}", written.trim_start_matches('/'));
        return Err(malformed(text, why));
    }
    let path = os_string(bytes).ok_or_else(|| malformed(text, format!("the {what} is not UTF-8")))?;
    Ok(PathBuf::from(path))
}

/// The name that a URL gives to a location of a browser's origin: a path, what stands between `//` and the parameters.
pub(super) fn origin_name(url: &Url, text: &str) -> Result<StoragePath> {
    let scheme = url.scheme();
    let behind_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
    let Some(written) = behind_scheme.strip_prefix("//") else {
        return Err(malformed(text, format!("two slashes are missing: write {scheme}://{}", behind_scheme.trim_start_matches('/'))));
    };
    let written = written.split(['?', '#']).next().unwrap_or_default();
    if written.is_empty() {
        return Err(malformed(text, format!("it names no location: write {scheme}://name")));
    }
    if written.starts_with('/') {
        let name = written.trim_start_matches('/');
        return Err(malformed(text, format!("there is a slash too many: a location of the origin is written {scheme}://{name}")));
    }
    if written.contains('\\') {
        return Err(malformed(text, BACKSLASH));
    }
    let name = percent_decode_str(written).decode_utf8().map_err(|_| malformed(text, "the name is not UTF-8"))?;
    StoragePath::parse(&name).map_err(|error| malformed(text, format!("the name {name:?}: {}", error.text().unwrap_or("it is no path"))))
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

pub(super) fn malformed(text: &str, why: impl Into<String>) -> Error {
    refused(ErrorKind::InvalidPath, text, why)
}

pub(super) fn refused(kind: ErrorKind, text: &str, why: impl Into<String>) -> Error {
    Error::new(kind, Operation::Configure).with_text(format!("the URL {:?}: {}", shown(text), why.into()))
}

/// A URL for an error's text: cut to a readable length, and without what might be a secret.
fn shown(text: &str) -> String {
    let masked = match text.split_once("://") {
        Some((scheme, rest)) => match authority(text).and_then(|authority| authority.rfind('@')) {
            Some(at) => format!("{scheme}://***{}", rest.get(at..).unwrap_or_default()),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    masked.chars().take(300).collect()
}

/// What stands between `//` and the path.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split(['/', '?', '#', '\\']).next()
}

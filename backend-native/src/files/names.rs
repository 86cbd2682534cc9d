//! Names on the host: every name is its own, except the few that look like our temporary ones.

use std::borrow::Cow;

use anystorage_api::{Error, ErrorKind, MAX_NAME_LEN, Operation, Result, StoragePath};

/// What all temporary names start with; 16 lower-case hexadecimal digits follow. A user's name of this shape gets one more `~`.
const MARK: &str = ".anystorage-~";

/// The temporary name with this number.
pub(super) fn temporary(number: u64) -> String {
    format!("{MARK}{number:016x}")
}

/// What a name on the host means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'n> {
    /// One of our temporary files.
    Temporary,
    /// A name of the user.
    Name(Cow<'n, str>),
}

/// The meaning of a name on the host.
pub(super) fn meaning(host: &str) -> Meaning<'_> {
    match tildes(host) {
        Some(1) => Meaning::Temporary,
        Some(_) => Meaning::Name(Cow::Owned(host.replacen('~', "", 1))),
        None => Meaning::Name(Cow::Borrowed(host)),
    }
}

/// The path on the host of a user's path.
pub(super) fn host_path(path: &StoragePath, operation: Operation) -> Result<Cow<'_, str>> {
    if !path.as_str().contains(MARK) {
        return Ok(Cow::Borrowed(path.as_str()));
    }
    let mut host = String::with_capacity(path.as_str().len() + 1);
    for part in path.parts() {
        if !host.is_empty() {
            host.push('/');
        }
        match (tildes(part), part.strip_prefix(MARK)) {
            (Some(_), Some(_)) if part.len() == MAX_NAME_LEN => {
                let text = "this name has the shape of the engine's own temporary names, and gets too long when it is told apart from them";
                return Err(Error::new(ErrorKind::InvalidPath, operation).with_path(path).with_text(text));
            }
            (Some(_), Some(rest)) => {
                host.push_str(MARK);
                host.push('~');
                host.push_str(rest);
            }
            _ => host.push_str(part),
        }
    }
    Ok(Cow::Owned(host))
}

/// The user's path of a path on the host; none if it is not one.
pub(super) fn user_path(host: &str) -> Option<StoragePath> {
    if !host.contains(MARK) {
        return StoragePath::parse(host).ok();
    }
    let parts: Option<Vec<Cow<'_, str>>> = host
        .split('/')
        .map(|part| match meaning(part) {
            Meaning::Temporary => None,
            Meaning::Name(name) => Some(name),
        })
        .collect();
    StoragePath::parse(&parts?.join("/")).ok()
}

/// The directory of a path on the host.
pub(super) fn parent(host: &str) -> &str {
    host.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A path on the host for `name` in `directory`.
pub(super) fn child(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// What is left of `path` below `directory`; empty if they are the same, none if it is not below.
pub(super) fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    if directory.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(directory)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// How many `~` a name of the reserved shape has; none for any other name.
fn tildes(name: &str) -> Option<usize> {
    let rest = name.strip_prefix(MARK)?;
    let digits = rest.trim_start_matches('~');
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (digits.len() == 16 && digits.bytes().all(is_digit)).then(|| 1 + rest.len() - digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_told_apart_and_come_back() {
        let ours = temporary(0xfeed);
        assert_eq!(meaning(&ours), Meaning::Temporary);
        for name in [ours.clone(), ours.replacen('~', "~~", 1), ours.replacen('~', "~~~~", 1)] {
            let path = StoragePath::parse(&name).unwrap();
            let host = host_path(&path, Operation::Open).unwrap();
            assert_eq!(host.len(), name.len() + 1);
            assert_eq!(meaning(&host), Meaning::Name(Cow::Borrowed(&name)));
            assert_eq!(user_path(&format!("d/{host}")), Some(StoragePath::parse(&format!("d/{name}")).unwrap()));
        }
    }

    #[test]
    fn other_names_are_their_own() {
        for name in [".anystorage-~", ".anystorage-~0123", ".anystorage-~0123456789abcdeF", "x.anystorage-~0123456789abcdef"] {
            let path = StoragePath::parse(name).unwrap();
            assert_eq!(host_path(&path, Operation::Open).unwrap(), name);
            assert_eq!(meaning(name), Meaning::Name(Cow::Borrowed(name)));
        }
    }

    #[test]
    fn a_reserved_name_without_room_is_refused() {
        let tildes = "~".repeat(MAX_NAME_LEN - MARK.len() - 16);
        let name = format!("{MARK}{tildes}0123456789abcdef");
        assert_eq!(name.len(), MAX_NAME_LEN);
        let refused = host_path(&StoragePath::parse(&name).unwrap(), Operation::Open).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidPath);
    }
}

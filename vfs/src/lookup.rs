//! From paths to places.

use anystorage_api::{MAX_NAME_LEN, MAX_PATH_LEN};

use crate::stat::NodeKind;
use crate::tree::{Found, Location, Tree};
use crate::{Errno, Result};

/// How many links a path may lead over.
const MAX_LINKS: usize = 40;

/// What a path ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    Name(String),
    Dot,
    DotDot,
    /// There is nothing in it but slashes.
    Root,
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The directory that has what it ends with.
    pub(crate) parent: Location,
    pub(crate) last: Last,
    /// What is there; none if the directory has no such name.
    pub(crate) found: Option<Found>,
    /// Whether the path says that it is a directory.
    pub(crate) slash: bool,
}

impl Walked {
    /// What is there.
    pub(crate) fn existing(self) -> Result<Found> {
        let slash = self.slash;
        let found = self.found.ok_or(Errno::ENOENT)?;
        if slash && !found.is_dir() { Err(Errno::ENOTDIR) } else { Ok(found) }
    }

    /// The place of a new name.
    pub(crate) fn target(&self) -> Result<Location> {
        match &self.last {
            Last::Name(name) => {
                let target = self.parent.join(name)?;
                if target.is_hidden() { Err(Errno::EPERM) } else { Ok(target) }
            }
            _ => Err(Errno::EEXIST),
        }
    }
}

/// Whether `path` can be one at all.
pub(crate) fn check(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    if path.len() >= MAX_PATH_LEN {
        return Err(Errno::ENAMETOOLONG);
    }
    if path.contains('\0') { Err(Errno::EINVAL) } else { Ok(()) }
}

impl Tree {
    /// Follows `path` from `start`. The last link is followed if `follow`.
    pub(crate) fn walk(&mut self, start: &Location, path: &str, follow: bool) -> Result<Walked> {
        check(path)?;
        let mut at = if path.starts_with('/') { self.root()? } else { start.clone() };
        let mut slash = path.ends_with('/');
        let mut pending: Vec<String> = parts(path);
        if let Some(walked) = self.walk_at_once(&at, &pending, follow, slash)? {
            return Ok(walked);
        }
        let mut links = 0;
        while let Some(name) = pending.pop() {
            let ends = pending.is_empty();
            let last = match name.as_str() {
                "." => Last::Dot,
                ".." => {
                    at = self.above(&at);
                    Last::DotDot
                }
                _ => Last::Name(name),
            };
            let Last::Name(name) = last else {
                if ends {
                    return Ok(Walked { found: Some(self.found(&at)?), parent: at, last, slash: false });
                }
                continue;
            };
            if name.len() > MAX_NAME_LEN {
                return Err(Errno::ENAMETOOLONG);
            }
            let child = at.join(&name)?;
            let covering = self.covering(&child);
            let place = covering.map_or_else(|| child.clone(), |mount| Location { mount, path: Default::default() });
            let found = match self.found(&place) {
                Err(Errno::ENOENT) if ends => return Ok(Walked { parent: at, last: Last::Name(name), found: None, slash }),
                outcome => outcome?,
            };
            match (&found.kind, &found.link) {
                (NodeKind::Symlink, Some(target)) if !ends || follow => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::ELOOP);
                    }
                    if target.starts_with('/') {
                        at = self.root()?;
                    }
                    slash |= ends && target.ends_with('/');
                    pending.extend(parts(target));
                }
                _ if ends => return Ok(Walked { parent: at, last: Last::Name(name), found: Some(found), slash }),
                (NodeKind::Directory, _) => at = place,
                _ => return Err(Errno::ENOTDIR),
            }
        }
        // Slashes alone, or a link that leads to them.
        Ok(Walked { found: Some(self.found(&at)?), parent: at, last: Last::Root, slash: false })
    }

    /// The same by one or two questions to the engine, where neither links nor mounts are on the way; none where they may be.
    fn walk_at_once(&mut self, start: &Location, pending: &[String], follow: bool, slash: bool) -> Result<Option<Walked>> {
        let [last, above @ ..] = pending else { return Ok(None) };
        let plain = |name: &String| name != "." && name != ".." && name.len() <= MAX_NAME_LEN;
        if above.is_empty() || !pending.iter().all(plain) || self.has_mounts_in(start.mount) {
            return Ok(None);
        }
        let mut parent = start.clone();
        for name in above.iter().rev() {
            parent = parent.join(name)?;
        }
        let child = parent.join(last)?;
        let found = match self.found(&child) {
            Ok(found) => Some(found),
            Err(Errno::ENOENT) if self.found(&parent).is_ok_and(|parent| parent.is_dir()) => None,
            Err(_) => return Ok(None),
        };
        if follow && found.as_ref().is_some_and(|found| found.link.is_some()) {
            return Ok(None);
        }
        Ok(Some(Walked { parent, last: Last::Name(last.clone()), found, slash }))
    }
}

/// The parts of a path, the last one first.
fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).rev().map(str::to_owned).collect()
}

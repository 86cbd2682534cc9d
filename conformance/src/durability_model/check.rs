//! Holds a tree that was found against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anystorage_api::StoragePath;

use super::points::Published;
use super::{Binding, DurabilityModel, Kind, Node, Promise, ROOT, Tree};

/// A promise that what was found breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The contract line.
    pub line: u8,
    /// What was found and what was promised.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contract line {}: {}", self.line, self.text)
    }
}

impl std::error::Error for Violation {}

fn violation(line: u8, text: String) -> Violation {
    Violation { line, text }
}

impl DurabilityModel {
    /// Whether `found` may be found if everything was killed now.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check(&self, found: &Tree) -> Result<(), Violation> {
        Search::new(self, found, None).assign(0)?;
        if self.promise == Promise::InPlace {
            return Ok(());
        }
        // What the lines above allow is exact here. One way to say what was published is enough.
        let mut first = None;
        for published in Published::all(self) {
            match Search::new(self, found, Some(&published)).assign(0) {
                Ok(()) => return Ok(()),
                Err(violation) => first = first.or(Some(violation)),
            }
        }
        Err(first.map_or_else(|| violation(3, "there is no sync that it could be at".to_owned()), |first| violation(3, first.text)))
    }
}

/// Says which directory and which file of the model each entry is. Where a name was given anew, several may fit: the tree is allowed if one
/// way to say it is.
struct Search<'a> {
    model: &'a DurabilityModel,
    /// With `AtomicSync`: what may have been published.
    published: Option<&'a Published>,
    entries: Vec<(&'a StoragePath, &'a Node)>,
    directories: BTreeMap<StoragePath, u64>,
    /// The found files with those of the model that fit each.
    files: Vec<(&'a StoragePath, Vec<u64>)>,
}

impl<'a> Search<'a> {
    fn new(model: &'a DurabilityModel, found: &'a Tree, published: Option<&'a Published>) -> Self {
        let directories = BTreeMap::from([(StoragePath::root(), ROOT)]);
        Self { model, published, entries: found.iter().collect(), directories, files: Vec::new() }
    }

    /// The bindings of a name that count.
    fn bindings<'b>(&self, history: &'b [Binding]) -> impl Iterator<Item = &'b Binding> {
        let counts = |index| self.published.is_none_or(|published| published.may_lead(self.model, history, index));
        (0..history.len()).filter(move |index| counts(*index)).filter_map(|index| history.get(index))
    }

    fn assign(&mut self, mut from: usize) -> Result<(), Violation> {
        let files = self.files.len();
        let outcome = loop {
            let Some(&(path, node)) = self.entries.get(from) else { break self.finish() };
            let above = path.parent().and_then(|parent| self.directories.get(&parent).copied());
            let (Some(above), Some(name)) = (above, path.file_name()) else {
                break Err(violation(2, format!("{path} was found below something that is no directory")));
            };
            let history = self.model.bindings.get(&(above, name.to_owned())).map_or(&[][..], Vec::as_slice);
            from += 1;
            match node {
                Node::Directory => break self.assign_directory(path, history, from),
                Node::File(bytes) => match self.files_that_fit(path, bytes, history) {
                    Ok(fitting) => self.files.push((path, fitting)),
                    Err(misfit) => break Err(misfit),
                },
            }
        };
        if outcome.is_err() {
            self.files.truncate(files);
        }
        outcome
    }

    fn assign_directory(&mut self, path: &StoragePath, history: &[Binding], rest: usize) -> Result<(), Violation> {
        let (line, when) = if self.published.is_some() { (3, "at any sync it may be at") } else { (2, "since the last sync") };
        let mut outcome = Err(violation(line, format!("a directory was found at {path}, where none was {when}")));
        let bound = self.bindings(history).filter_map(|binding| binding.object);
        let fitting: BTreeSet<u64> = bound.filter(|object| self.model.is_directory(*object)).collect();
        for directory in fitting {
            if let Some((other, _)) = self.directories.iter().find(|(_, taken)| **taken == directory) {
                outcome = Err(violation(2, format!("the directory at {path} was found at {other} too")));
                continue;
            }
            self.directories.insert(path.clone(), directory);
            outcome = self.assign(rest);
            if outcome.is_ok() {
                break;
            }
            self.directories.remove(path);
        }
        outcome
    }

    fn files_that_fit(&self, path: &StoragePath, bytes: &[u8], history: &[Binding]) -> Result<Vec<u64>, Violation> {
        let mut fitting = Vec::new();
        let (line, when) = if self.published.is_some() { (3, "at any sync it may be at") } else { (2, "since the last sync") };
        let mut misfit = violation(line, format!("a file was found at {path}, where none was {when}"));
        for binding in self.bindings(history) {
            let Some(id) = binding.object else { continue };
            let Some(object) = self.model.objects.get(&id) else { continue };
            let Kind::File(content) = &object.kind else { continue };
            if let Some(published) = self.published {
                match published.may_have_bytes(self.model, (id, object, content), binding, bytes) {
                    Ok(()) => fitting.push(id),
                    Err(why) => misfit = violation(3, format!("{path} {why}")),
                }
                continue;
            }
            match content.allows(bytes, |action| self.model.covered(action, binding.whole_as_of)) {
                Ok(()) => fitting.push(id),
                Err(why) => {
                    let line = match (history.len(), content.is_settled()) {
                        (1, true) => 1,
                        (1, false) => 2,
                        _ if binding.whole_as_of > 0 => 4,
                        _ => 2,
                    };
                    misfit = violation(line, format!("{path} {why}"));
                }
            }
        }
        if fitting.is_empty() { Err(misfit) } else { Ok(fitting) }
    }

    fn finish(&self) -> Result<(), Violation> {
        for (path, directory) in &self.directories {
            for ((_, name), history) in self.model.names_in(*directory) {
                let Ok(path) = path.join(name) else { continue };
                let there = self.entries.binary_search_by(|(entry, _)| (*entry).cmp(&path)).is_ok();
                let may_be_absent = match self.published {
                    Some(published) => published.may_be_absent(self.model, history),
                    None => history.iter().any(|binding| binding.object.is_none()),
                };
                if !there && !may_be_absent {
                    let (line, what) = match (self.published, history.len()) {
                        (_, 1) => (1, "synced"),
                        (Some(_), _) => (3, "there at every sync"),
                        (None, _) => (4, "replaced, never removed"),
                    };
                    return Err(violation(line, format!("nothing was found at {path}, which was {what}")));
                }
            }
        }
        let found: BTreeSet<u64> = self.directories.values().copied().collect();
        for (id, object) in &self.model.objects {
            let demanded = object.demanded && !object.removed;
            if demanded && matches!(object.kind, Kind::Directory) && !found.contains(id) {
                return Err(violation(1, format!("a synced directory that nobody removed was lost{}", self.last_name(*id))));
            }
        }
        self.match_files()
    }

    /// Every found file is another one of the model, and every file that must be there is found. Two one-sided matchings suffice: if one
    /// covers all that was found and another all that is demanded, then one covers both (Mendelsohn and Dulmage).
    fn match_files(&self) -> Result<(), Violation> {
        let mut owner = BTreeMap::new();
        let fitting: Vec<&Vec<u64>> = self.files.iter().map(|(_, fitting)| fitting).collect();
        for (index, (path, _)) in self.files.iter().enumerate() {
            if !augment(index, &fitting, &mut owner, &mut BTreeSet::new()) {
                return Err(violation(2, format!("the file at {path} was found under another name too")));
            }
        }
        let demanded =
            self.model.objects.iter().filter(|(_, object)| object.demanded && !object.removed && matches!(object.kind, Kind::File(_)));
        let mut places: Vec<Vec<u64>> = Vec::new();
        let mut taken = BTreeMap::new();
        for (id, _) in demanded {
            let at = (0_u64..).zip(&fitting).filter(|(_, fitting)| fitting.contains(id)).map(|(at, _)| at).collect();
            places.push(at);
            let all: Vec<&Vec<u64>> = places.iter().collect();
            if !augment(places.len() - 1, &all, &mut taken, &mut BTreeSet::new()) {
                return Err(violation(1, format!("a synced file that nobody removed was lost{}", self.last_name(*id))));
            }
        }
        Ok(())
    }

    fn last_name(&self, object: u64) -> String {
        let mut names: Vec<String> = self.model.names_leading_to(object).into_iter().map(|(_, name)| name).collect();
        names.reverse();
        if names.is_empty() { String::new() } else { format!(": {}", names.join("/")) }
    }
}

/// One step of bipartite matching: finds a partner for `left`, moving others where that helps.
fn augment(left: usize, fitting: &[&Vec<u64>], owner: &mut BTreeMap<u64, usize>, seen: &mut BTreeSet<u64>) -> bool {
    for right in fitting.get(left).into_iter().flat_map(|all| all.iter()) {
        if !seen.insert(*right) {
            continue;
        }
        let holder = owner.get(right).copied();
        if holder.is_none_or(|holder| augment(holder, fitting, owner, seen)) {
            owner.insert(*right, left);
            return true;
        }
    }
    false
}

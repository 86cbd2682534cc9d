//! Holds a tree that was found against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anystorage_api::StoragePath;

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
        let entries: Vec<(&StoragePath, &Node)> = found.iter().collect();
        let mut search = Search { model: self, entries, directories: BTreeMap::from([(StoragePath::root(), ROOT)]), files: Vec::new() };
        search.assign(0)?;
        if self.promise == Promise::AtomicSync {
            self.check_points(found)?;
        }
        Ok(())
    }

    fn check_points(&self, found: &Tree) -> Result<(), Violation> {
        if self.file_syncs.is_empty() {
            if self.points.values().any(|point| point == found) {
                return Ok(());
            }
            let text = format!("what was found is not how everything was at one of the {} syncs it may be at", self.points.len());
            return Err(violation(3, text));
        }
        let paths: BTreeSet<&StoragePath> = self.points.values().chain([found]).flat_map(Tree::iter).map(|(path, _)| path).collect();
        for path in paths {
            if !self.points.values().any(|point| point.get(path) == found.get(path)) {
                return Err(violation(3, format!("{path} is not as it was at any sync that covered it")));
            }
        }
        Ok(())
    }
}

/// Says which directory and which file of the model each entry is. Where a name was given anew, several may fit: the tree is allowed if one
/// way to say it is.
struct Search<'a> {
    model: &'a DurabilityModel,
    entries: Vec<(&'a StoragePath, &'a Node)>,
    directories: BTreeMap<StoragePath, u64>,
    /// The found files with those of the model that fit each.
    files: Vec<(&'a StoragePath, Vec<u64>)>,
}

impl<'a> Search<'a> {
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
        let mut outcome = Err(violation(2, format!("a directory was found at {path}, where none was since the last sync")));
        let bound = history.iter().filter_map(|binding| binding.object);
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
        let mut misfit = violation(2, format!("a file was found at {path}, where none was since the last sync"));
        for binding in history {
            let Some(object) = binding.object else { continue };
            let Some(Kind::File(content)) = self.model.objects.get(&object).map(|object| &object.kind) else { continue };
            match content.allows(bytes, |action| self.model.covered(action, binding.whole_as_of)) {
                Ok(()) => fitting.push(object),
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
                if !there && history.iter().all(|binding| binding.object.is_some()) {
                    let (line, what) = if history.len() == 1 { (1, "synced") } else { (4, "replaced, never removed") };
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

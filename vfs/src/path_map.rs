//! Things by the path that they are at, moved and dropped with whole subtrees.

use std::collections::BTreeMap;

use anystorage_api::StoragePath;

#[derive(Debug)]
pub(crate) struct PathMap<T> {
    entries: BTreeMap<String, T>,
}

impl<T> Default for PathMap<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<T> PathMap<T> {
    pub(crate) fn get(&self, path: &StoragePath) -> Option<&T> {
        self.entries.get(path.as_str())
    }

    pub(crate) fn insert(&mut self, path: &StoragePath, value: T) -> Option<T> {
        self.entries.insert(path.as_str().to_owned(), value)
    }

    pub(crate) fn remove(&mut self, path: &StoragePath) -> Option<T> {
        self.entries.remove(path.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.entries.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The keys of `path` and of everything below it.
    fn subtree(&self, path: &StoragePath) -> Vec<String> {
        let below = if path.is_root() { String::new() } else { format!("{path}/") };
        let inside = self.entries.range(below.clone()..).map(|(key, _)| key).take_while(|key| key.starts_with(&below));
        self.entries.get_key_value(path.as_str()).map(|(key, _)| key).into_iter().chain(inside).cloned().collect()
    }

    /// Whether there is anything at `path` or below it.
    pub(crate) fn any_at_or_below(&self, path: &StoragePath) -> bool {
        let below = format!("{path}/");
        self.entries.contains_key(path.as_str())
            || self.entries.range(below.clone()..).next().is_some_and(|(key, _)| key.starts_with(&below))
    }

    /// What is at `path` and below it, by where it is.
    pub(crate) fn at_and_below(&self, path: &StoragePath) -> impl Iterator<Item = (&String, &T)> {
        self.subtree(path).into_iter().filter_map(|key| self.entries.get_key_value(&key))
    }

    /// Takes out `path` and everything below it.
    pub(crate) fn take_subtree(&mut self, path: &StoragePath) -> Vec<(String, T)> {
        let keys = self.subtree(path);
        keys.into_iter().filter_map(|key| self.entries.remove(&key).map(|value| (key, value))).collect()
    }

    /// Moves `from` and everything below it to `to`, and returns what was there.
    pub(crate) fn move_subtree(&mut self, from: &StoragePath, to: &StoragePath) -> Vec<(String, T)> {
        let replaced = self.take_subtree(to);
        for (key, value) in self.take_subtree(from) {
            let rest = key.get(from.as_str().len()..).unwrap_or_default();
            self.entries.insert(format!("{to}{rest}"), value);
        }
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_moves_and_its_neighbours_stay() {
        let path = |text: &str| StoragePath::parse(text).unwrap();
        let mut map = PathMap::default();
        for name in ["a", "a/b", "a/b/c", "a-", "ab", "z/a/b"] {
            map.insert(&path(name), name.to_owned());
        }
        map.insert(&path("n/old"), "old".to_owned());
        assert!(map.any_at_or_below(&path("z")) && !map.any_at_or_below(&path("z/b")));
        let replaced = map.move_subtree(&path("a"), &path("n"));
        assert_eq!(replaced, [("n/old".to_owned(), "old".to_owned())]);
        let left: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(left, ["a-=a-", "ab=ab", "n=a", "n/b=a/b", "n/b/c=a/b/c", "z/a/b=z/a/b"]);
    }
}

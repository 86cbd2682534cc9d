//! A file system as simple as it can be: what the face should be like.

use std::collections::BTreeMap;

use anystorage_vfs::{Errno, OpenFlags, Result};

const ROOT: u64 = 0;
const MAX_LINKS: usize = 40;

#[derive(Clone, Debug)]
pub(crate) enum Body {
    File(Vec<u8>),
    Dir(BTreeMap<String, u64>),
    Link(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) body: Body,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) named: bool,
    parent: u64,
}

/// What is told of a node: its kind, its permission bits, its owner, its length, and whether it has a name. Of directories no length.
pub(crate) type Told = (char, u32, u32, u64, bool);

impl Node {
    fn told(&self) -> Told {
        let (kind, len) = match &self.body {
            Body::File(data) => ('f', data.len()),
            Body::Dir(_) => ('d', 0),
            Body::Link(target) => ('l', target.len()),
        };
        (kind, self.mode, self.uid, len as u64, self.named)
    }

    fn is_dir(&self) -> bool {
        matches!(self.body, Body::Dir(_))
    }
}

struct Opened {
    node: u64,
    offset: u64,
    flags: OpenFlags,
}

/// Where a path leads.
struct Walked {
    parent: u64,
    name: String,
    found: Option<u64>,
}

pub(crate) struct Model {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    opened: BTreeMap<u64, Opened>,
    descriptors: BTreeMap<i32, u64>,
    limit: i32,
}

impl Model {
    pub(crate) fn new(limit: i32) -> Self {
        let root = Node { body: Body::Dir(BTreeMap::new()), mode: 0o755, uid: 0, named: true, parent: ROOT };
        Self { nodes: [(ROOT, root)].into(), next: 1, opened: BTreeMap::new(), descriptors: BTreeMap::new(), limit }
    }

    fn node(&self, id: u64) -> &Node {
        &self.nodes[&id]
    }

    fn node_mut(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).unwrap()
    }

    fn names(&mut self, directory: u64) -> &mut BTreeMap<String, u64> {
        match &mut self.node_mut(directory).body {
            Body::Dir(names) => names,
            _ => panic!("no directory"),
        }
    }

    fn walk(&self, path: &str, follow: bool) -> Result<Walked> {
        let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).rev().map(str::to_owned).collect::<Vec<_>>();
        let mut pending = parts(path);
        let (mut at, mut links) = (ROOT, 0);
        while let Some(name) = pending.pop() {
            let last = pending.is_empty();
            let Body::Dir(names) = &self.node(at).body else { return Err(Errno::ENOTDIR) };
            if name == ".." {
                at = self.node(at).parent;
                if last {
                    return Ok(Walked { parent: at, name, found: Some(at) });
                }
                continue;
            }
            let Some(id) = names.get(&name) else {
                return if last { Ok(Walked { parent: at, name, found: None }) } else { Err(Errno::ENOENT) };
            };
            match &self.node(*id).body {
                Body::Link(target) if !last || follow => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::ELOOP);
                    }
                    if target.starts_with('/') {
                        at = ROOT;
                    }
                    pending.extend(parts(target));
                }
                _ if last => return Ok(Walked { parent: at, name, found: Some(*id) }),
                Body::Dir(_) => at = *id,
                _ => return Err(Errno::ENOTDIR),
            }
        }
        Ok(Walked { parent: at, name: String::new(), found: Some(at) })
    }

    fn existing(&self, path: &str, follow: bool) -> Result<u64> {
        self.walk(path, follow)?.found.ok_or(Errno::ENOENT)
    }

    fn make(&mut self, parent: u64, name: &str, body: Body, mode: u32) -> u64 {
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, Node { body, mode, uid: 0, named: true, parent });
        self.names(parent).insert(name.to_owned(), id);
        id
    }

    fn unname(&mut self, id: u64) {
        self.node_mut(id).named = false;
        self.forget(id);
    }

    fn forget(&mut self, id: u64) {
        if !self.node(id).named && self.opened.values().all(|opened| opened.node != id) {
            self.nodes.remove(&id);
        }
    }

    fn lowest(&self) -> Result<i32> {
        (0..self.limit).find(|number| !self.descriptors.contains_key(number)).ok_or(Errno::EMFILE)
    }

    fn opened(&mut self, descriptor: i32) -> Result<&mut Opened> {
        let id = self.descriptors.get(&descriptor).ok_or(Errno::EBADF)?;
        Ok(self.opened.get_mut(id).unwrap())
    }

    pub(crate) fn descriptors(&self) -> Vec<i32> {
        self.descriptors.keys().copied().collect()
    }

    pub(crate) fn open(&mut self, path: &str, flags: OpenFlags, mode: u32) -> Result<i32> {
        let number = self.lowest()?;
        let (creates, exclusive) = (flags.has(OpenFlags::O_CREAT), flags.has(OpenFlags::O_CREAT | OpenFlags::O_EXCL));
        let walked = self.walk(path, !exclusive)?;
        let writes = flags.bits() & 3 != 0;
        let node = match walked.found {
            Some(_) if exclusive => return Err(Errno::EEXIST),
            Some(id) if self.node(id).is_dir() && (creates || writes || flags.has(OpenFlags::O_TRUNC)) => return Err(Errno::EISDIR),
            Some(id) => {
                if let Body::File(data) = &mut self.node_mut(id).body
                    && flags.has(OpenFlags::O_TRUNC)
                {
                    data.clear();
                }
                id
            }
            None if creates => self.make(walked.parent, &walked.name, Body::File(Vec::new()), mode & !0o022),
            None => return Err(Errno::ENOENT),
        };
        let id = self.next;
        self.next += 1;
        self.opened.insert(id, Opened { node, offset: 0, flags });
        self.descriptors.insert(number, id);
        Ok(number)
    }

    pub(crate) fn close(&mut self, descriptor: i32) -> Result<()> {
        let id = self.descriptors.remove(&descriptor).ok_or(Errno::EBADF)?;
        if !self.descriptors.values().any(|other| *other == id) {
            let opened = self.opened.remove(&id).unwrap();
            self.forget(opened.node);
        }
        Ok(())
    }

    pub(crate) fn dup(&mut self, descriptor: i32) -> Result<i32> {
        let id = *self.descriptors.get(&descriptor).ok_or(Errno::EBADF)?;
        let number = self.lowest()?;
        self.descriptors.insert(number, id);
        Ok(number)
    }

    pub(crate) fn dup2(&mut self, from: i32, to: i32) -> Result<i32> {
        let id = *self.descriptors.get(&from).ok_or(Errno::EBADF)?;
        if from != to {
            let _ = self.close(to);
            self.descriptors.insert(to, id);
        }
        Ok(to)
    }

    /// With no `at`, from the offset, which moves.
    pub(crate) fn read(&mut self, descriptor: i32, len: usize, at: Option<u64>) -> Result<Vec<u8>> {
        let Opened { node, offset, flags } = self.opened(descriptor)?;
        let (node, from, readable) = (*node, at.unwrap_or(*offset), flags.bits() & 3 != 1);
        if !readable {
            return Err(Errno::EBADF);
        }
        let Body::File(data) = &self.node(node).body else { return Err(Errno::EISDIR) };
        let read: Vec<u8> = data.iter().skip(from as usize).take(len).copied().collect();
        if at.is_none() {
            self.opened(descriptor)?.offset += read.len() as u64;
        }
        Ok(read)
    }

    pub(crate) fn write(&mut self, descriptor: i32, bytes: &[u8], at: Option<u64>) -> Result<usize> {
        let Opened { node, offset, flags } = self.opened(descriptor)?;
        let (node, from, flags) = (*node, at.unwrap_or(*offset), *flags);
        if flags.bits() & 3 == 0 {
            return Err(Errno::EBADF);
        }
        let Body::File(data) = &mut self.node_mut(node).body else { return Err(Errno::EBADF) };
        if bytes.is_empty() {
            return Ok(0);
        }
        let from = if flags.has(OpenFlags::O_APPEND) { data.len() } else { from as usize };
        let end = from + bytes.len();
        if data.len() < end {
            data.resize(end, 0);
        }
        data[from..end].copy_from_slice(bytes);
        if at.is_none() {
            self.opened(descriptor)?.offset = end as u64;
        }
        Ok(bytes.len())
    }

    /// From the start (0), from here (1) or from the end (2).
    pub(crate) fn lseek(&mut self, descriptor: i32, by: i64, whence: i32) -> Result<u64> {
        let Opened { node, offset, .. } = self.opened(descriptor)?;
        let (node, offset) = (*node, *offset);
        let Body::File(data) = &self.node(node).body else { return Err(Errno::EISDIR) };
        let base = [0, offset, data.len() as u64][whence as usize];
        let to = base.checked_add_signed(by).ok_or(Errno::EINVAL)?;
        self.opened(descriptor)?.offset = to;
        Ok(to)
    }

    pub(crate) fn ftruncate(&mut self, descriptor: i32, len: u64) -> Result<()> {
        let Opened { node, flags, .. } = self.opened(descriptor)?;
        let (node, writable) = (*node, flags.bits() & 3 != 0);
        match &mut self.node_mut(node).body {
            Body::File(data) if writable => data.resize(len as usize, 0),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    pub(crate) fn truncate(&mut self, path: &str, len: u64) -> Result<()> {
        let id = self.existing(path, true)?;
        match &mut self.node_mut(id).body {
            Body::File(data) => data.resize(len as usize, 0),
            _ => return Err(Errno::EISDIR),
        }
        Ok(())
    }

    pub(crate) fn fsync(&mut self, descriptor: i32) -> Result<()> {
        self.opened(descriptor).map(|_| ())
    }

    pub(crate) fn stat(&self, path: &str, follow: bool) -> Result<Told> {
        Ok(self.node(self.existing(path, follow)?).told())
    }

    pub(crate) fn fstat(&mut self, descriptor: i32) -> Result<Told> {
        let node = self.opened(descriptor)?.node;
        Ok(self.node(node).told())
    }

    pub(crate) fn is_open_on_dir(&mut self, descriptor: i32) -> bool {
        self.opened(descriptor).map(|opened| opened.node).is_ok_and(|node| self.node(node).is_dir())
    }

    pub(crate) fn mkdir(&mut self, path: &str, mode: u32) -> Result<()> {
        let walked = self.walk(path, false)?;
        if walked.found.is_some() {
            return Err(Errno::EEXIST);
        }
        self.make(walked.parent, &walked.name, Body::Dir(BTreeMap::new()), mode & !0o022);
        Ok(())
    }

    pub(crate) fn symlink(&mut self, target: &str, path: &str) -> Result<()> {
        let walked = self.walk(path, false)?;
        if walked.found.is_some() {
            return Err(Errno::EEXIST);
        }
        self.make(walked.parent, &walked.name, Body::Link(target.to_owned()), 0o777);
        Ok(())
    }

    pub(crate) fn readlink(&self, path: &str) -> Result<String> {
        match &self.node(self.existing(path, false)?).body {
            Body::Link(target) => Ok(target.clone()),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn readdir(&self, path: &str) -> Result<Vec<String>> {
        match &self.node(self.existing(path, true)?).body {
            Body::Dir(names) => Ok(names.keys().cloned().collect()),
            _ => Err(Errno::ENOTDIR),
        }
    }

    pub(crate) fn unlink(&mut self, path: &str) -> Result<()> {
        let walked = self.walk(path, false)?;
        let id = walked.found.ok_or(Errno::ENOENT)?;
        if self.node(id).is_dir() {
            return Err(Errno::EISDIR);
        }
        self.names(walked.parent).remove(&walked.name);
        self.unname(id);
        Ok(())
    }

    pub(crate) fn rmdir(&mut self, path: &str) -> Result<()> {
        let walked = self.walk(path, false)?;
        let id = walked.found.ok_or(Errno::ENOENT)?;
        match &self.node(id).body {
            Body::Dir(names) if names.is_empty() => {}
            Body::Dir(_) => return Err(Errno::ENOTEMPTY),
            _ => return Err(Errno::ENOTDIR),
        }
        self.names(walked.parent).remove(&walked.name);
        self.unname(id);
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let (old, new) = (self.walk(from, false)?, self.walk(to, false)?);
        let id = old.found.ok_or(Errno::ENOENT)?;
        // The directories above a place, and itself.
        let within = |mut at: u64, above: u64| loop {
            if at == above {
                return true;
            }
            if at == ROOT {
                return false;
            }
            at = self.node(at).parent;
        };
        if self.node(id).is_dir() && within(new.parent, id) {
            return Err(Errno::EINVAL);
        }
        if new.found.is_some_and(|target| self.node(target).is_dir() && target != id && within(old.parent, target)) {
            return Err(Errno::ENOTEMPTY);
        }
        if let Some(target) = new.found {
            if target == id {
                return Ok(());
            }
            match (&self.node(id).body, &self.node(target).body) {
                (Body::Dir(_), Body::Dir(names)) if names.is_empty() => {}
                (Body::Dir(_), Body::Dir(_)) => return Err(Errno::ENOTEMPTY),
                (Body::Dir(_), _) => return Err(Errno::ENOTDIR),
                (_, Body::Dir(_)) => return Err(Errno::EISDIR),
                _ => {}
            }
            self.names(new.parent).remove(&new.name);
            self.unname(target);
        }
        self.names(old.parent).remove(&old.name);
        self.names(new.parent).insert(new.name, id);
        self.node_mut(id).parent = new.parent;
        Ok(())
    }

    pub(crate) fn chmod(&mut self, path: &str, mode: u32) -> Result<()> {
        let id = self.existing(path, true)?;
        self.node_mut(id).mode = mode;
        Ok(())
    }

    pub(crate) fn lchown(&mut self, path: &str, uid: u32) -> Result<()> {
        let id = self.existing(path, false)?;
        self.node_mut(id).uid = uid;
        Ok(())
    }

    pub(crate) fn fchmod(&mut self, descriptor: i32, mode: u32) -> Result<()> {
        let node = self.opened(descriptor)?.node;
        self.node_mut(node).mode = mode;
        Ok(())
    }

    /// Every path with its node.
    pub(crate) fn tree(&self) -> Vec<(String, Node)> {
        let mut all = Vec::new();
        let mut pending = vec![(String::new(), ROOT)];
        while let Some((path, id)) = pending.pop() {
            let node = self.node(id);
            if let Body::Dir(names) = &node.body {
                pending.extend(names.iter().map(|(name, id)| (format!("{path}/{name}"), *id)));
            }
            all.push((if path.is_empty() { "/".to_owned() } else { path }, node.clone()));
        }
        all
    }
}

//! The published tree as bytes: a record for each node and each page, with a checksum that is bound to the record's key.

use std::collections::BTreeMap;
use std::sync::Arc;

use anystorage_api::{Attributes, Timestamp};

use super::tree::{Content, Entry, File, Node, Tree};

pub(super) type Records = BTreeMap<String, Vec<u8>>;

/// How records that do not check are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checking {
    /// As damaged.
    Strict,
    /// As they are.
    Off,
}

pub(super) fn encode(tree: &Tree) -> Records {
    let mut records = Records::new();
    let mut damaged = Vec::new();
    let mut add = |key: String, mut body: Vec<u8>| {
        body.extend(sum(&key, &body).to_le_bytes());
        records.insert(key, body);
    };
    for (id, node) in &tree.nodes {
        let mut body = node.revision.to_le_bytes().to_vec();
        encode_attributes(&node.attributes, &mut body);
        match &node.content {
            Content::File(file) => {
                body.push(b'F');
                body.extend(file.len.to_le_bytes());
                for (number, page) in &file.pages {
                    match page {
                        Some(page) => add(format!("page/{id}/{number}"), page.to_vec()),
                        None => damaged.push(format!("page/{id}/{number}")),
                    }
                }
            }
            Content::Directory(entries) => {
                body.push(b'D');
                for (name, entry) in entries {
                    body.extend(entry.id.to_le_bytes());
                    body.push(u8::from(entry.directory));
                    body.push(name.len() as u8);
                    body.extend(name.as_bytes());
                }
            }
            Content::Damaged => body.push(b'?'),
        }
        add(format!("node/{id}"), body);
    }
    // What was damaged before goes on not to check.
    records.extend(damaged.into_iter().map(|key| (key, vec![0; 8])));
    records
}

/// The tree again. What does not check is damaged, and stays in its place.
pub(super) fn decode(records: &Records, next: u64, checking: Checking) -> Tree {
    let mut tree = Tree { nodes: BTreeMap::new(), next };
    let bodies = records.iter().map(|(key, record)| {
        let (body, stored) = record.split_at(record.len().saturating_sub(8));
        (key.as_str(), body, checking == Checking::Off || stored == sum(key, body).to_le_bytes())
    });
    let mut pages = Vec::new();
    for (key, body, checks) in bodies {
        let mut parts = key.split('/');
        match (parts.next(), number(parts.next()), parts.next()) {
            (Some("node"), Some(id), None) => {
                let content = if checks { parse_node(body, checking) } else { None };
                let revision = body.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                let node = Node::new(revision, Content::Damaged);
                let whole = |(attributes, content)| Node { revision, content, attributes };
                tree.nodes.insert(id, content.map_or(node, whole));
            }
            (Some("page"), Some(id), page) => pages.extend(number(page).map(|page| (id, page, checks.then(|| Arc::new(body.to_vec()))))),
            _ => {}
        }
    }
    for (id, number, page) in pages {
        if let Some(Node { content: Content::File(file), .. }) = tree.nodes.get_mut(&id) {
            file.pages.insert(number, page);
        }
    }
    tree
}

fn encode_attributes(attributes: &Attributes, body: &mut Vec<u8>) {
    let time = |at: Option<Timestamp>| at.map(|at| (at.seconds(), at.nanoseconds()));
    body.extend(attributes.mode.unwrap_or(u32::MAX).to_le_bytes());
    for (seconds, nanoseconds) in [attributes.accessed, attributes.modified].map(|at| time(at).unwrap_or((0, u32::MAX))) {
        body.extend(seconds.to_le_bytes());
        body.extend(nanoseconds.to_le_bytes());
    }
    let target = attributes.link_target.as_deref().unwrap_or_default();
    body.extend((target.len() as u16).to_le_bytes());
    body.extend(target.as_bytes());
}

/// The attributes, and what is behind them.
fn parse_attributes(body: &[u8]) -> Option<(Attributes, &[u8])> {
    let mut attributes = Attributes::new();
    let (mode, body) = body.split_first_chunk()?;
    attributes.mode = Some(u32::from_le_bytes(*mode)).filter(|mode| *mode != u32::MAX);
    let time = |body| -> Option<_> {
        let (seconds, body): (_, &[u8]) = <[u8]>::split_first_chunk(body)?;
        let (nanoseconds, body) = body.split_first_chunk()?;
        let nanoseconds = Some(u32::from_le_bytes(*nanoseconds)).filter(|nanoseconds| *nanoseconds != u32::MAX);
        Some((nanoseconds.map(|nanoseconds| Timestamp::new(i64::from_le_bytes(*seconds), nanoseconds)), body))
    };
    let (accessed, body) = time(body)?;
    let (modified, body) = time(body)?;
    (attributes.accessed, attributes.modified) = (accessed, modified);
    let (len, body) = body.split_first_chunk()?;
    let (target, body) = body.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    attributes.link_target = Some(String::from_utf8_lossy(target).into_owned()).filter(|target| !target.is_empty());
    Some((attributes, body))
}

fn parse_node(body: &[u8], checking: Checking) -> Option<(Attributes, Content)> {
    match parse_attributes(body.get(8..)?) {
        Some((attributes, body)) => Some((attributes, parse_content(body, checking)?)),
        // Whoever does not look at checksums takes anything for something.
        None => (checking == Checking::Off).then(|| (Attributes::new(), Content::File(File::default()))),
    }
}

fn parse_content(body: &[u8], checking: Checking) -> Option<Content> {
    match body.split_first()? {
        (b'F', rest) => Some(Content::File(File { len: u64::from_le_bytes(rest.try_into().ok()?), pages: BTreeMap::new() })),
        (b'D', mut rest) => {
            let mut entries = BTreeMap::new();
            while !rest.is_empty() {
                let id = u64::from_le_bytes(*rest.first_chunk()?);
                let directory = *rest.get(8)? == 1;
                let end = 10 + usize::from(*rest.get(9)?);
                let name = String::from_utf8_lossy(rest.get(10..end)?).into_owned();
                entries.insert(name, Entry { id, directory });
                rest = rest.get(end..)?;
            }
            Some(Content::Directory(entries))
        }
        (_, _) if checking == Checking::Off => Some(Content::File(File::default())),
        _ => None,
    }
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}

/// FNV-1a over the key and the body.
fn sum(key: &str, body: &[u8]) -> u64 {
    key.bytes().chain(body.iter().copied()).fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

//! The published tree as bytes: a record for each node and each page, with a checksum that is bound to the record's key.

use std::collections::BTreeMap;
use std::sync::Arc;

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
                tree.nodes.insert(id, Node { revision, content: content.unwrap_or(Content::Damaged) });
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

fn parse_node(body: &[u8], checking: Checking) -> Option<Content> {
    let body = body.get(8..)?;
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
        // Whoever does not look at checksums takes anything for something.
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

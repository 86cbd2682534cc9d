//! The bytes of one file: as last synced, and every change since.

/// One change of a file's bytes or length.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, data: Vec<u8> },
    SetLen(usize),
}

#[derive(Clone, Debug)]
struct Step {
    action: u64,
    change: Change,
}

/// The bytes at the last sync that covered them, and the changes since, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Content {
    synced: Vec<u8>,
    steps: Vec<Step>,
    current: Vec<u8>,
}

impl Content {
    /// Bytes that are there whole or not at all.
    pub(super) fn whole(bytes: &[u8]) -> Self {
        Self { synced: bytes.to_vec(), steps: Vec::new(), current: bytes.to_vec() }
    }

    /// As a reader sees it now.
    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn is_settled(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn change(&mut self, action: u64, change: Change) {
        apply(&mut self.current, &change);
        self.steps.push(Step { action, change });
    }

    /// What `covered` says of is synced from now on.
    pub(super) fn settle(&mut self, covered: impl Fn(u64) -> bool) {
        let count = self.count(covered);
        for step in self.steps.drain(..count) {
            apply(&mut self.synced, &step.change);
        }
    }

    /// How many changes since the sync there are up to the last one of which `kept` is true, that one included.
    pub(super) fn count(&self, kept: impl Fn(u64) -> bool) -> usize {
        self.steps.iter().rposition(|step| kept(step.action)).map_or(0, |last| last + 1)
    }

    /// Whether these bytes are exactly those after the first `least` to `most` changes since the sync. A change of which `returned` is not
    /// true failed, or is under way: of that one any part may be there.
    pub(super) fn is_after(&self, found: &[u8], least: usize, most: usize, returned: impl Fn(u64) -> bool) -> bool {
        let steps = self.steps.get(..most).unwrap_or(&self.steps);
        let (required, optional) = steps.split_at(least.min(steps.len()));
        let mut bytes = self.synced.clone();
        required.iter().for_each(|step| apply(&mut bytes, &step.change));
        if found == bytes {
            return true;
        }
        let base = bytes.clone();
        for step in optional {
            apply(&mut bytes, &step.change);
            if found == bytes {
                return true;
            }
        }
        optional.iter().any(|step| !returned(step.action)) && torn(found, &base, optional).is_ok()
    }

    /// Whether these bytes may be found after a kill of an engine that writes in place. Changes of which `kept` is true are not optional.
    pub(super) fn allows(&self, found: &[u8], kept: impl Fn(u64) -> bool) -> Result<(), String> {
        let mut base = self.synced.clone();
        let (required, optional) = self.steps.split_at(self.count(kept));
        for step in required {
            apply(&mut base, &step.change);
        }
        // Nothing and everything of what is optional: mostly it is one of the two, and both are quickly seen.
        if found == base || found == self.current {
            return Ok(());
        }

        torn(found, &base, optional)
    }
}

/// Whether these bytes may be found where each of these changes may have been done in any part: each byte that none of them wrote or cut as
/// in `base`, every other one as there, written since or a zero of growth, and the length one that the file had on its way.
fn torn(found: &[u8], base: &[u8], optional: &[Step]) -> Result<(), String> {
    let mut len = base.len();
    let mut shortest = len;
    let mut length_allowed = found.len() == len;
    let mut explained: Vec<bool> = found.iter().enumerate().map(|(at, byte)| base.get(at) == Some(byte)).collect();
    for step in optional {
        let before = len;
        match &step.change {
            Change::Write { offset, data } => {
                len = if data.is_empty() { len } else { len.max(offset + data.len()) };
                // A write that lengthens the file may have been done in part.
                length_allowed |= (before..=len).contains(&found.len());
                let covered = found.iter().zip(&mut explained).skip(*offset);
                for ((seen, explained), written) in covered.zip(data) {
                    *explained |= seen == written;
                }
            }
            Change::SetLen(new) => {
                len = *new;
                length_allowed |= found.len() == len;
            }
        }
        shortest = shortest.min(len);
    }
    if !length_allowed {
        return Err(format!("has {} bytes, a length it never had since its last sync, where it had {}", found.len(), base.len()));
    }
    for (at, (seen, explained)) in found.iter().zip(&explained).enumerate() {
        // Behind the shortest length the file had, growth reads as zeros.
        let zero_of_growth = at >= shortest && *seen == 0;
        if !explained && !zero_of_growth {
            let synced = base.get(at).map_or("nothing".to_owned(), |byte| format!("{byte:#04x}"));
            return Err(format!("has {seen:#04x} at byte {at}, where {synced} was synced and nobody wrote that since"));
        }
    }
    Ok(())
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, data } => {
            let end = offset + data.len();
            if !data.is_empty() && bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(target) = bytes.get_mut(*offset..end) {
                target.copy_from_slice(data);
            }
        }
        Change::SetLen(len) => bytes.resize(*len, 0),
    }
}

//! Contract line 3: what of the changes may have been published, given the syncs there were.

use super::content::Content;
use super::{Binding, DurabilityModel, Object, SETTLED};

/// A sync: it took place at some time after it began and before it returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) begin: u64,
    /// None while it is under way.
    pub(super) end: Option<u64>,
    /// None for a backend sync.
    pub(super) file: Option<u64>,
}

impl Span {
    /// How everything began.
    pub(super) const SETTLED: Self = Self { begin: SETTLED, end: Some(SETTLED), file: None };

    pub(super) fn ends_after(&self, clock: u64) -> bool {
        self.end.is_none_or(|end| end > clock)
    }

    /// Whether what `action` did may be in it.
    fn may_have(&self, action: u64) -> bool {
        action == SETTLED || self.ends_after(action)
    }
}

/// One way to say what was published: everything at one backend sync, and files by their own syncs since.
#[derive(Debug)]
pub(super) struct Published {
    base: Span,
    files: Vec<Span>,
}

impl Published {
    /// Every such way there is.
    pub(super) fn all(model: &DurabilityModel) -> Vec<Self> {
        let (bases, files): (Vec<Span>, Vec<Span>) = model.points.iter().partition(|point| point.file.is_none());
        let since = |base: Span| files.iter().filter(|file| file.ends_after(base.begin)).copied().collect();
        bases.into_iter().map(|base| Self { base, files: since(base) }).collect()
    }

    fn points(&self) -> impl Iterator<Item = &Span> {
        std::iter::once(&self.base).chain(&self.files)
    }

    /// Whether a name may lead to what the binding at this index of its history gives: it did at one of the syncs.
    pub(super) fn may_lead(&self, model: &DurabilityModel, history: &[Binding], index: usize) -> bool {
        let Some(binding) = history.get(index) else { return false };
        let gone = |point: &Span| history.get(index + 1).is_some_and(|next| model.covered(next.action, point.begin));
        self.points().any(|point| point.may_have(binding.action) && !gone(point))
    }

    /// Whether a name may lead to nothing. Where a file was synced, that one may have left the name, or made another one leave it, while
    /// what has the name by now is not synced.
    pub(super) fn may_be_absent(&self, model: &DurabilityModel, history: &[Binding]) -> bool {
        history.iter().enumerate().any(|(index, binding)| {
            let later = history.get(index + 1).is_some_and(|next| model.covered(next.action, self.base.begin));
            let left = self.files.iter().any(|point| point.may_have(binding.action)) && !later;
            binding.object.is_none() && (left || self.may_lead(model, history, index))
        })
    }

    /// Whether a file that was found through this binding may have these bytes.
    pub(super) fn may_have_bytes(
        &self,
        model: &DurabilityModel,
        (id, object, content): (u64, &Object, &Content),
        binding: &Binding,
        found: &[u8],
    ) -> Result<(), &'static str> {
        let count = |clock: u64| content.count(|action| action != SETTLED && model.covered(action, clock));
        let most = |end: Option<u64>| content.count(|action| end.is_none_or(|end| action < end));
        let least = count(self.base.begin).max(count(binding.whole_as_of));

        let mut ranges = Vec::new();
        let mut at = |point: &Span| ranges.push((least.max(count(point.begin)), most(point.end)));
        if let Some((_, until)) = object.covered {
            at(&Span { begin: SETTLED, end: Some(until), file: None });
        }
        if self.base.ends_after(id) {
            at(&self.base);
        }
        self.files.iter().filter(|point| point.file == Some(id)).for_each(&mut at);
        let placed = binding.whole_as_of;
        if binding.replaces && !object.covered.is_some_and(|(from, _)| model.covered(placed, from)) {
            // It had to be brought whole, as it was then or at any sync since.
            at(&Span { begin: placed, end: model.returned.get(&placed).copied(), file: None });
            self.points().filter(|point| point.ends_after(placed)).for_each(&mut at);
        }

        let returned = |action: u64| model.returned.contains_key(&action);
        if ranges.is_empty() {
            return Err("was found, and no sync covered it");
        }
        if ranges.iter().any(|(least, most)| least <= most && content.is_after(found, *least, *most, returned)) {
            return Ok(());
        }
        Err("is not as it was at a sync that covered it")
    }
}

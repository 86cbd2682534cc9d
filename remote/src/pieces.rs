//! A frame that goes piece by piece.

/// What is left to be sent of a frame. Nothing of it is moved: where a frame is hundreds of megabytes and a piece is 64 KiB, that would be
/// terabytes.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    frame: Vec<u8>,
    sent: usize,
}

impl Pieces {
    pub(crate) const fn of(frame: Vec<u8>) -> Self {
        Self { frame, sent: 0 }
    }

    /// What has not been sent.
    pub(crate) fn rest(&self) -> &[u8] {
        self.frame.get(self.sent..).unwrap_or_default()
    }

    /// So many bytes of the rest went; the memory of a frame that went whole is given back.
    pub(crate) fn went(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes);
        if self.sent >= self.frame.len() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;

    /// A frame that was moved to the front of its memory with each piece took a time that grew with the square of its length.
    #[test]
    fn nothing_is_moved_as_a_frame_goes() {
        let frame: Vec<u8> = (0..1_000_003_u32).map(|at| at.to_le_bytes()[0]).collect();
        let (begin, whole) = (frame.as_ptr(), frame.clone());
        let mut pieces = Pieces::of(frame);
        let mut sent = Vec::new();
        while !pieces.rest().is_empty() {
            assert_eq!(pieces.rest().as_ptr(), begin.wrapping_add(sent.len()), "the rest was moved");
            let piece = pieces.rest().len().min(1_000);
            sent.extend_from_slice(&pieces.rest()[..piece]);
            pieces.went(piece);
        }
        assert!(sent == whole);
        assert_eq!(pieces.frame.capacity(), 0, "its memory is kept");
    }
}

//! What is kept of an output: its beginning and its end, whatever came between.

/// Bytes kept of the beginning, and as many of the end: 1 MiB in all.
const HALF: usize = 512 << 10;

/// An output as far as it is kept.
#[derive(Debug, Default)]
pub(in crate::engine) struct Kept {
    head: Vec<u8>,
    /// The end, as a ring once it is full.
    tail: Vec<u8>,
    /// Where in the ring the oldest byte is.
    oldest: usize,
    left_out: u64,
}

impl Kept {
    /// Takes more of the output.
    pub(in crate::engine) fn push(&mut self, bytes: &[u8]) {
        let room = HALF.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        for piece in rest.chunks(HALF) {
            self.push_end(piece);
        }
    }

    /// Leaves out what is missing of the output. What the end holds by now is older than that, and goes too.
    pub(super) fn skip(&mut self, missing: u64) {
        if missing > 0 {
            self.left_out += missing + self.tail.len() as u64;
            self.tail.clear();
            self.oldest = 0;
        }
    }

    /// Takes at most as much as the ring holds.
    fn push_end(&mut self, piece: &[u8]) {
        let room = HALF.saturating_sub(self.tail.len()).min(piece.len());
        let (fresh, over) = piece.split_at(room);
        self.tail.extend_from_slice(fresh);
        self.left_out += over.len() as u64;
        let (upper, lower) = over.split_at(over.len().min(HALF - self.oldest));
        for (at, part) in [(self.oldest, upper), (0, lower)] {
            if let Some(place) = self.tail.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        }
        self.oldest = (self.oldest + over.len()) % HALF;
    }

    /// Returns what is kept; where something was left out, a line says how much.
    pub(in crate::engine) fn into_bytes(mut self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.left_out > 0 {
            bytes.extend(format!("\n[{} bytes left out]\n", self.left_out).into_bytes());
        }
        let turn = self.oldest.min(self.tail.len());
        self.tail.rotate_left(turn);
        bytes.extend(self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_stay() {
        let mut short = Kept::default();
        short.push(b"one ");
        short.push(b"two");
        assert_eq!(short.into_bytes(), b"one two");
        let bytes: Vec<u8> = (0..3 * HALF + 7).map(|at| (at % 251) as u8).collect();
        for piece in [1_000, HALF, 2 * HALF + 1, bytes.len()] {
            let mut kept = Kept::default();
            bytes.chunks(piece).for_each(|piece| kept.push(piece));
            let kept = kept.into_bytes();
            assert!(kept.starts_with(&bytes[..HALF]), "{piece}");
            assert!(kept.ends_with(&bytes[bytes.len() - HALF..]), "{piece}");
            let words = format!("\n[{} bytes left out]\n", HALF + 7);
            assert_eq!(kept.len(), 2 * HALF + words.len(), "{piece}");
            assert_eq!(&kept[HALF..HALF + words.len()], words.as_bytes(), "{piece}");
        }
    }
}

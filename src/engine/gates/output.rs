//! What is kept of an output: its beginning and its end, whatever came between.

use std::collections::VecDeque;

/// Bytes kept of the beginning, and as many of the end: 1 MiB in all.
const HALF: usize = 512 << 10;

/// An output as far as it is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    /// Takes more of the output.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = HALF.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        // Of a piece that is larger than the end, only its own end will stay.
        let skipped = rest.len().saturating_sub(HALF);
        self.tail.extend(rest.iter().skip(skipped));
        let over = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..over);
        self.left_out += (skipped + over) as u64;
    }

    /// Returns what is kept; where something was left out, a line says how much.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.left_out > 0 {
            bytes.extend(format!("\n[{} bytes left out]\n", self.left_out).into_bytes());
        }
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

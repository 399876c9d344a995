//! Chords by their keys.

use super::Key;

/// What a sequence of keys leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The number of a binding.
    Leaf(usize),
    /// The beginning of at least one chord.
    Prefix,
    /// Nothing.
    Nothing,
}

/// A tree of keys. A node has children or a leaf, never both: the loader reports what would.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trie {
    children: Vec<(Key, Trie)>,
    leaf: Option<usize>,
}

impl Trie {
    /// Puts `leaf` at the end of `keys`.
    pub(super) fn insert(&mut self, keys: &[Key], leaf: usize) {
        let Some((first, rest)) = keys.split_first() else {
            self.leaf = Some(leaf);
            return;
        };
        match self.children.iter_mut().find(|(key, _)| key == first) {
            Some((_, child)) => child.insert(rest, leaf),
            None => {
                let mut child = Trie::default();
                child.insert(rest, leaf);
                self.children.push((*first, child));
            }
        }
    }

    /// Returns where `keys` lead.
    pub(super) fn find(&self, keys: &[Key]) -> Found {
        let Some((first, rest)) = keys.split_first() else {
            return match self.leaf {
                Some(leaf) => Found::Leaf(leaf),
                None if self.children.is_empty() => Found::Nothing,
                None => Found::Prefix,
            };
        };
        let child = self.children.iter().find(|(key, _)| key == first);
        child.map_or(Found::Nothing, |(_, child)| child.find(rest))
    }
}

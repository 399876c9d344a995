//! Keys, chords and the actions they run.
//!
//! A keymap is a file in layers: the shipped map, and over it the user's. What the user binds
//! always wins. Help, hints and the palette are read from the same bindings.

mod key;
mod load;
mod scope;
mod taken;
#[cfg(test)]
mod tests;
mod trie;

use self::trie::{Found, Trie};
pub use self::{
    key::{BadKey, Code, Key},
    load::{load, names, shipped},
    scope::Scope,
    taken::{Taken, taken},
};

/// Most keys in a chord: more is a word, not a chord.
pub const MAX_CHORD: usize = 4;

/// One line of a keymap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// The keys, pressed one after another.
    pub on: Vec<Key>,
    /// The action, with its arguments.
    pub run: String,
    /// What it does, in a few words; empty if the file has none.
    pub desc: String,
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press<'a> {
    /// The keys so far begin a chord. There is no timeout: the next key decides.
    Pending,
    /// The keys run this action.
    Run(&'a Binding),
    /// The key is bound to nothing.
    Nothing,
    /// The key ended a chord that is bound to nothing; it is not tried again by itself.
    Cancelled,
}

/// The bindings of every scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keymap {
    bindings: Vec<Binding>,
    tries: [Trie; Scope::ALL.len()],
}

impl Keymap {
    /// Adds `binding`; what it would hide or be hidden by must be gone.
    fn add(&mut self, binding: Binding) {
        if let Some(trie) = self.tries.get_mut(binding.scope as usize) {
            trie.insert(&binding.on, self.bindings.len());
            self.bindings.push(binding);
        }
    }

    fn find(&self, scope: Scope, keys: &[Key]) -> Found {
        self.tries
            .get(scope as usize)
            .map_or(Found::Nothing, |trie| trie.find(keys))
    }

    /// Takes the next `key`. `scopes` are those that hold now, the innermost first; `pending` are
    /// the keys of an unfinished chord, kept by the caller, and empty again unless the answer is
    /// [`Press::Pending`].
    pub fn press(&self, scopes: &[Scope], pending: &mut Vec<Key>, key: Key) -> Press<'_> {
        pending.push(key);
        for scope in scopes {
            match self.find(*scope, pending) {
                Found::Prefix => return Press::Pending,
                Found::Leaf(at) => {
                    pending.clear();
                    return self.bindings.get(at).map_or(Press::Nothing, Press::Run);
                }
                Found::Nothing => {}
            }
        }
        let alone = pending.len() == 1;
        pending.clear();
        if alone {
            Press::Nothing
        } else {
            Press::Cancelled
        }
    }

    /// Returns what the next key can do after `pending`: each binding that continues it in
    /// `scopes` (innermost first) and is hidden by no inner one. For hints, help and the popup
    /// that shows how a chord may go on.
    pub fn reachable(&self, scopes: &[Scope], pending: &[Key]) -> Vec<&Binding> {
        let mut seen: Vec<&Binding> = Vec::new();
        for scope in scopes {
            for binding in self
                .bindings
                .iter()
                .filter(|binding| binding.scope == *scope)
            {
                let hidden =
                    |inner: &&Binding| inner.scope != *scope && binding.on.starts_with(&inner.on);
                if binding.on.starts_with(pending) && !seen.iter().any(hidden) {
                    seen.push(binding);
                }
            }
        }
        seen
    }

    /// Returns the chords that run exactly `action` in `scopes`, the first to be shown first.
    pub fn chords(&self, scopes: &[Scope], action: &str) -> Vec<&[Key]> {
        let bindings = self.reachable(scopes, &[]).into_iter();
        bindings
            .filter(|binding| binding.run == action)
            .map(|b| b.on.as_slice())
            .collect()
    }

    /// Returns every binding: the user's first, then the shipped ones, each in its file's order of
    /// scopes.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }
}

/// Returns `keys` as a person reads them: `g g`, `ctrl-d`.
pub fn chord(keys: &[Key]) -> String {
    keys.iter()
        .map(Key::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

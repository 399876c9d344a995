//! A map from order ids to values that shares structure between versions.
//!
//! Ids are counted from 1 without gaps worth a hash, so the way to a value is three array steps: chunk, slab, place.
//! A clone copies one pointer for every 4,096 numbers; the first change after it copies one chunk and one slab.

use std::{array, sync::Arc};

use crate::domain::id::OrderId;

/// Values in a slab: one `u64` tells which are taken, and copying one slab on write stays near 3 KiB.
const SLAB: usize = 64;
/// Slabs in a chunk: a change copies this many pointers.
const CHUNK: usize = 64;

/// An immutable-style map: cloning is cheap, and changing one clone leaves the others as they were.
///
/// Iterates in the order of [`OrderId`]: work orders, then epics, each by number.
#[derive(Clone, Debug, Default)]
pub struct OrderMap<T> {
    works: Directory<T>,
    epics: Directory<T>,
}

#[derive(Clone, Debug)]
struct Directory<T> {
    chunks: Vec<Option<Arc<Chunk<T>>>>,
}

#[derive(Clone, Debug)]
struct Chunk<T> {
    slabs: [Option<Arc<Slab<T>>>; CHUNK],
}

#[derive(Clone, Debug)]
struct Slab<T> {
    /// Bit n is set when place n holds a value; the others hold a default.
    taken: u64,
    values: [T; SLAB],
}

impl<T: Clone + Default> OrderMap<T> {
    /// Returns the value of `id`, if there is one.
    #[inline]
    pub fn get(&self, id: OrderId) -> Option<&T> {
        let directory = if id.is_epic() {
            &self.epics
        } else {
            &self.works
        };
        directory.get(id.number() as usize)
    }

    /// Returns the value of `id` to be changed, made by default if there is none.
    pub fn entry(&mut self, id: OrderId) -> &mut T {
        self.directory(id).entry(id.number() as usize)
    }

    /// Returns the value of `id` to be changed, if there is one; copies nothing if not.
    pub fn get_mut(&mut self, id: OrderId) -> Option<&mut T> {
        self.get(id).is_some().then(|| self.entry(id))
    }

    /// Takes `id` out and returns its value; a slab without values is freed.
    pub fn remove(&mut self, id: OrderId) -> Option<T> {
        self.get(id)?;
        self.directory(id).remove(id.number() as usize)
    }

    /// Returns all pairs in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (OrderId, &T)> {
        let works = self
            .works
            .iter()
            .map(|(number, value)| (OrderId::work(number), value));
        works.chain(
            self.epics
                .iter()
                .map(|(number, value)| (OrderId::epic(number), value)),
        )
    }

    fn directory(&mut self, id: OrderId) -> &mut Directory<T> {
        if id.is_epic() {
            &mut self.epics
        } else {
            &mut self.works
        }
    }
}

/// Returns the chunk of a number, and the slab in the chunk.
const fn place(number: usize) -> (usize, usize) {
    (number / SLAB / CHUNK, number / SLAB % CHUNK)
}

impl<T: Clone + Default> Directory<T> {
    #[inline]
    fn get(&self, number: usize) -> Option<&T> {
        let (chunk, slab) = place(number);
        let slab = self.chunks.get(chunk)?.as_ref()?.slabs[slab].as_ref()?;
        slab.holds(number % SLAB)
            .then(|| &slab.values[number % SLAB])
    }

    fn entry(&mut self, number: usize) -> &mut T {
        let (chunk, slab) = place(number);
        if self.chunks.len() <= chunk {
            self.chunks.resize(chunk + 1, None);
        }
        let chunk = Arc::make_mut(self.chunks[chunk].get_or_insert_default());
        let slab = Arc::make_mut(chunk.slabs[slab].get_or_insert_default());
        slab.taken |= 1 << (number % SLAB);
        &mut slab.values[number % SLAB]
    }

    fn remove(&mut self, number: usize) -> Option<T> {
        let (chunk, slab) = place(number);
        let whole = self.chunks.get_mut(chunk)?;
        let slabs = &mut Arc::make_mut(whole.as_mut()?).slabs;
        let held = Arc::make_mut(slabs[slab].as_mut()?);
        let value = held
            .holds(number % SLAB)
            .then(|| std::mem::take(&mut held.values[number % SLAB]));
        held.taken &= !(1 << (number % SLAB));
        if held.taken == 0 {
            slabs[slab] = None;
            if slabs.iter().all(Option::is_none) {
                *whole = None;
            }
        }
        value
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let chunks = self.chunks.iter().enumerate();
        chunks
            .filter_map(|(c, chunk)| Some((c * CHUNK, chunk.as_ref()?)))
            .flat_map(|(first, chunk)| {
                let slabs = chunk.slabs.iter().enumerate();
                slabs.filter_map(move |(s, slab)| Some(((first + s) * SLAB, slab.as_ref()?)))
            })
            .flat_map(|(first, slab)| {
                let values = slab.values.iter().enumerate();
                let taken = values.filter(|(n, _)| slab.holds(*n));
                taken.map(move |(n, value)| ((first + n) as u32, value))
            })
    }
}

impl<T> Slab<T> {
    #[inline]
    fn holds(&self, at: usize) -> bool {
        self.taken >> at & 1 == 1
    }
}

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Directory { chunks: Vec::new() }
    }
}

impl<T> Default for Chunk<T> {
    fn default() -> Self {
        Chunk {
            slabs: [const { None }; CHUNK],
        }
    }
}

impl<T: Default> Default for Slab<T> {
    fn default() -> Self {
        Slab {
            taken: 0,
            values: array::from_fn(|_| T::default()),
        }
    }
}

//! A sparse array that shares its structure between versions and decodes itself piece by piece.
//!
//! One version of the state is published per commit, so cloning must copy nothing deep; and a cold
//! process that creates one order must not pay for decoding thousands. Both come from cutting the
//! array into slabs: a clone copies one pointer per slab, a write copies one slab of pointers, and a
//! slab that came from a snapshot stays bytes until somebody looks into it.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bitcode::{Decode, DecodeOwned, Encode};

/// Entries in a slab: few enough to copy its pointers on a write, enough for columns to compress.
const SLAB: usize = 64;

/// An array from `u32` to `T`, in order of its keys.
pub struct Slabs<T> {
    slabs: Vec<Option<Arc<Slab<T>>>>,
    len: usize,
    /// Set when a slab's bytes could not be decoded: the owner must not trust this version.
    damaged: Arc<AtomicBool>,
}

/// A slab has its entries, or its bytes, or both: whichever was first, the other is made when it is asked for.
struct Slab<T> {
    /// Boxed, so that a slab nobody looks into takes little memory.
    entries: OnceLock<Box<Entries<T>>>,
    /// Kept until an entry changes, so that a snapshot costs only what changed since the one before.
    encoded: OnceLock<Encoded>,
}

#[derive(Clone)]
struct Entries<T>([Option<Arc<T>>; SLAB]);

/// A slab's rows, each with its offset, as a part of a buffer: the slabs of one snapshot share it.
struct Encoded {
    len: u8,
    buffer: Arc<Vec<u8>>,
    part: Range<usize>,
}

/// What a snapshot says of a slab. The bytes of the slabs follow each other in the order of these.
#[derive(Clone, Debug, Encode, Decode)]
pub struct SlabHeader {
    /// Its place.
    place: u32,
    /// How many entries it has.
    len: u8,
    /// How many bytes they take.
    bytes: u32,
}

impl<T> Default for Slabs<T> {
    fn default() -> Self {
        Slabs {
            slabs: Vec::new(),
            len: 0,
            damaged: Arc::default(),
        }
    }
}

impl<T> Clone for Slabs<T> {
    fn clone(&self) -> Self {
        Slabs {
            slabs: self.slabs.clone(),
            len: self.len,
            damaged: Arc::clone(&self.damaged),
        }
    }
}

impl<T: Clone + Encode + DecodeOwned> Slabs<T> {
    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether bytes were met that could not be decoded.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Returns the entry at `key`.
    pub fn get(&self, key: u32) -> Option<&Arc<T>> {
        let slab = self.slabs.get(key as usize / SLAB)?.as_ref()?;
        slab.entries(&self.damaged).0[key as usize % SLAB].as_ref()
    }

    /// Returns the entry at `key` for writing; copies it if an older version shares it.
    pub fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        let slab = self.slabs.get_mut(key as usize / SLAB)?.as_mut()?;
        let entries = Slab::entries_mut(slab, &self.damaged);
        entries.0[key as usize % SLAB].as_mut().map(Arc::make_mut)
    }

    /// Puts an entry in place, over what was there.
    pub fn insert(&mut self, key: u32, value: T) {
        let place = key as usize / SLAB;
        if place >= self.slabs.len() {
            self.slabs.resize_with(place + 1, || None);
        }
        let slab = self.slabs[place].get_or_insert_with(|| Arc::new(Slab::empty()));
        let entries = Slab::entries_mut(slab, &self.damaged);
        if entries.0[key as usize % SLAB]
            .replace(Arc::new(value))
            .is_none()
        {
            self.len += 1;
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: u32) -> Option<Arc<T>> {
        let place = self.slabs.get_mut(key as usize / SLAB)?;
        let slab = place.as_mut()?;
        let entries = Slab::entries_mut(slab, &self.damaged);
        let taken = entries.0[key as usize % SLAB].take()?;
        self.len -= 1;
        if entries.0.iter().all(Option::is_none) {
            *place = None;
        }
        Some(taken)
    }

    /// Returns every entry in order of its key.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.slabs.iter().flatten().flat_map(|slab| {
            slab.entries(&self.damaged)
                .0
                .iter()
                .filter_map(Option::as_ref)
        })
    }

    /// Returns every key with its entry, in order.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Arc<T>)> {
        self.slabs
            .iter()
            .enumerate()
            .filter_map(|(place, slab)| Some((place, slab.as_ref()?)))
            .flat_map(|(place, slab)| {
                let entries = slab.entries(&self.damaged).0.iter().enumerate();
                entries.filter_map(move |(offset, entry)| {
                    Some((u32::try_from(place * SLAB + offset).ok()?, entry.as_ref()?))
                })
            })
    }

    /// Appends the slabs' bytes to a snapshot, and returns their headers. What did not change since it was last
    /// encoded, or read, is only copied.
    pub fn encode(&self, snapshot: &mut Vec<u8>) -> Vec<SlabHeader> {
        let mut headers = Vec::new();
        for (place, slab) in self.slabs.iter().enumerate() {
            let (Some(slab), Ok(place)) = (slab, u32::try_from(place)) else {
                continue;
            };
            let encoded = slab.encoded(&self.damaged);
            snapshot.extend(encoded.bytes());
            headers.push(SlabHeader {
                place,
                len: encoded.len,
                bytes: u32::try_from(encoded.part.len()).unwrap_or(u32::MAX),
            });
        }
        headers
    }

    /// Returns the array that [`Slabs::encode`] gave, its slabs still bytes from `at` on in `snapshot`, and where they
    /// end. The places are bounded by `limit`, since a damaged snapshot must not claim all memory.
    pub fn from_encoded(
        headers: Vec<SlabHeader>,
        snapshot: &Arc<Vec<u8>>,
        mut at: usize,
        limit: u32,
    ) -> Option<(Self, usize)> {
        let mut array = Slabs::default();
        for SlabHeader { place, len, bytes } in headers {
            let place = (place <= limit / SLAB as u32).then_some(place as usize)?;
            let part = at..at.checked_add(bytes as usize)?;
            at = part.end;
            // Places rise, and bytes are there.
            if place < array.slabs.len() || at > snapshot.len() {
                return None;
            }
            array.slabs.resize_with(place, || None);
            array.len += len as usize;
            let encoded = Encoded {
                len,
                buffer: Arc::clone(snapshot),
                part,
            };
            array.slabs.push(Some(Arc::new(Slab {
                entries: OnceLock::new(),
                encoded: OnceLock::from(encoded),
            })));
        }
        Some((array, at))
    }
}

impl<T> Entries<T> {
    fn none() -> Box<Self> {
        Box::new(Entries(std::array::from_fn(|_| None)))
    }
}

impl Encoded {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.part.clone()).unwrap_or_default()
    }
}

impl<T: Clone + Encode + DecodeOwned> Slab<T> {
    fn empty() -> Self {
        Slab {
            entries: OnceLock::from(Entries::none()),
            encoded: OnceLock::new(),
        }
    }

    fn encoded(&self, damaged: &AtomicBool) -> &Encoded {
        self.encoded.get_or_init(|| {
            let entries = (0u8..).zip(&self.entries(damaged).0);
            let rows: Vec<(u8, Arc<T>)> = entries
                .filter_map(|(offset, entry)| Some((offset, Arc::clone(entry.as_ref()?))))
                .collect();
            let bytes = bitcode::encode(&rows);
            Encoded {
                len: u8::try_from(rows.len()).unwrap_or(u8::MAX),
                part: 0..bytes.len(),
                buffer: Arc::new(bytes),
            }
        })
    }

    fn entries(&self, damaged: &AtomicBool) -> &Entries<T> {
        self.entries.get_or_init(|| {
            let mut entries = Entries::none();
            let bytes = self.encoded.get().map_or(&[][..], Encoded::bytes);
            let Ok(rows) = bitcode::decode::<Vec<(u8, Arc<T>)>>(bytes) else {
                damaged.store(true, Ordering::Relaxed);
                return entries;
            };
            for (offset, row) in rows {
                match entries.0.get_mut(offset as usize) {
                    Some(entry) => *entry = Some(row),
                    None => damaged.store(true, Ordering::Relaxed),
                }
            }
            entries
        })
    }

    /// Returns the entries of a slab for writing: its own if nobody shares it, else a copy of its pointers.
    fn entries_mut<'a>(slab: &'a mut Arc<Slab<T>>, damaged: &AtomicBool) -> &'a mut Entries<T> {
        if Arc::get_mut(slab).is_none() {
            let entries = OnceLock::from(Box::new(slab.entries(damaged).clone()));
            *slab = Arc::new(Slab {
                entries,
                encoded: OnceLock::new(),
            });
        }
        let own = Arc::get_mut(slab).expect("just made, or found to be ours alone");
        own.entries(damaged);
        own.encoded.take();
        own.entries.get_mut().expect("just filled")
    }
}

impl<T> fmt::Debug for Slabs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slabs({} entries)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_what_it_had() {
        let mut slabs = Slabs::default();
        for key in [1u32, 63, 64, 9_000] {
            slabs.insert(key, key * 10);
        }
        let before = slabs.clone();
        slabs.insert(64, 1);
        slabs.remove(63);
        if let Some(entry) = slabs.get_mut(1) {
            *entry = 7;
        }
        let view = |s: &Slabs<u32>| s.entries().map(|(k, v)| (k, **v)).collect::<Vec<_>>();
        assert_eq!(
            view(&before),
            [(1, 10), (63, 630), (64, 640), (9_000, 90_000)]
        );
        assert_eq!(view(&slabs), [(1, 7), (64, 1), (9_000, 90_000)]);
        assert_eq!((before.len(), slabs.len()), (4, 3));
    }

    #[test]
    fn what_was_encoded_comes_back_and_damage_is_noticed() {
        let mut slabs = Slabs::default();
        (0..1_000u32)
            .step_by(7)
            .for_each(|key| slabs.insert(key, format!("entry {key}")));
        let mut snapshot = b"before".to_vec();
        let mut headers = slabs.encode(&mut snapshot);
        let read = |headers: &[SlabHeader], snapshot: &[u8]| {
            Slabs::<String>::from_encoded(headers.to_vec(), &Arc::new(snapshot.to_vec()), 6, 1_000)
        };
        let (back, end) = read(&headers, &snapshot).expect("within the limit");
        assert_eq!((back.len(), end), (slabs.len(), snapshot.len()));
        assert!(back.entries().eq(slabs.entries()));
        assert!(!back.is_damaged());

        assert!(read(&headers, &snapshot[..end - 1]).is_none());
        snapshot[6] ^= 0xff;
        let (torn, _) = read(&headers, &snapshot).expect("within the limit");
        assert_eq!(torn.get(0), None);
        assert!(torn.is_damaged());
        headers[1].place = 0;
        assert!(read(&headers, &snapshot).is_none(), "places rise");
        headers[1].place = u32::MAX;
        assert!(read(&headers, &snapshot).is_none(), "places are bounded");
    }

    #[test]
    fn a_snapshot_after_a_change_says_the_change() {
        let mut slabs = Slabs::default();
        (0..200u32).for_each(|key| slabs.insert(key, key));
        slabs.encode(&mut Vec::new());
        let older = slabs.clone();
        *slabs.get_mut(70).expect("inserted") = 7;
        slabs.remove(199);
        slabs.insert(300, 3);
        for version in [&slabs, &older] {
            let mut snapshot = Vec::new();
            let headers = version.encode(&mut snapshot);
            let back = Slabs::<u32>::from_encoded(headers, &Arc::new(snapshot), 0, 1_000);
            let (back, _) = back.expect("within the limit");
            assert!(back.entries().eq(version.entries()));
            assert_eq!(back.len(), version.len());
        }
    }
}

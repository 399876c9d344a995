//! A state as it travels: its snapshot, deflated, and a checksum of what it inflates to.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::protocol::socket::MAX_SNAPSHOT;
use crate::domain::state::State;

/// How many bytes a snapshot may come to for each that was sent: more is no snapshot but an attack on memory.
const MOST_INFLATION: u64 = 64;
/// How many bytes a snapshot may come to at all.
const MOST: u64 = 1 << 30;

/// Returns a state's bytes for the way, or None for one that must not be kept: with unknown events, or damaged.
pub(super) fn pack(state: &State) -> Option<Vec<u8>> {
    let bytes = state.to_snapshot()?;
    // The fastest level takes two thirds away already, and a console waits for its first frame.
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&bytes).ok()?;
    let mut packed = packed.finish().ok()?;
    packed.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    Some(packed)
}

/// Returns the state of such bytes, or None if they are not one.
pub(super) fn unpack(packed: &[u8]) -> Option<State> {
    let (packed, sum) = packed.split_last_chunk::<4>()?;
    let sent = u64::try_from(packed.len().min(MAX_SNAPSHOT)).ok()?;
    let most = (sent * MOST_INFLATION).min(MOST);
    let mut bytes = Vec::new();
    let mut inflated = DeflateDecoder::new(packed).take(most + 1);
    inflated.read_to_end(&mut bytes).ok()?;
    // A snapshot that was changed on its way could be another state.
    let is_whole = crc32fast::hash(&bytes).to_be_bytes() == *sum;
    if !is_whole || u64::try_from(bytes.len()).ok()? > most {
        return None;
    }
    State::from_snapshot(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_arrives_as_it_was_sent() {
        let state = State::default();
        let packed = pack(&state).expect("a sound state");
        let arrived = unpack(&packed).expect("what was packed");
        assert_eq!(arrived.state_hash(), state.state_hash());
    }

    #[test]
    fn what_blows_up_or_is_torn_is_no_state() {
        let zeros = vec![0; 8 << 20];
        let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&zeros).expect("into memory");
        let mut bomb = bomb.finish().expect("into memory");
        bomb.extend_from_slice(&crc32fast::hash(&zeros).to_be_bytes());
        assert!(unpack(&bomb).is_none());
        let packed = pack(&State::default()).expect("a sound state");
        assert!(unpack(&packed[..packed.len() / 2]).is_none());
        assert!(unpack(b"").is_none());
    }
}

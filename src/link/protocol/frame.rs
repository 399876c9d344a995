//! Messages over the unix socket: JSON, each with its length before it.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The largest frame: an answer of the most rows a list may have fits, and a hostile length does not take all memory.
pub(in crate::link) const MAX_FRAME: usize = 32 << 20;

/// Returns a message as a frame.
pub(in crate::link) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length as usize <= MAX_FRAME);
    let length = length.ok_or_else(|| too_long("a message is too long to send"))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

/// Returns how many bytes follow a frame's first four.
pub(in crate::link) fn frame_length(head: [u8; 4]) -> io::Result<usize> {
    match u32::from_be_bytes(head) as usize {
        length if length <= MAX_FRAME => Ok(length),
        _ => Err(too_long("a message is too long to be one")),
    }
}

fn too_long(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Sends a message.
pub(in crate::link) fn send(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&frame(message)?)
}

/// Receives a message.
pub(in crate::link) fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; frame_length(head)?];
    stream.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use super::{super::Response, *};

    #[test]
    fn a_hostile_length_is_refused_before_memory_is_taken() {
        let mut hostile: &[u8] = &[0xff, 0xff, 0xff, 0xff, b'{'];
        assert!(receive::<Response>(&mut hostile).is_err());
        let mut torn: &[u8] = &[0, 0, 0, 9, b'{'];
        assert!(receive::<Response>(&mut torn).is_err());
        let whole = frame(&Response::OtherProtocol(7)).expect("short");
        assert!(matches!(
            receive(&mut whole.as_slice()),
            Ok(Response::OtherProtocol(7))
        ));
    }
}

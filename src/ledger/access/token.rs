//! What a token is: its text, which is shown once, and what is kept of it.
//!
//! The text is `obeya_ID_SECRET`: a short public id by which its row is found, and 32 random bytes. Only the SHA-256 of the
//! text is kept. A slow hash, as passwords need, would add nothing: nobody finds 256 random bits by trying, however fast
//! each try is, and every request would pay for it.

use std::{fmt, io};

use rustix::rand::{GetRandomFlags, getrandom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::domain::{
    command::Role, message::Name, order::vocabulary, query::value::Moment, record::Hash,
    time::Timestamp,
};

/// What every token's text begins with, so that scanners for leaked secrets know one when they see it.
const PREFIX: &str = "obeya_";

/// The bytes of an id: enough that a thousand tokens hardly ever share one, and one that is taken is drawn again.
const ID_BYTES: usize = 6;

/// The bytes of a secret: 256 bits, which nobody guesses.
const SECRET_BYTES: usize = 32;

/// What stands for the id in a local token, which lies in no table.
pub(super) const LOCAL_ID: &str = "local";

/// The text of a token. It is shown to whoever made it, once, and is not printed by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Secret(String);

impl Secret {
    /// Returns a new secret under a new id.
    pub(super) fn draw() -> io::Result<(TokenId, Secret)> {
        let id = TokenId(hex(&random::<ID_BYTES>()?));
        let secret = Secret::under(&id.0)?;
        Ok((id, secret))
    }

    /// Returns a new secret that lies in no table.
    pub(super) fn draw_local() -> io::Result<Secret> {
        Secret::under(LOCAL_ID)
    }

    fn under(id: &str) -> io::Result<Secret> {
        let secret = hex(&random::<SECRET_BYTES>()?);
        Ok(Secret(format!("{PREFIX}{id}_{secret}")))
    }

    /// Returns a secret that was read from a file, if it is one of an id that `known` admits.
    pub(super) fn read(text: &str, known: impl Fn(&str) -> bool) -> Option<Secret> {
        let id = id_in(text)?;
        known(id).then(|| Secret(text.to_owned()))
    }

    /// Returns the text itself. Whoever has it may do what the token may.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns what is kept of it.
    pub(super) fn digest(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// Returns whether two digests are equal, in a time that does not tell how far they are.
pub(super) fn is_same(one: &Hash, other: &Hash) -> bool {
    one.0.ct_eq(&other.0).into()
}

/// The public part of a token: it names a token, and opens nothing.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct TokenId(pub(super) String);

impl TokenId {
    /// Returns the id in a token's text; None if the text is no token of a table.
    pub(super) fn of(text: &str) -> Option<TokenId> {
        let id = id_in(text)?;
        is_hex(id, ID_BYTES).then(|| TokenId(id.to_owned()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Returns the part before the secret of a text that has the form of a token.
fn id_in(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    is_hex(secret, SECRET_BYTES).then_some(id)
}

fn is_hex(text: &str, bytes: usize) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 2 * bytes && text.bytes().all(digit)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns bytes from the kernel's generator, which waits until it has been seeded.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match getrandom(rest, GetRandomFlags::empty()) {
            Ok(more) => filled += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

/// A token that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewToken {
    /// What it is called; no other live token may be.
    pub name: Name,
    /// The most that its bearer may do.
    pub role: Role,
    /// Until when it opens anything; for ever if there is none.
    pub expires: Option<Timestamp>,
}

vocabulary! {
    /// Whether a token opens anything.
    Standing ("standing of a token") {
        /// It does.
        Live = "live",
        /// Its time is up.
        Expired = "expired",
        /// Somebody took it back.
        Revoked = "revoked",
    }
}

/// A token as it may be shown: all but its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// The public part of its text.
    pub id: TokenId,
    /// What it is called.
    pub name: Name,
    /// The most that its bearer may do.
    pub role: Role,
    /// Whether it opens anything.
    pub standing: Standing,
    /// When it was made.
    pub created_at: Moment,
    /// Until when it opens anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Moment>,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Moment>,
}

/// Why a token opens nothing. Only who has the whole secret is told more than that it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// It has not the form of a token.
    Malformed,
    /// There is no such token.
    Unknown,
    /// It was taken back.
    Revoked,
    /// Its time is up.
    Expired,
}

impl Denied {
    /// Returns the reason as a word, for the audit.
    pub fn word(self) -> &'static str {
        match self {
            Denied::Malformed => "malformed",
            Denied::Unknown => "unknown",
            Denied::Revoked => "revoked",
            Denied::Expired => "expired",
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Denied::Malformed => {
                "this is not a token: one looks like obeya_…, and is made by `obeya token create`"
            }
            Denied::Unknown => "this token is not known here",
            Denied::Revoked => "this token was revoked",
            Denied::Expired => "this token has expired",
        })
    }
}

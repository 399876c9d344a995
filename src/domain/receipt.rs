//! Proof of a completed order, derived from its record and chained to the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    event::Event,
    gate::GateEvidence,
    id::OrderId,
    order::{Actor, Workspace},
    record::{Hash, Record, Seq},
    time::Timestamp,
    usage::Usage,
};

/// The first bytes of every receipt's hash.
const TAG: &[u8] = b"obeya.receipt.1";

/// What was seen before an order was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// No gate was required of it.
    NoneRequired,
    /// What was seen at its gates, by gate.
    Gates(Vec<GateEvidence>),
}

/// Proof of a completed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// Its number, from 1, without gaps.
    pub n: u64,
    /// The order.
    pub order: OrderId,
    /// What was delivered.
    pub sku: Option<String>,
    /// What to remember.
    pub note: Option<String>,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub completed_at: Timestamp,
    /// What was seen.
    pub evidence: Evidence,
    /// Where it was made, if apart, with the commits before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Box<Workspace>>,
    /// What work on it had used up by then.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
    /// The completion's record.
    pub seq: Seq,
    /// That record's hash, which covers everything above.
    pub record_hash: Hash,
    /// The hash of the receipt before; zero for the first.
    pub previous: Hash,
    /// This receipt's hash.
    pub hash: Hash,
}

impl Receipt {
    /// Returns the receipt of a completion's record, or None if the record is something else.
    pub fn of(record: &Record) -> Option<Receipt> {
        match record.decode() {
            Ok(event) => Receipt::of_event(&event, record),
            Err(_) => None,
        }
    }

    /// Returns the receipt of a completion whose event is at hand.
    pub fn of_event(event: &Event, record: &Record) -> Option<Receipt> {
        let Event::OrderCompleted {
            id,
            sku,
            note,
            by,
            receipt,
            previous_receipt,
            evidence,
            workspace,
            usage,
        } = event
        else {
            return None;
        };
        Some(Receipt {
            n: *receipt,
            order: *id,
            sku: sku.clone(),
            note: note.clone(),
            by: by.clone(),
            completed_at: record.occurred_at,
            evidence: match evidence.as_slice() {
                [] => Evidence::NoneRequired,
                seen => Evidence::Gates(seen.to_vec()),
            },
            workspace: workspace.clone(),
            usage: *usage,
            seq: record.seq,
            record_hash: record.hash,
            previous: *previous_receipt,
            hash: Self::chain(*receipt, previous_receipt, &record.hash),
        })
    }

    /// Returns the hash of receipt `n`: SHA-256 over tag, number, the previous receipt's hash and the record's hash.
    fn chain(n: u64, previous: &Hash, record: &Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(TAG);
        sha.update(n.to_be_bytes());
        sha.update(previous.0);
        sha.update(record.0);
        Hash(sha.finalize().into())
    }
}

//! What the people and agents of the demo are called, and what they work on.

use crate::domain::order::Bucket;

/// Who drives the line.
pub(super) const PEOPLE: [&str; 2] = ["ada", "noor"];

/// The agents, with what they do.
pub(super) const AGENTS: [(&str, &str); 4] = [
    ("rust-dev", "developer"),
    ("ui-dev", "developer"),
    ("test-engineer", "tester"),
    ("doc-writer", "writer"),
];

/// Epics, with their buckets.
pub(super) const EPICS: [(&str, Bucket); 3] = [
    ("Checkout survives a lost connection", Bucket::Features),
    ("Every release is signed", Bucket::Security),
    ("Search answers within a second", Bucket::Reliability),
];

/// What there is to do, by bucket.
pub(super) const WORK: [(&str, Bucket); 30] = [
    ("Retry the payment call with one key", Bucket::Features),
    ("Queue orders while the network is away", Bucket::Features),
    ("Show what is not yet sent", Bucket::Features),
    ("Keyboard shortcuts for the order list", Bucket::Features),
    ("Dark mode for the receipt page", Bucket::Features),
    ("Warn before a cart expires", Bucket::Features),
    ("Search by order number", Bucket::Features),
    ("Remember the last address", Bucket::Features),
    ("Print labels in one go", Bucket::Features),
    ("Undo for the last booking", Bucket::Features),
    ("Rotate the signing keys", Bucket::Security),
    ("Verify signatures before an update", Bucket::Security),
    ("Pin the base images", Bucket::Security),
    ("Limit failed sign-ins", Bucket::Security),
    ("Flaky test: totals round twice", Bucket::Reliability),
    ("Timeouts in the search service", Bucket::Reliability),
    ("Restore the backup in a test", Bucket::Reliability),
    ("Alert on a full queue", Bucket::Reliability),
    ("Drain connections before a restart", Bucket::Reliability),
    ("Export the audit log", Bucket::Compliance),
    ("Consent banner forgets its answer", Bucket::Compliance),
    ("Delete data on request", Bucket::Compliance),
    ("Halve the image build time", Bucket::Cost),
    ("Cache headers on static files", Bucket::Cost),
    ("Right-size the staging machines", Bucket::Cost),
    ("Compress product photos", Bucket::Cost),
    ("Delete the old session store", Bucket::TechnicalDebt),
    ("Remove the beta flags", Bucket::TechnicalDebt),
    ("One date format everywhere", Bucket::TechnicalDebt),
    ("Split the order module", Bucket::TechnicalDebt),
];

/// What is said while work goes on.
pub(super) const COMMENTS: [&str; 6] = [
    "The first half is in; tests are green.",
    "It fails only on the *second* retry, see `retry.rs`.",
    "Asked the team next door, waiting for an answer.",
    "Smaller than it looked.",
    "Found the cause: a timeout of 2 s where 5 s were meant.",
    "Reviewed; two remarks, none of them blocking.",
];

/// What goes wrong, and what is done about it.
pub(super) const TROUBLE: [(&str, &str); 4] = [
    (
        "Tests of the main branch are red",
        "The flaky test is mended, and the branch is green",
    ),
    (
        "Customers are charged twice",
        "The retry carries one key now",
    ),
    (
        "A key was printed in a build log",
        "The key is rotated and the log is gone",
    ),
    (
        "Search answers are slower than 2 s at p95",
        "The index is rebuilt",
    ),
];

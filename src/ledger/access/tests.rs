//! Rules of tokens and audit.

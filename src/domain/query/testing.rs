//! What tests of questions share.

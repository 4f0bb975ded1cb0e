//! The `hazledger` binary.
fn main() {}

//! What the integration tests share, one file for each kind of help.

pub mod server;

//! The messages and services of `proto/hazledger/v1`, as prost and tonic
//! compile them, and their descriptors. No logic.
#![expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated; the words stand in the proto files"
)]

tonic::include_proto!("hazledger.v1");

/// The encoded `FileDescriptorSet`, for reflection and for the JSON mapping.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

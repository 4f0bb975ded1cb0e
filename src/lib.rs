#![doc = include_str!("../README.md")]
//! # The map
//!
//! Folders are the domain's nouns, in order of dependency; each uses only
//! what stands above it, and `tests/tidy.rs` keeps it so.
//!
//! - [`pb`]: the messages of `proto/`, as prost compiles them.
//! - [`event`]: statements, events, ids, mass, measures, signing. Pure.
//! - [`catalog`]: substances and their forms, regions, identifiers. Pure.
//! - [`custody`]: accounts, live state, decide, apply, refusals. Pure.
//! - [`proof`]: chain, commits, acknowledgements, verification. Pure.
//! - [`storage`]: a folder of files, real or simulated; a file replaced durably.
//! - [`journal`]: segment files and their recovery. Files only.
//! - [`audit`]: a journal verified from its first byte to its last.
//! - [`repair`]: damaged segments healed from another copy of the journal.
//! - [`witness`]: a witness of other ledgers, and the asking of witnesses.
//! - [`backup`]: a data directory backed up while it is served, and restored.
//! - [`retain`]: event bodies that the rule packs no longer ask to keep.
//! - [`projection`]: what can be rebuilt: the sled store, the views, and the
//!   snapshot that a start begins from.
//! - [`ledger`]: the single writer, its batches and the commit seam.
//! - [`grpc`]: the services, one file each.
//! - [`web`]: pages for whoever watches the server, one file each.
//! - [`sim`]: a seeded world of parties and flows, for demo, tests, benches.
//! - [`cli`]: the subcommands, one file each.

pub mod audit;
pub mod backup;
pub mod catalog;
pub mod cli;
pub mod custody;
pub mod event;
pub mod grpc;
pub mod journal;
pub mod ledger;
pub mod pb;
pub mod projection;
pub mod proof;
pub mod repair;
pub mod retain;
pub mod sim;
pub mod storage;
pub mod web;
pub mod witness;

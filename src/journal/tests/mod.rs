//! The journal's promises, each against the simulated disk.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod crash;
mod damage;
mod durable;
mod layout;
mod round_trip;

use bytes::Bytes;

use super::segment::{Listing, name};
use super::{Batch, Journal, JournalOptions, Reader, Scanned, Storage, scan};
use crate::storage::sim::SimStorage;

const ORIGIN: [u8; 32] = [7; 32];
const SMALL: JournalOptions = JournalOptions { segment_bytes: 512 };

fn head(position: u64) -> [u8; 32] {
    *blake3::hash(&position.to_le_bytes()).as_bytes()
}

fn body(position: u64) -> Bytes {
    let length = 1 + (position * 13 % 40) as usize;
    vec![u8::try_from(position % 251).unwrap(); length].into()
}

fn batch(first_position: u64, count: u64) -> Batch {
    let end = first_position + count;
    Batch {
        first_position,
        records: (first_position..end).map(body).collect(),
        commit: Bytes::from(format!("commit {first_position}..{end}")),
        last_head: head(end - 1),
    }
}

/// Batches of 1, 2, 3, 1, 2, 3 … records.
fn batches(count: u64) -> Vec<Batch> {
    let mut first = 0;
    (0..count)
        .map(|index| {
            let next = batch(first, 1 + index % 3);
            first += 1 + index % 3;
            next
        })
        .collect()
}

fn end_of(batch: &Batch) -> u64 {
    batch.first_position + batch.records.len() as u64
}

/// A closed journal of several segments.
fn closed(count: u64) -> SimStorage {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    for batch in batches(count) {
        journal.append(&batch).unwrap();
    }
    journal.close().unwrap();
    disk
}

/// The same, killed instead of closed.
fn killed(count: u64) -> SimStorage {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    for batch in batches(count) {
        journal.append(&batch).unwrap();
    }
    disk.restart()
}

fn segments(disk: &SimStorage) -> Vec<String> {
    let listing = Listing::of(disk.list().unwrap());
    listing.segments.into_iter().map(name).collect()
}

/// Compares everything a reader shows with what was appended: the first
/// batches of `written`, whole.
fn same<S: Storage>(reader: &Reader<S>, written: &[Batch]) -> Result<(), String> {
    let committed = reader.committed();
    let mut shown = reader.batches(0);
    for expected in written
        .iter()
        .filter(|batch| batch.first_position < committed)
    {
        let stored = shown
            .next()
            .ok_or("batches end early")?
            .map_err(|error| error.to_string())?;
        if (
            stored.first_position,
            &stored.records,
            &stored.commit,
            stored.last_head,
        ) != (
            expected.first_position,
            &expected.records,
            &expected.commit,
            expected.last_head,
        ) {
            return Err(format!("batch {} differs", expected.first_position));
        }
        for (record, position) in expected.records.iter().zip(expected.first_position..) {
            let found = reader.record(position).map_err(|error| error.to_string())?;
            if found.as_ref() != Some(record) {
                return Err(format!("record {position} differs"));
            }
            if reader
                .batch(position)
                .map_err(|error| error.to_string())?
                .as_ref()
                != Some(&stored)
            {
                return Err(format!("the batch of record {position} differs"));
            }
        }
    }
    match shown.next() {
        None => Ok(()),
        Some(_) => Err("more is shown than was written".into()),
    }
}

/// Whether a scan finds nothing wrong, and the journal sealed.
fn sound(disk: &SimStorage) -> Result<(), String> {
    for item in scan(disk) {
        if let Scanned::End { sealed: false, .. } = item.map_err(|damage| damage.to_string())? {
            return Err("not sealed".into());
        }
    }
    Ok(())
}

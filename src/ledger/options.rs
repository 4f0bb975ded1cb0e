//! How a ledger runs: none of it changes what a record is, or which records
//! there are.

use std::time::Duration;

use super::disk::smallest_reserve;
use super::overdue::MAX_EVERY;
use super::rates::Rate;
use super::refusals::Keeping;
use crate::journal::{JournalOptions, MAX_BATCH_BYTES};

/// The smallest batch that still takes any record and its commit, bytes.
pub const MIN_BATCH_BYTES: usize = 512 * 1024;

/// How a ledger runs. [`Options::default`] is meant for a server of its own.
#[derive(Clone, Debug)]
pub struct Options {
    /// Statements that may be unanswered at a time; the next is turned away
    /// with a time to come again. Default 8,192. Danger: larger makes the
    /// longest wait for an answer longer and not the ledger faster.
    pub queue_statements: usize,
    /// Bytes of statements that may be unanswered at a time. Default 64 MiB.
    /// Danger: memory in use is a small multiple of it.
    pub queue_bytes: usize,
    /// Bytes of a batch with its frames, 512 KiB to 1 MiB. Default 1 MiB.
    /// Danger: smaller syncs more often under load.
    pub max_batch_bytes: usize,
    /// Records in a batch, at least 1. Default 4,096. Danger: each
    /// acknowledgement holds a path of log2 of it.
    pub max_batch_records: usize,
    /// Threads that verify signatures and look things up; 0 takes one for
    /// each core. Default 0. Danger: more than cores slow the writer.
    pub prepare_threads: usize,
    /// Statements that one party may have judged in a second in the long run;
    /// 0 is no limit. Default 0: what is right depends on how many share the
    /// machine, the queue is bounded whatever they send, and a figure that is
    /// too low stops a plant at its gate. Danger: as said; and what a party
    /// had on its way when its allowance ran out is judged first and paid back
    /// after, so that it may be above its burst by as much as the queue holds.
    pub party_statements_per_second: u32,
    /// Statements that it may send at once after a rest, at least 1. Default
    /// 1,000. Danger: lower than what a party sends in one go, and each such
    /// going is held back.
    pub party_burst: u32,
    /// Dry runs at a time; the next is turned away with a time to come again.
    /// Default 16. Danger: each takes a thread, and looks at the live state
    /// while the writer waits to change it.
    pub max_dry_runs: usize,
    /// How the journal lays out its files. Default 64 MiB a segment.
    pub journal: JournalOptions,
    /// How often the projection is flushed. Default 5 s. Danger: shorter
    /// takes the disk from the journal; longer replays more after a kill.
    pub flush_every: Duration,
    /// After how many records closed items are dropped from memory, if they
    /// have been flushed. Default 65,536. Danger: each time walks the live
    /// state; a tiny figure does little else.
    pub evict_every: u64,
    /// Bytes of the journal's disk that are kept free: with less, new
    /// statements are refused with a reason and reads go on, until there is
    /// room. At least four times a segment and a batch; 0 never looks. Default
    /// 512 MiB. Danger: 0 finds out by a write that fails, which stops the
    /// ledger, and a start may then lack the room to recover.
    pub disk_reserve_bytes: u64,
    /// How often the disk's room is looked at, beside each eighth of the
    /// reserve that is written. Default 1 s. Danger: longer notices later that
    /// others fill the disk, or that there is room again.
    pub disk_look_every: Duration,
    /// Within what time everything in the journal is read again, to find what
    /// the disk has damaged. Default 4 days. Danger: shorter takes the disk
    /// from the journal, twice its bytes in that time; longer finds damage
    /// when backups have forgotten what was there.
    pub scrub_every: Duration,
    /// How refusals are kept beside the journal.
    pub refusals: Keeping,
    /// How often the ledger looks for what time alone has broken, by its own
    /// clock; at most 24 hours. Default 10 minutes. Danger: shorter reads
    /// through the live state more often; longer tells later what is overdue.
    pub overdue_every: Duration,
    /// From where on a jump of the machine's clock is noticed and recorded.
    /// Default 5 s. Danger: shorter records what NTP does on a bad line;
    /// longer lets a clock be set by as much unseen.
    pub clock_noticed: Duration,
    /// Beyond this jump nothing is accepted before the clock is back or
    /// somebody confirms the time. Default 10 minutes. Danger: longer records
    /// under a wrong time what a deadline or a permit may hang on.
    pub clock_bound: Duration,
    /// Whether a checkpoint is shown only once it comes back with cosignatures
    /// (`Ledger::publish_cosigned`). Default no: every one that is signed is
    /// shown. Danger: with nobody to collect them, none is ever shown.
    pub cosigned: bool,
    /// What whoever opens the ledger reads from another clock than the
    /// machine's, Unix milliseconds: it ends a doubt about that. Default none.
    /// Danger: given by a script, it confirms nothing.
    pub confirmed_clock_ms: Option<i64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            queue_statements: 8192,
            queue_bytes: 64 * 1024 * 1024,
            max_batch_bytes: MAX_BATCH_BYTES,
            max_batch_records: 4096,
            prepare_threads: 0,
            party_statements_per_second: 0,
            party_burst: 1_000,
            max_dry_runs: 16,
            journal: JournalOptions::default(),
            flush_every: Duration::from_secs(5),
            evict_every: 65_536,
            disk_reserve_bytes: 512 * 1024 * 1024,
            disk_look_every: Duration::from_secs(1),
            scrub_every: Duration::from_hours(4 * 24),
            refusals: Keeping::default(),
            overdue_every: Duration::from_mins(10),
            clock_noticed: Duration::from_secs(5),
            clock_bound: Duration::from_mins(10),
            cosigned: false,
            confirmed_clock_ms: None,
        }
    }
}

impl Options {
    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        if !(MIN_BATCH_BYTES..=MAX_BATCH_BYTES).contains(&self.max_batch_bytes) {
            return Some(format!(
                "max_batch_bytes is {}, outside {MIN_BATCH_BYTES} to {MAX_BATCH_BYTES}",
                self.max_batch_bytes
            ));
        }
        let smallest = smallest_reserve(self);
        if self.disk_reserve_bytes > 0 && self.disk_reserve_bytes < smallest {
            return Some(format!(
                "disk_reserve_bytes is {}, less than {smallest}: four times a segment and a batch",
                self.disk_reserve_bytes
            ));
        }
        if self.overdue_every > MAX_EVERY {
            return Some("overdue_every is more than 24 hours".to_owned());
        }
        let zero = [
            ("queue_statements", self.queue_statements == 0),
            ("queue_bytes", self.queue_bytes == 0),
            ("max_batch_records", self.max_batch_records == 0),
            ("party_burst", self.party_burst == 0),
            ("max_dry_runs", self.max_dry_runs == 0),
            ("flush_every", self.flush_every.is_zero()),
            ("evict_every", self.evict_every == 0),
            ("disk_look_every", self.disk_look_every.is_zero()),
            ("scrub_every", self.scrub_every.is_zero()),
            ("overdue_every", self.overdue_every.is_zero()),
            ("clock_noticed", self.clock_noticed.is_zero()),
            ("clock_bound", self.clock_bound.is_zero()),
        ];
        let (name, _) = zero
            .into_iter()
            .find(|(_, is_zero)| *is_zero)
            .or(self.refusals.zero().map(|name| (name, true)))?;
        Some(format!("{name} is zero; nothing would go on"))
    }

    /// How fast a party may go, if that is limited.
    pub(super) fn party_rate(&self) -> Option<Rate> {
        let per_second = self.party_statements_per_second;
        (per_second > 0).then_some(Rate {
            per_second,
            burst: self.party_burst,
        })
    }

    /// How many threads prepare statements.
    pub(super) fn threads(&self) -> usize {
        match self.prepare_threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        }
    }
}

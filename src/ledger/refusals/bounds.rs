//! How many refusals are kept, for how long, and how often the ledger says in
//! its own records what they come to.

use std::time::Duration;

/// Refusals of one party that are kept of one day.
pub const PARTY_A_DAY: u32 = 1_000;
/// Refusals of all parties that are kept of one day: at most some 30 MiB.
pub const A_DAY: u32 = 20_000;
/// Refusals that are kept at all.
pub const IN_ALL: u64 = 2_000_000;
/// Days after which an anchored refusal may go: four years.
pub const KEEP_DAYS: u64 = 4 * 366;
/// Bytes of a file of refusals.
pub const SEGMENT_BYTES: u32 = 1024 * 1024;

/// How refusals are kept. None of it changes what is answered or recorded of
/// a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Of one party, a day of Asia/Shanghai; more are counted. Default 1,000.
    /// Danger: larger lets one party's faulty system crowd out the others.
    pub party_a_day: u32,
    /// Of all parties, a day. Default 20,000. Danger: larger takes more of the
    /// disk.
    pub a_day: u32,
    /// At any time. Default 2,000,000. Danger: larger takes more of the disk,
    /// some 1 KB each.
    pub in_all: u64,
    /// How long one is kept at least, if it is kept. Default 1,464 days.
    /// Danger: shorter forgets what a dispute may hang on.
    pub keep_for: Duration,
    /// After how many the ledger anchors them. Default 256. Danger: fewer
    /// makes a record of them more often.
    pub anchor_every: u64,
    /// After what time it does if there are fewer. Default 1 hour. Danger:
    /// longer lets whoever has the disk change the latest for as long.
    pub anchor_within: Duration,
    /// How often those that wait are written and synced. Default 250 ms.
    /// Danger: shorter takes the disk from the journal; longer loses more at a
    /// crash.
    pub write_every: Duration,
    /// Bytes of a file, of which whole ones go. Default 1 MiB.
    pub segment_bytes: u32,
}

impl Default for Keeping {
    fn default() -> Keeping {
        Keeping {
            party_a_day: PARTY_A_DAY,
            a_day: A_DAY,
            in_all: IN_ALL,
            keep_for: Duration::from_hours(KEEP_DAYS * 24),
            anchor_every: 256,
            anchor_within: Duration::from_hours(1),
            write_every: Duration::from_millis(250),
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

impl Keeping {
    /// Which of them is zero, if one is that must not be.
    pub(in crate::ledger) fn zero(&self) -> Option<&'static str> {
        let zero = [
            ("refusals.anchor_every", self.anchor_every == 0),
            ("refusals.write_every", self.write_every.is_zero()),
            ("refusals.keep_for", self.keep_for.is_zero()),
        ];
        let found = zero.into_iter().find(|(_, is_zero)| *is_zero);
        found.map(|(name, _)| name)
    }
}

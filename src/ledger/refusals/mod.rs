//! Refusals kept beside the journal: which are, what is counted of the others,
//! and what the ledger has to say of them in its own records.
//!
//! | file | what it is |
//! |---|---|
//! | `bounds` | how many are kept, for how long, how often they are anchored |
//! | `count` | a day's allowances; who sends what does not verify |
//! | `files` | the files, whatever their storage |
//! | `keeper` | the thread that signs and writes them |
//! | `list` | reading them |
//!
//! Only of a statement whose own signatures verified is a refusal kept. The
//! others are counted against the address that they came from, never against
//! the party or key that they name: that is anybody's word.
//!
//! Nothing waits for any of it. What is refused is put into a bounded list, in
//! passing; beyond a bound it is counted. When the files cannot be written,
//! all is counted until the next start, and the ledger goes on.
#![doc = include_str!("FORMAT.md")]

mod bounds;
mod count;
mod files;
mod keeper;
mod list;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use self::bounds::Keeping;
pub use self::count::MAX_ADDRESSES;
pub(super) use self::files::{Files, Folder, TakenUp};
pub(super) use self::keeper::run;
pub use self::list::{MAX_LISTED_ADDRESSES, MAX_SEEN};

use self::count::{Addresses, Allowances};
use self::files::Kept;
use super::batch::Refusal;
use crate::custody::anchor;
use crate::event::Hash;
use crate::pb::{RefusalCode, RefusalsAnchored};
use crate::proof::KeptChain;

/// Refusals that wait to be written, at most.
const MAX_WAITING: usize = 2048;

/// Why a signed refusal is counted and not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// Its party has as many today as it may.
    Party,
    /// All parties together have.
    Day,
    /// So many are kept that no more may be.
    Full,
    /// Too many wait to be written.
    Waiting,
    /// The disk is nearly full.
    Room,
    /// There are no files, or they have failed.
    Failed,
}

impl NotKept {
    /// All of them.
    pub(super) const ALL: [NotKept; 6] = [
        NotKept::Party,
        NotKept::Day,
        NotKept::Full,
        NotKept::Waiting,
        NotKept::Room,
        NotKept::Failed,
    ];

    /// As the metrics call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            NotKept::Party => "party_a_day",
            NotKept::Day => "a_day",
            NotKept::Full => "in_all",
            NotKept::Waiting => "waiting",
            NotKept::Room => "disk",
            NotKept::Failed => "failed",
        }
    }
}

/// What became of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It will be kept, if it can be written.
    Waits,
    /// It is counted.
    Not(NotKept),
    /// It is counted against its address.
    Unverified,
}

/// See the module.
pub(super) struct Refusals {
    keeping: Keeping,
    inner: Mutex<Inner>,
    /// Apart, so that nobody waits while it is sorted to be listed.
    addresses: Mutex<Addresses>,
    /// What can be read.
    kept: RwLock<Option<Arc<dyn Kept>>>,
    /// Whether there is a word to be recorded.
    due: AtomicBool,
}

struct Inner {
    waiting: Vec<Refusal>,
    allowances: Allowances,
    /// What is durable.
    chain: KeptChain,
    /// Number of the oldest that is there.
    first: u64,
    not_kept: u64,
    unverified: u64,
    /// The latest word that is committed.
    anchored: RefusalsAnchored,
    /// When the word before was recorded, or the first was refused.
    since_ms: Option<i64>,
    /// The same for the word after the one that is being recorded.
    next_since_ms: Option<i64>,
    /// Those before it are old enough to go.
    expired_until: u64,
    /// Why none are kept any more.
    failed: Option<String>,
}

impl Refusals {
    /// Goes on from what is on the disk and what the ledger last said.
    pub(super) fn new(keeping: Keeping, taken_up: TakenUp, anchored: RefusalsAnchored) -> Refusals {
        let TakenUp {
            chain,
            first,
            allowances,
            counts: (not_kept, unverified),
            since_ms,
            failed,
            kept,
            ..
        } = taken_up;
        Refusals {
            keeping,
            inner: Mutex::new(Inner {
                waiting: Vec::new(),
                allowances,
                chain,
                first,
                not_kept: not_kept.max(anchored.not_kept),
                unverified: unverified.max(anchored.unverified),
                since_ms,
                next_since_ms: None,
                expired_until: 0,
                failed,
                anchored,
            }),
            addresses: Mutex::default(),
            kept: RwLock::new(kept),
            due: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn addresses_mut(&self) -> MutexGuard<'_, Addresses> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Option<Arc<dyn Kept>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    /// A statement has been refused, and whoever sent it, from an address if
    /// that is known, is told so.
    pub(super) fn refused(&self, refusal: &Refusal, from: Option<IpAddr>) -> Noted {
        let Some(by) = &refusal.by else {
            let bad = refusal.refused.code == RefusalCode::BadSignature;
            self.addresses_mut().count(from, bad);
            let mut inner = self.lock();
            inner.unverified = inner.unverified.saturating_add(1);
            return Noted::Unverified;
        };
        let mut inner = self.lock();
        let since_ms = inner.since_ms.unwrap_or(refusal.at_ms);
        inner.since_ms = Some(since_ms.min(refusal.at_ms));
        let why = inner.turns_away(&by.party, refusal.at_ms, &self.keeping);
        if let Some(why) = why {
            inner.not_kept = inner.not_kept.saturating_add(1);
            return Noted::Not(why);
        }
        inner.waiting.push(refusal.clone());
        Noted::Waits
    }

    /// Whether the ledger has something to record of them; cheap.
    pub(super) fn has_word(&self) -> bool {
        self.due.load(Ordering::Acquire)
    }

    /// What is to be recorded at a time, after the word that stands; `None` if
    /// nothing is after all.
    pub(super) fn word(
        &self,
        last: Option<&RefusalsAnchored>,
        recorded_at_ms: i64,
    ) -> Option<RefusalsAnchored> {
        let mut inner = self.lock();
        let word = inner.word(last, recorded_at_ms);
        if anchor::fault(last, &word, recorded_at_ms).is_some() {
            // Another writer's word stands, and says more than ours would.
            self.due.store(false, Ordering::Release);
            inner.anchored = last.cloned().unwrap_or_else(nothing);
            return None;
        }
        let waiting = inner.waiting.iter().map(|refusal| refusal.at_ms);
        inner.next_since_ms = Some(waiting.fold(recorded_at_ms, i64::min));
        Some(word)
    }

    /// This word is recorded, and committed.
    pub(super) fn said(&self, word: RefusalsAnchored) {
        let mut inner = self.lock();
        inner.anchored = word;
        inner.since_ms = inner.next_since_ms.take();
        self.due.store(false, Ordering::Release);
    }

    /// Sees whether a word is due at a time.
    fn look(&self, inner: &Inner, now_ms: i64) {
        let Keeping {
            anchor_every,
            anchor_within,
            ..
        } = self.keeping;
        let anchored = &inner.anchored;
        let kept = inner.chain.count.saturating_sub(anchored.count);
        let is_news = kept > 0 || inner.not_kept > anchored.not_kept;
        let since = now_ms.saturating_sub(inner.since_ms.unwrap_or(now_ms));
        let is_late = u128::from(since.max(0).unsigned_abs()) >= anchor_within.as_millis();
        let old = inner.expired_until > anchored.kept_from;
        let due = kept >= anchor_every || is_news && is_late || old;
        self.due.store(due, Ordering::Release);
    }
}

impl Inner {
    /// Why one of a party is not to be kept, if so; else it is counted in.
    fn turns_away(&mut self, party: &str, at_ms: i64, keeping: &Keeping) -> Option<NotKept> {
        if self.failed.is_some() {
            return Some(NotKept::Failed);
        }
        if self.waiting.len() >= MAX_WAITING {
            return Some(NotKept::Waiting);
        }
        let waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        let there = self.chain.count.saturating_sub(self.first);
        if there.saturating_add(waiting) >= keeping.in_all {
            return Some(NotKept::Full);
        }
        self.allowances.draw(party, at_ms, keeping).err()
    }

    fn word(&self, last: Option<&RefusalsAnchored>, recorded_at_ms: i64) -> RefusalsAnchored {
        let none = nothing();
        let last = last.unwrap_or(&none);
        RefusalsAnchored {
            count: self.chain.count,
            hash: self.chain.hash.to_bytes(),
            since_ms: self.since_ms.unwrap_or(recorded_at_ms).min(recorded_at_ms),
            not_kept: self.not_kept.max(last.not_kept),
            unverified: self.unverified.max(last.unverified),
            // What goes is what an earlier word has counted.
            kept_from: self
                .expired_until
                .clamp(last.kept_from, last.count.max(last.kept_from)),
        }
    }
}

/// Before the ledger's first word.
pub(super) fn nothing() -> RefusalsAnchored {
    RefusalsAnchored {
        hash: Hash::ZERO.to_bytes(),
        ..RefusalsAnchored::default()
    }
}

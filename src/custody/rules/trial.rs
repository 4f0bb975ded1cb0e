//! Packs on trial: every recorded statement decided again with them, as if they
//! had stood from their first day.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message as _;

use super::super::decide::{self, Context};
use super::super::overlay::{Layers, Overlay};
use super::super::registry::LEDGER;
use super::super::state::{State, nowhere};
use super::super::subject::{self, Item, Items as _};
use crate::event::Statement;
use crate::event::codes::Refused;
use crate::event::record::OpenRecord;
use crate::pb::{
    Finding, Genesis, Head, PackPublished, Record, RulesState, SignedStatement, Subject,
};

/// The first code of the rules of the day; those before it are of what cannot
/// be, whatever the rules say.
const FIRST_RULE: i32 = 180;

/// Packs on trial.
pub struct Trial {
    packs: Vec<PackPublished>,
    state: State,
    /// The rules as they stand, and with the packs on trial.
    known: Option<Arc<Item>>,
    overlay: Overlay,
}

/// What is told of that which would be overdue, at most.
const MAX_TOLD_OVERDUE: usize = 1_000;

/// What they would have said of one statement.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Position of its record.
    pub position: u64,
    /// When it was recorded, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// Who made it.
    pub party: String,
    /// It would have been refused.
    pub refused: Option<Refused>,
    /// What would have been found, and is not among what was.
    pub found: Vec<Finding>,
    /// There is more that is overdue.
    pub is_cut: bool,
}

/// A record that cannot be folded: the ledger is to be verified first.
#[derive(Debug, thiserror::Error)]
#[error("the record at position {position} cannot be read ({why}); run 'hazledger verify' on it")]
pub struct TrialError {
    position: u64,
    why: String,
}

impl Trial {
    /// Nothing tried yet.
    pub fn new(packs: Vec<PackPublished>) -> Trial {
        Trial {
            packs,
            state: State::new(),
            known: None,
            overlay: Overlay::default(),
        }
    }

    /// The next record. `None` where the packs change nothing.
    ///
    /// # Errors
    /// A record that is none, or does not follow.
    pub fn record(&mut self, bytes: &bytes::Bytes) -> Result<Option<Tried>, TrialError> {
        let position = self.state.next();
        let wrong = |why: String| TrialError { position, why };
        let record = OpenRecord::open(bytes).map_err(|e| wrong(e.to_string()))?;
        let tried = match self.state.genesis() {
            Some(genesis) if record.payload.party != LEDGER => {
                self.judge(bytes, &record, &genesis).map_err(wrong)?
            }
            _ => None,
        };
        self.state
            .apply(&record, &mut nowhere)
            .map_err(|e| wrong(e.to_string()))?;
        Ok(tried)
    }

    /// After the last record: what would be overdue by its time, as the ledger
    /// would say it next, and has not said; the first thousand of it. What
    /// was overdue in between and is not any more is not told.
    pub fn overdue(&mut self) -> Option<Tried> {
        self.put_on_trial();
        let items = Layers(vec![&self.overlay, &self.state]);
        let now_ms = self.state.recorded_at_ms();
        let kinds = decide::overdue_kinds(&items).into_iter();
        let standing = kinds.flat_map(|kind| self.state.items_of(kind, &[]));
        let found = standing
            .flat_map(|(subject, item)| decide::overdue_findings(&items, &subject, &item, now_ms));
        let mut found: Vec<Finding> = found.take(MAX_TOLD_OVERDUE + 1).collect();
        let is_cut = found.len() > MAX_TOLD_OVERDUE;
        found.truncate(MAX_TOLD_OVERDUE);
        (!found.is_empty()).then(|| Tried {
            position: self.state.next(),
            recorded_at_ms: now_ms,
            party: LEDGER.to_owned(),
            refused: None,
            found,
            is_cut,
        })
    }

    fn judge(
        &mut self,
        bytes: &bytes::Bytes,
        record: &OpenRecord,
        genesis: &Genesis,
    ) -> Result<Option<Tried>, String> {
        self.put_on_trial();
        let statement = statement_of(bytes)?;
        let context = Context {
            position: record.position(),
            recorded_at_ms: record.head.recorded_at_ms,
            genesis,
            // What rests on an earlier event corrects or returns: no rule
            // refuses it.
            recorded: &|_| None,
        };
        let items = Layers(vec![&self.overlay, &self.state]);
        let (refused, found) = match decide::decide(&items, &statement, &context) {
            Ok(decision) => (None, beyond(&decision.additions.findings, record)),
            Err(refused) if i32::from(refused.code) >= FIRST_RULE => (Some(refused), Vec::new()),
            Err(_) => (None, Vec::new()),
        };
        let tried = Tried {
            position: record.position(),
            recorded_at_ms: record.head.recorded_at_ms,
            party: record.payload.party.clone(),
            refused,
            found,
            is_cut: false,
        };
        Ok((tried.refused.is_some() || !tried.found.is_empty()).then_some(tried))
    }

    /// Puts the packs among those that stand.
    fn put_on_trial(&mut self) {
        let rules = self.state.get(&subject::rules());
        let same = match (&rules, &self.known) {
            (Some(now), Some(known)) => Arc::ptr_eq(now, known),
            (None, None) => !self.overlay.is_empty(),
            _ => false,
        };
        if same {
            return;
        }
        let mut all = match rules.as_deref() {
            Some(Item::Rules(rules)) => rules.clone(),
            _ => RulesState::default(),
        };
        let ours = |p: &PackPublished| self.packs.iter().any(|own| own.pack == p.pack);
        all.packs.retain(|p| !ours(p));
        all.packs.extend(self.packs.iter().cloned());
        all.packs
            .sort_by(|a, b| (&a.pack, a.from_ms).cmp(&(&b.pack, b.from_ms)));
        let item = (subject::rules(), Arc::new(Item::Rules(all)));
        self.overlay.absorb(BTreeMap::from([item]));
        self.known = rules;
    }
}

/// The statement in a record.
fn statement_of(bytes: &bytes::Bytes) -> Result<Statement, String> {
    let record = Record::decode(bytes.clone()).map_err(|e| e.to_string())?;
    let head = Head::decode(record.head).map_err(|e| e.to_string())?;
    let signed = SignedStatement {
        payload: head.payload,
        signatures: head.signatures,
        events: record.events,
    };
    Statement::open(signed).map_err(|refused| refused.to_string())
}

/// Findings that the record does not have.
fn beyond(findings: &[Finding], record: &OpenRecord) -> Vec<Finding> {
    type Name = (i32, u32, Option<Subject>);
    let name = |f: &Finding| -> Name { (f.code, f.event_index, f.subject.clone()) };
    let mut had: Vec<Name> = record.findings.iter().flatten().map(name).collect();
    let new = |f: &&Finding| match had.iter().position(|known| *known == name(f)) {
        Some(at) => {
            had.swap_remove(at);
            false
        }
        None => true,
    };
    findings.iter().filter(new).cloned().collect()
}

//! A bench for the rules: a small world in process, a submission judged,
//! sealed, opened and folded as the ledger does it, and checked at every step.
//! No ledger, no files, no clock: time stands until a case moves it.
#![allow(
    dead_code,
    reason = "each test crate that uses the bench needs another part of it"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use hazledger::catalog::Uscc;
use hazledger::custody::decide::{self, Context, Recorded, decide, decide_genesis, keys_of};
use hazledger::custody::registry::LEDGER;
use hazledger::custody::state::{nowhere, touched_root};
use hazledger::custody::{Item, Items, State, subject};
use hazledger::event::codes::Refused;
use hazledger::event::record::{Additions, OpenRecord, SealedRecord, Standing, seal};
use hazledger::event::signing::{Purpose, SecretKey};
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, Statement, StatementId, ids};
use hazledger::pb::event::Body;
use hazledger::pb::{
    AccountKind, Authority, BaseRulePack, ClockStated, Event, EventRef, FindingCode, Genesis,
    KeyHolder, KeyRegistered, LedgerKey, Origin, OverdueLine, OverdueStated, Part, PartyRegistered,
    PartyStatus, Payload, PlaceRegistered, RefusalsAnchored, SignatureAlgorithm, SignedStatement,
    SiteRegistered, Stage, StateRecorded, StockLine, UnitRegistered,
};
use hazledger::proof::{Expect, Verifier, sign_commit};
use prost::Message as _;

/// When the bench's first record is made: 2026-01-01T00:00:00Z.
pub const START_MS: i64 = 1_767_225_600_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Authority, plant, carrier, mine, warehouse, disposer; the second authority.
pub const PARTIES: [char; 6] = ['P', 'C', 'M', 'W', 'D', 'A'];
/// A letter that no party has.
pub const NOBODY: char = 'N';

/// What the ledger says: the findings it recorded with, or its refusal.
pub type Answer = Result<Vec<FindingCode>, Refused>;

pub struct Bench {
    pub state: State,
    pub now: i64,
    pub genesis: Genesis,
    pub origin: Origin,
    /// Sealed records in order of position, each with the state's digest after it.
    pub records: Vec<(SealedRecord, Hash)>,
    /// Lots, consignments and disputes by the name a step gave them.
    pub names: BTreeMap<String, Bytes>,
    /// Events by the name a step gave them.
    pub events: BTreeMap<String, EventRef>,
    /// Statements that have been signed but not sent.
    pub prepared: BTreeMap<String, SignedStatement>,
    drafted: u64,
    /// A record is in it that no ledger would have made.
    forced: bool,
}

/// Whatever a case has recorded, the verifier finds nothing wrong with it.
impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.forced {
            verified(&self.records);
        }
    }
}

/// Each record as a batch of its own, signed with the ledger's key of then.
fn verified(records: &[(SealedRecord, Hash)]) {
    let Some((genesis, _)) = records.first() else {
        return;
    };
    let mut verifier = Verifier::new(Expect::default());
    let mut rotations = 0;
    for (position, (sealed, _)) in (0u64..).zip(records) {
        let signer = key(&ledger_name(rotations));
        let commit = sign_commit(&signer, genesis.hash, position, &[sealed.hash]);
        let batch = [sealed.bytes.clone()];
        verifier
            .batch(position, &batch, &commit.encode_to_vec().into())
            .unwrap();
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        let rotates = |e: &Event| matches!(e.body, Some(Body::LedgerKeyRotated(_)));
        rotations += usize::from(record.events.iter().flatten().any(rotates));
    }
    let report = verifier.finish().unwrap();
    assert_eq!(report.records, records.len() as u64);
}

/// The code of the party with this letter.
pub fn party(letter: char) -> String {
    let department = if letter == 'A' { '1' } else { '9' };
    Uscc::with_checks(department, '1', "150100", &format!("BENCH00{letter}"))
        .unwrap()
        .to_string()
}

/// The key of this name: `P1` and `P2` are persons of P, `P0` is its device,
/// `P7` has expired, `P8` is not yet valid.
pub fn key(name: &str) -> SecretKey {
    SecretKey::from_seed(blake3::hash(name.as_bytes()).as_bytes())
}

pub fn hash(what: &str) -> Bytes {
    Bytes::copy_from_slice(blake3::hash(what.as_bytes()).as_bytes())
}

pub fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

/// The ledger's key after so many rotations, by its name.
pub fn ledger_name(rotations: usize) -> String {
    match rotations {
        0 => "ledger".to_owned(),
        n => format!("ledger-{n}"),
    }
}

fn genesis(interval: u64) -> Genesis {
    let authority = |name: &str| Authority {
        party: party('A'),
        name_zh: "应急管理局".into(),
        name_en: "Emergency management".into(),
        public_key: Bytes::copy_from_slice(key(name).public().as_bytes()),
        holder_commitment: hash(name),
    };
    Genesis {
        ledger_public_key: Bytes::copy_from_slice(key("ledger").public().as_bytes()),
        authorities: vec![authority("A1"), authority("A2")],
        root_threshold: 2,
        state_record_interval: interval,
        base_rules: Some(BaseRulePack {
            measure_tolerance_ppm: 3_000,
            dispute_deadline_ms: 7 * DAY,
            back_dating_limit_ms: DAY,
            count_tolerance_ppm: 1_000,
            assay_due_ms: 10 * DAY,
        }),
    }
}

impl Bench {
    /// Its records, in order, and the state that they fold to.
    pub fn apart(mut self) -> (Vec<SealedRecord>, State) {
        let records = self.records.iter();
        let records = records.map(|(sealed, _)| sealed.clone()).collect();
        (records, std::mem::take(&mut self.state))
    }

    /// The whole world: genesis, parties with keys, sites and places.
    pub fn new() -> Bench {
        Bench::in_world(65_536)
    }

    /// The same with another interval of state records.
    pub fn in_world(interval: u64) -> Bench {
        let mut bench = Bench::with_genesis(interval);
        bench.say_all("A1+A2", registrations()).unwrap();
        bench
    }

    /// Record 0 alone.
    pub fn with_genesis(interval: u64) -> Bench {
        let mut bench = Bench {
            state: State::new(),
            now: START_MS,
            genesis: genesis(interval),
            origin: Origin {
                name: "bench.example".into(),
                genesis_hash: Hash::ZERO.to_bytes(),
            },
            records: Vec::new(),
            names: BTreeMap::new(),
            events: BTreeMap::new(),
            prepared: BTreeMap::new(),
            drafted: 0,
            forced: false,
        };
        let draft = bench.draft("A1", vec![event(Body::Genesis(bench.genesis.clone()))]);
        let signed = draft.sign(&key("A1"), &[&key("A2"), &key("ledger")]);
        let statement = Statement::open(signed).unwrap();
        let additions = decide_genesis(&statement).unwrap().additions;
        bench.record(&statement, &additions).unwrap();
        bench.origin.genesis_hash = bench.state.last_head().to_bytes();
        bench
    }

    /// A statement of the keys' first, at the bench's time, not yet signed.
    pub fn draft(&mut self, keys: &str, events: Vec<Event>) -> Draft {
        self.drafted += 1;
        let [_, _, _, _, _, _, random @ ..] = u128::from(self.drafted).to_be_bytes();
        Draft {
            origin: self.origin.clone(),
            id: StatementId::v7(self.now, random).unwrap(),
            party: party(keys.chars().next().unwrap()),
            happened_at_ms: self.now,
            expires_at_ms: self.now + DAY,
            events,
        }
    }

    /// A statement signed by `P1` or, with co-signers, `P1+W1`.
    pub fn signed(&mut self, keys: &str, body: Body) -> SignedStatement {
        let draft = self.draft(keys, vec![event(body)]);
        sign(&draft, keys)
    }

    /// One event, said by these keys.
    pub fn say(&mut self, keys: &str, body: Body) -> Answer {
        self.say_all(keys, vec![event(body)])
    }

    /// One event that happened so long ago.
    pub fn say_late(&mut self, keys: &str, ago_ms: i64, body: Body) -> Answer {
        let mut draft = self.draft(keys, vec![event(body)]);
        draft.happened_at_ms -= ago_ms;
        self.submit(sign(&draft, keys))
    }

    /// One statement of several events.
    pub fn say_all(&mut self, keys: &str, events: Vec<Event>) -> Answer {
        let draft = self.draft(keys, events);
        self.submit(sign(&draft, keys))
    }

    /// The whole way of a statement, as the ledger takes it. Nothing of a
    /// refused one is left behind.
    pub fn submit(&mut self, signed: SignedStatement) -> Answer {
        self.state_record();
        let statement = Statement::open(signed)?;
        let keys = keys_of(&self.state, &statement)?;
        statement.verify(&keys)?;
        let recorded = |reference: &EventRef| self.recorded(reference);
        let context = Context {
            position: self.state.next(),
            recorded_at_ms: self.now,
            genesis: &self.genesis,
            recorded: &recorded,
        };
        let decision = decide(&self.state, &statement, &context)?;
        let found = decision
            .additions
            .findings
            .iter()
            .map(hazledger::pb::Finding::code)
            .collect();
        self.record(&statement, &decision.additions)?;
        for (subject, item) in decision.items {
            assert_eq!(
                self.state.get(&subject),
                Some(item),
                "the fold gives what was decided"
            );
        }
        Ok(found)
    }

    /// What would be decided on a statement, which is not recorded.
    pub fn decided(&self, statement: &Statement) -> Additions {
        let context = Context {
            position: self.state.next(),
            recorded_at_ms: self.now,
            genesis: &self.genesis,
            recorded: &|_: &EventRef| None,
        };
        decide(&self.state, statement, &context).unwrap().additions
    }

    /// Records a statement with what a ledger that lies adds to it.
    pub fn force(&mut self, statement: &Statement, additions: &Additions) {
        self.forced = true;
        self.record(statement, additions).unwrap();
    }

    fn record(&mut self, statement: &Statement, additions: &Additions) -> Result<(), Refused> {
        let standing = Standing {
            position: self.state.next(),
            recorded_at_ms: self.now,
            previous: self.state.last_head(),
        };
        let sealed = seal(statement, additions, standing, &[7; 32])?;
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        self.state.apply(&record, &mut nowhere).unwrap();
        self.stock_is_what_the_lots_say();
        self.records.push((sealed, self.state.digest()));
        Ok(())
    }

    /// Stock is kept up change by change; here it is added up from the lots.
    fn stock_is_what_the_lots_say(&self) {
        let mut wanted: BTreeMap<String, BTreeMap<String, (i64, i64)>> = BTreeMap::new();
        let places: BTreeMap<String, String> = (self.state.items())
            .filter_map(|(subject, item)| match item.as_ref() {
                Item::Place(place) => {
                    let id = String::from_utf8_lossy(&subject.id).into_owned();
                    Some((id, place.registered.as_ref()?.unit.clone()))
                }
                _ => None,
            })
            .collect();
        let mut kept = BTreeMap::new();
        for (subject, item) in self.state.items() {
            match item.as_ref() {
                Item::Stock(stock) if !stock.lines.is_empty() => {
                    let id = String::from_utf8_lossy(&subject.id).into_owned();
                    let line = |l: &StockLine| (l.form.clone(), (l.gross_mg, l.contained_mg));
                    kept.insert(id, stock.lines.iter().map(line).collect());
                }
                Item::Lot(lot) => {
                    let born = lot.born.as_ref().unwrap();
                    let form = if lot.form.is_empty() {
                        &born.form
                    } else {
                        &lot.form
                    };
                    for balance in &lot.balances {
                        let account = balance.account.as_ref().unwrap();
                        if account.kind() != AccountKind::Held {
                            continue;
                        }
                        let party = &account.party;
                        let mut stands =
                            vec![party.clone(), format!("{party}/place/{}", account.place)];
                        let unit = places.get(&format!("{party}/{}", account.place));
                        if let Some(unit) = unit.filter(|unit| !unit.is_empty()) {
                            stands.push(format!("{party}/unit/{unit}"));
                        }
                        for stand in stands {
                            let sum = wanted.entry(stand).or_default();
                            let sum = sum.entry(form.clone()).or_default();
                            *sum = (sum.0 + balance.gross_mg, sum.1 + balance.contained_mg);
                        }
                    }
                }
                _ => {}
            }
        }
        assert_eq!(kept, wanted);
    }

    /// The ledger's own record, where the interval says that one stands.
    fn state_record(&mut self) {
        let position = self.state.next();
        if !position.is_multiple_of(self.genesis.state_record_interval) {
            return;
        }
        let recorded = StateRecorded {
            state_digest: self.state.digest().to_bytes(),
            touched_root: touched_root(self.state.touched()).to_bytes(),
            touched_count: self.state.touched().len() as u64,
        };
        // Not as those that are drafted, which the ledger may have said too.
        let [_, _, _, _, _, _, random @ ..] = ((1 << 64) | u128::from(position)).to_be_bytes();
        let draft = Draft {
            origin: self.origin.clone(),
            id: StatementId::v7(self.now, random).unwrap(),
            party: LEDGER.to_owned(),
            happened_at_ms: self.now,
            expires_at_ms: self.now + DAY,
            events: vec![event(Body::StateRecorded(recorded))],
        };
        let signer = key(&ledger_name(self.ledger_keys().len()));
        let statement = Statement::open(draft.sign(&signer, &[])).unwrap();
        let context = Context {
            position,
            recorded_at_ms: self.now,
            genesis: &self.genesis,
            recorded: &|_: &EventRef| None,
        };
        let decision = decide(&self.state, &statement, &context).unwrap();
        self.record(&statement, &decision.additions).unwrap();
    }

    /// The ledger's own word on its clock.
    pub fn say_of_clock(&mut self, word: ClockStated) -> Answer {
        self.say_itself(Body::ClockStated(word))
    }

    /// The same on the refusals that it keeps.
    pub fn say_of_refusals(&mut self, word: RefusalsAnchored) -> Answer {
        self.say_itself(Body::RefusalsAnchored(word))
    }

    /// The same on what is overdue: these lines.
    pub fn say_of_overdue(&mut self, lines: Vec<OverdueLine>) -> Answer {
        self.say_itself(Body::OverdueStated(OverdueStated { lines }))
    }

    /// What the ledger would find and say by itself, as it stands now.
    pub fn overdue(&self) -> Vec<OverdueLine> {
        let kinds = decide::overdue_kinds(&self.state);
        let items = kinds
            .into_iter()
            .flat_map(|kind| self.state.items_of(kind, &[]));
        let lines = items.flat_map(|(subject, item)| {
            decide::overdue_lines(&self.state, &subject, &item, self.now)
        });
        decide::overdue_in_order(lines.collect())
    }

    /// It looks, and says what it finds, if anything.
    pub fn look(&mut self) -> Answer {
        match self.overdue() {
            lines if lines.is_empty() => Ok(Vec::new()),
            lines => self.say_of_overdue(lines),
        }
    }

    /// The keys that have followed the ledger's first one.
    pub fn ledger_keys(&self) -> Vec<LedgerKey> {
        match self.state.get(&subject::ledger()).as_deref() {
            Some(Item::Ledger(ledger)) => ledger.keys.clone(),
            _ => Vec::new(),
        }
    }

    fn say_itself(&mut self, body: Body) -> Answer {
        let draft = Draft {
            party: LEDGER.to_owned(),
            ..self.draft("P1", vec![event(body)])
        };
        self.submit(sign(&draft, "ledger"))
    }

    fn recorded(&self, reference: &EventRef) -> Option<Recorded> {
        let records = self
            .records
            .iter()
            .map(|(sealed, _)| OpenRecord::open(&sealed.bytes).unwrap());
        let named = |r: &OpenRecord| {
            r.payload.party == reference.party && r.payload.id == reference.statement_id
        };
        let record = records.into_iter().find(named)?;
        let event = record.events.get(reference.event_index as usize)?.clone()?;
        let mut changes = Vec::new();
        for outcome in record.outcomes.iter().flatten() {
            for change in &outcome.changes {
                let cause = change.cause.unwrap_or_default();
                if cause.event_index == reference.event_index && cause.parked_position.is_none() {
                    changes.push((outcome.subject.clone().unwrap_or_default(), change.clone()));
                }
            }
        }
        Some(Recorded {
            position: record.position(),
            event_index: reference.event_index,
            event,
            changes,
            findings: record.findings.iter().flatten().cloned().collect(),
            payload: record.payload,
        })
    }

    /// Says one event and remembers it by name: the event, and the lot,
    /// consignment or dispute that is named after its first line.
    pub fn name(&mut self, name: &str, keys: &str, body: Body) -> Answer {
        let draft = self.draft(keys, vec![event(body)]);
        self.remember(name, &draft, keys);
        self.submit(sign(&draft, keys))
    }

    /// The same, but the statement is kept back until [`Bench::send`].
    pub fn prepare(&mut self, name: &str, keys: &str, body: Body) {
        let draft = self.draft(keys, vec![event(body)]);
        self.remember(name, &draft, keys);
        self.prepared.insert(name.to_owned(), sign(&draft, keys));
    }

    /// Sends what was prepared.
    pub fn send(&mut self, name: &str) -> Answer {
        let signed = self.prepared.get(name).unwrap().clone();
        self.submit(signed)
    }

    fn remember(&mut self, name: &str, draft: &Draft, keys: &str) {
        let acting = key(keys.split('+').next().unwrap());
        self.events
            .insert(name.to_owned(), draft.event_ref(0, &acting).unwrap());
        let derived = ids::derived(&draft.party, draft.id, 0, 0);
        self.names
            .insert(name.to_owned(), Bytes::copy_from_slice(&derived));
    }

    /// The id behind a name; 16 equal bytes for a name that nobody gave.
    pub fn id(&self, name: &str) -> Bytes {
        self.names
            .get(name)
            .cloned()
            .unwrap_or_else(|| Bytes::from_static(&[0x55; 16]))
    }

    /// The event behind a name; for another name one that nobody recorded.
    pub fn event(&self, name: &str) -> EventRef {
        self.events.get(name).cloned().unwrap_or_else(|| EventRef {
            party: party('P'),
            statement_id: StatementId::v7(self.now, [3; 10]).unwrap().to_bytes(),
            event_index: 0,
            event_digest: hash("nobody's event"),
        })
    }

    /// A statement whose header is changed before it is signed.
    pub fn reheaded(
        &mut self,
        keys: &str,
        body: Body,
        change: impl FnOnce(&mut Payload),
    ) -> SignedStatement {
        let mut signed = self.signed(keys, body);
        let mut payload = Payload::decode(signed.payload.clone()).unwrap();
        change(&mut payload);
        signed.payload = payload.encode_to_vec().into();
        resign(&mut signed, keys);
        signed
    }

    /// A statement with these bytes as its only body, rightly signed.
    pub fn with_body(&mut self, keys: &str, body: Bytes) -> SignedStatement {
        let draft = self.draft(keys, Vec::new());
        let mut signed = sign(&draft, keys);
        let salt = [9; 16];
        let digest =
            hazledger::event::digest::part_digest(hazledger::event::PartKind::Event, &salt, &body);
        let mut payload = Payload::decode(signed.payload.clone()).unwrap();
        payload.event_digests = vec![digest.to_bytes()];
        signed.payload = payload.encode_to_vec().into();
        signed.events = vec![Part {
            salt: Bytes::copy_from_slice(&salt),
            body,
        }];
        resign(&mut signed, keys);
        signed
    }
}

/// Signs with the keys named `P1+W1`, the first acting.
pub fn sign(draft: &Draft, keys: &str) -> SignedStatement {
    let keys: Vec<SecretKey> = keys.split('+').map(key).collect();
    let (acting, others) = keys.split_first().unwrap();
    draft.sign(acting, &others.iter().collect::<Vec<_>>())
}

/// Signs a payload again after it was changed.
pub fn resign(signed: &mut SignedStatement, keys: &str) {
    let mut keys: Vec<SecretKey> = keys.split('+').map(key).collect();
    keys.sort_by_key(SecretKey::id);
    signed.signatures = keys
        .iter()
        .map(|k| k.signature(Purpose::Statement, &signed.payload))
        .collect();
}

pub fn register_party(letter: char, status: PartyStatus) -> Body {
    Body::PartyRegistered(PartyRegistered {
        party: party(letter),
        name_zh: format!("企业{letter}"),
        name_en: format!("Party {letter}"),
        stages: vec![Stage::Storage.into()],
        status: status.into(),
        region: "150100".into(),
        ..PartyRegistered::default()
    })
}

pub fn register_key(name: &str, from_ms: i64, until_ms: i64) -> KeyRegistered {
    KeyRegistered {
        party: party(name.chars().next().unwrap()),
        algorithm: SignatureAlgorithm::Ed25519.into(),
        public_key: Bytes::copy_from_slice(key(name).public().as_bytes()),
        holder: if name.ends_with('0') {
            KeyHolder::Device
        } else {
            KeyHolder::Person
        }
        .into(),
        holder_commitment: hash(name),
        valid_from_ms: from_ms,
        valid_until_ms: until_ms,
        ..KeyRegistered::default()
    }
}

pub fn site(letter: char) -> SiteRegistered {
    SiteRegistered {
        party: party(letter),
        site: "S".into(),
        name_zh: "厂区".into(),
        name_en: "Site".into(),
        kind: "plant".into(),
        region: "150100".into(),
        ..SiteRegistered::default()
    }
}

pub fn unit(letter: char) -> UnitRegistered {
    UnitRegistered {
        party: party(letter),
        unit: "U".into(),
        site: "S".into(),
        name_zh: "罐区".into(),
        name_en: "Tank farm".into(),
        ..UnitRegistered::default()
    }
}

pub fn place(letter: char, code: &str) -> PlaceRegistered {
    PlaceRegistered {
        party: party(letter),
        place: code.into(),
        site: "S".into(),
        unit: "U".into(),
        name_zh: "库位".into(),
        name_en: "Place".into(),
        kind: "bay".into(),
        ..PlaceRegistered::default()
    }
}

/// Every party active, with its keys, a site, a unit and two places, T1 and T2.
fn registrations() -> Vec<Event> {
    let mut events = Vec::new();
    for letter in PARTIES.into_iter().filter(|l| *l != 'A') {
        events.push(event(register_party(letter, PartyStatus::Active)));
        for person in ['1', '2', '0'] {
            let name = format!("{letter}{person}");
            events.push(event(Body::KeyRegistered(register_key(
                &name,
                0,
                START_MS + 400 * DAY,
            ))));
        }
        events.push(event(Body::SiteRegistered(site(letter))));
        events.push(event(Body::UnitRegistered(unit(letter))));
        for code in ["T1", "T2"] {
            events.push(event(Body::PlaceRegistered(place(letter, code))));
        }
    }
    // P3 is the person of P1 with another key.
    let same_person = KeyRegistered {
        holder_commitment: hash("P1"),
        ..register_key("P3", 0, START_MS + 400 * DAY)
    };
    events.push(event(Body::KeyRegistered(same_person)));
    events.push(event(Body::KeyRegistered(register_key("P7", 0, START_MS))));
    events.push(event(Body::KeyRegistered(register_key(
        "P8",
        START_MS + 300 * DAY,
        START_MS + 400 * DAY,
    ))));
    events
}

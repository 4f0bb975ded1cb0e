//! What the rule book costs: statements decided a second where the registry and
//! the packs are as large as a province's, against the smallest that lets the
//! same statements through. Nothing is signed, recorded or folded: deciding is
//! what is measured.
//!
//! Each statement offers a load of sodium cyanide for carriage by road: every
//! rule of the national pack is asked, at two times.

use std::time::Instant;

use bytes::Bytes;
use hazledger::catalog::{RegionCode, Uscc, national_rules};
use hazledger::custody::decide::{Context, decide};
use hazledger::custody::{Item, State, account, subject};
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, LotId, Statement, StatementId};
use hazledger::pb::event::Body;
use hazledger::pb::offered::From;
use hazledger::pb::{
    AccountKind, BaseRulePack, Carriage, Event, EventRef, Genesis, Goods, KeyHolder, KeyRegistered,
    KeyState, LedgerState, LoadingChecks, LotBorn, LotState, MassBasis, Offered, Origin,
    PackPublished, PartyRegistered, PartyState, PartyStatus, PermitKind, PermitRegistered,
    PermitState, PermitStatus, PersonRegistered, PersonState, PlaceRegistered, PlaceState, Posting,
    Qualification, QualificationKind, Quantity, RulesState, SignatureAlgorithm, SiteRegistered,
    SiteState, Subject, SubjectKind, TitlePosting, TransportMode, VehicleKind, VehicleRegistered,
    VehicleState,
};

use crate::support::{Form, Row, median, rate, thousands};

/// The large registry.
const PARTIES: u32 = 10_000;
const PERMITS_EACH: u32 = 5;
const PACKS: u32 = 20;

/// When everything happens: in November 2026.
const NOW_MS: i64 = 1_795_000_000_000;
const LONG_AGO_MS: i64 = NOW_MS - 400 * 86_400_000;
const FAR_MS: i64 = NOW_MS + 400 * 86_400_000;

/// What the large registry must keep of the rate.
const WANTED: f64 = 0.7;

pub fn rows(form: &Form) -> Vec<Row> {
    let parties = thousands(f64::from(parties(form)));
    let permits = thousands(f64::from(parties_permits(form)));
    vec![
        Row::new("statements decided, smallest registry, one pack", ""),
        Row::new(
            format!("the same with {parties} parties, {permits} permits, {PACKS} packs"),
            "≥ 0.7 of that",
        ),
    ]
}

fn parties(form: &Form) -> u32 {
    form.pick(100, PARTIES, PARTIES)
}

fn parties_permits(form: &Form) -> u32 {
    parties(form) * PERMITS_EACH
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let key = SecretKey::from_seed(&[9; 32]);
    let statements = statements(&key, form.pick(50, 5_000, 20_000));
    let small = State::restore(items(&key, 3, 1, 1), 1, Hash::ZERO, NOW_MS);
    let large = items(&key, parties(form), PERMITS_EACH, PACKS);
    let large = State::restore(large, 1, Hash::ZERO, NOW_MS);
    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    for _ in 0..form.rounds {
        of_small.push(decided(&small, &statements));
        of_large.push(decided(&large, &statements));
    }
    let (small, large) = (median(of_small), median(of_large));
    rows[0].say(format!("{} /s", thousands(small)), Some(1.0));
    let ratio = large / small;
    rows[1].judge(
        format!("{} /s", thousands(large)),
        Some(ratio),
        ratio >= WANTED,
    );
}

/// Statements decided a second; every one is let through without a finding.
fn decided(state: &State, statements: &[Statement]) -> f64 {
    let genesis = genesis();
    let context = Context {
        position: 1,
        recorded_at_ms: NOW_MS,
        genesis: &genesis,
        recorded: &|_: &EventRef| None,
    };
    let start = Instant::now();
    for statement in statements {
        let decision = decide(state, statement, &context).unwrap();
        assert_eq!(decision.additions.findings, Vec::new());
    }
    rate(statements.len(), start.elapsed())
}

fn genesis() -> Genesis {
    Genesis {
        root_threshold: 1,
        state_record_interval: 1_000_000,
        base_rules: Some(BaseRulePack {
            dispute_deadline_ms: 1,
            back_dating_limit_ms: 86_400_000,
            ..BaseRulePack::default()
        }),
        ..Genesis::default()
    }
}

/// The party of a number: 0 gives, 1 carries, 2 takes.
fn code(number: u32) -> String {
    let body = format!("B{number:07}");
    Uscc::with_checks('9', '1', "150100", &body)
        .unwrap()
        .to_string()
}

fn commitment(of: &str) -> Bytes {
    Bytes::copy_from_slice(blake3::hash(of.as_bytes()).as_bytes())
}

fn lot() -> LotId {
    LotId([7; 16])
}

fn origin() -> Origin {
    Origin {
        name: "bench.example".into(),
        genesis_hash: Bytes::from_static(&[1; 32]),
    }
}

fn statements(key: &SecretKey, count: u32) -> Vec<Statement> {
    let offered = Offered {
        taker: code(1),
        from: Some(From::Place("STORE".into())),
        lines: vec![Goods {
            lot: lot().to_bytes(),
            loose: Some(Quantity {
                gross_mg: 20_000_000_000,
                measure: None,
            }),
            ..Goods::default()
        }],
        carriage: Some(Carriage {
            mode: TransportMode::Road.into(),
            waybill: "W-1".into(),
            vehicle: "蒙A10001".into(),
            crew: vec![commitment("driver"), commitment("escort")],
            consignee: code(2),
            ..Carriage::default()
        }),
        road_pass: "PASS-1".into(),
        loading_checks: Some(LoadingChecks {
            vehicle: true,
            crew: true,
            tank: true,
            goods: true,
            papers: true,
            by: commitment("loader"),
        }),
        papers_passed_on: true,
        ..Offered::default()
    };
    let statement = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        let draft = Draft {
            origin: origin(),
            id: StatementId::v7(NOW_MS, [0, 0, 0, 0, 0, 0, a, b, c, d]).unwrap(),
            party: code(0),
            happened_at_ms: NOW_MS,
            expires_at_ms: FAR_MS,
            events: vec![Event {
                external_refs: Vec::new(),
                body: Some(Body::Offered(offered.clone())),
            }],
        };
        Statement::open(draft.sign(key, &[])).unwrap()
    };
    (0..count).map(statement).collect()
}

/// The national pack without what is asked of papers that a bench has not, for
/// a region.
fn pack(name: String, region: &str) -> PackPublished {
    let asked = national_rules()
        .iter()
        .filter(|rule| rule.from == "2026-05-01");
    PackPublished {
        pack: name,
        name_zh: "规则".into(),
        region: region.into(),
        from_ms: LONG_AGO_MS,
        lines: asked
            .map(|rule| rule.line.clone())
            .filter(|line| {
                let name = line.rule().as_str_name();
                !name.ends_with("_FIELDS") && !name.ends_with("TWO_PERSONS")
            })
            .collect(),
        ..PackPublished::default()
    }
}

fn permit(party: u32, number: &str, kind: PermitKind) -> (Subject, Item) {
    let registered = PermitRegistered {
        party: code(party),
        number: number.into(),
        kind: kind.into(),
        issuer: "bench".into(),
        status: PermitStatus::Granted.into(),
        basis: MassBasis::Gross.into(),
        from_ms: LONG_AGO_MS,
        until_ms: FAR_MS,
        ..PermitRegistered::default()
    };
    let subject = subject::permit(&registered.party, number);
    let state = PermitState {
        registered: Some(registered),
        ..PermitState::default()
    };
    (subject, Item::Permit(state))
}

/// Parties with so many permits each, one of which is the one that is asked
/// for.
fn party_with(number: u32, permits: u32) -> Vec<(Subject, Item)> {
    let kind = match number {
        1 => PermitKind::RoadTransport,
        _ => PermitKind::Trade,
    };
    let mut items: Vec<(Subject, Item)> = (0..permits)
        .map(|at| {
            let kind = if at + 1 == permits {
                kind
            } else {
                PermitKind::Port
            };
            permit(number, &format!("N-{number}-{at}"), kind)
        })
        .collect();
    if number == 0 {
        items.push(permit(0, "PASS-1", PermitKind::HighlyToxicRoadPass));
    }
    let mut numbers: Vec<String> = items
        .iter()
        .filter_map(|(_, item)| match item {
            Item::Permit(permit) => permit.registered.as_ref().map(|r| r.number.clone()),
            _ => None,
        })
        .collect();
    numbers.sort();
    let registered = PartyRegistered {
        party: code(number),
        name_zh: "单位".into(),
        status: PartyStatus::Active.into(),
        region: "150100".into(),
        ..PartyRegistered::default()
    };
    let state = PartyState {
        registered: Some(registered),
        permits: numbers,
        ..PartyState::default()
    };
    items.push((subject::party(&code(number)), Item::Party(state)));
    items
}

/// Everything that there is before the first statement.
fn items(key: &SecretKey, parties: u32, permits: u32, packs: u32) -> Vec<(Subject, Item)> {
    let mut items = vec![
        (subject::ledger(), ledger()),
        (subject::key(key.public().id()), signer(key)),
        (subject::place(&code(0), "STORE"), place()),
        (subject::within(SubjectKind::Site, &code(0), "SITE"), site()),
        (subject::lot(lot()), stock()),
        (subject::vehicle("蒙A10001"), vehicle()),
        person("driver", QualificationKind::Driver),
        person("escort", QualificationKind::Escort),
    ];
    items.extend((0..parties).flat_map(|number| party_with(number, permits)));
    // Other cities' packs are looked at and passed over.
    let mut all = vec![pack("national".into(), RegionCode::NATION.as_str())];
    all.extend((1..packs).map(|at| pack(format!("city-{at:02}"), &format!("44{at:02}00"))));
    all.sort_by(|a, b| a.pack.cmp(&b.pack));
    items.push((
        subject::rules(),
        Item::Rules(RulesState {
            packs: all,
            last: 0,
        }),
    ));
    items
}

fn ledger() -> Item {
    let origin = origin();
    Item::Ledger(LedgerState {
        origin_name: origin.name,
        genesis_hash: origin.genesis_hash,
        genesis: Some(genesis()),
        ..LedgerState::default()
    })
}

fn signer(key: &SecretKey) -> Item {
    Item::Key(KeyState {
        registered: Some(KeyRegistered {
            party: code(0),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key: Bytes::copy_from_slice(key.public().as_bytes()),
            holder: KeyHolder::Person.into(),
            holder_commitment: commitment("signer"),
            valid_until_ms: i64::MAX,
            ..KeyRegistered::default()
        }),
        ..KeyState::default()
    })
}

fn place() -> Item {
    Item::Place(PlaceState {
        registered: Some(PlaceRegistered {
            party: code(0),
            place: "STORE".into(),
            site: "SITE".into(),
            ..PlaceRegistered::default()
        }),
        ..PlaceState::default()
    })
}

fn site() -> Item {
    Item::Site(SiteState {
        registered: Some(SiteRegistered {
            party: code(0),
            site: "SITE".into(),
            region: "150100".into(),
            ..SiteRegistered::default()
        }),
        last: 0,
    })
}

/// A hundred tonnes.
fn stock() -> Item {
    let (gross_mg, contained_mg) = (100_000_000_000, 98_000_000_000);
    let posting = |account, sign: i64| Posting {
        account: Some(account),
        gross_mg: sign * gross_mg,
        contained_mg: sign * contained_mg,
    };
    Item::Lot(LotState {
        born: Some(LotBorn {
            label: "L".into(),
            form: "NACN-1689".into(),
            content_ppm: 980_000,
            source: AccountKind::Produced.into(),
            declarer: code(0),
            ..LotBorn::default()
        }),
        content_ppm: 980_000,
        balances: vec![
            posting(account::plain(AccountKind::Produced), -1),
            posting(account::held(&code(0), "STORE"), 1),
        ],
        titles: vec![TitlePosting {
            party: code(0),
            gross_mg,
        }],
        born_happened_at_ms: LONG_AGO_MS,
        latest_happened_at_ms: LONG_AGO_MS,
        ..LotState::default()
    })
}

fn vehicle() -> Item {
    Item::Vehicle(VehicleState {
        registered: Some(VehicleRegistered {
            party: code(1),
            vehicle: "蒙A10001".into(),
            kind: VehicleKind::TankTruck.into(),
            certificate_until_ms: FAR_MS,
            tank: "TANK-1".into(),
            inspection_until_ms: FAR_MS,
            media: vec!["NACN-1689".into()],
            ..VehicleRegistered::default()
        }),
        ..VehicleState::default()
    })
}

fn person(who: &str, kind: QualificationKind) -> (Subject, Item) {
    let registered = PersonRegistered {
        party: code(1),
        person: commitment(who),
        qualifications: vec![Qualification {
            kind: kind.into(),
            from_ms: LONG_AGO_MS,
            until_ms: FAR_MS,
            withdrawn: false,
        }],
    };
    let state = PersonState {
        registered: Some(registered),
        last: 0,
    };
    (subject::person(&commitment(who)), Item::Person(state))
}

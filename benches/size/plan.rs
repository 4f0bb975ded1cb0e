//! What happens in the data set: which statement comes at which position, so
//! that so many lots are live at the end. Deterministic, so that a later run
//! can go on where the last one stopped, and nothing but the numbers is kept.

use std::collections::VecDeque;

use hazledger::catalog::Uscc;
use hazledger::event::LotId;
use hazledger::event::StatementId;
use hazledger::event::ids::derived;
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Event, Goods, Moved, NewLot, Origin, Produced, Quantity, SignedStatement, Used,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Parties that act, and places of each.
pub const PARTIES: usize = 8;
pub const PLACES: u64 = 16;
/// The data set lives through this much time before now: inside the window of
/// ids, a day short of it, so that all of it still is when it is measured.
pub const LIVED_MS: i64 = 29 * 24 * 60 * 60 * 1000;
/// Statements stay valid for so long.
const EXPIRES_MS: i64 = 40 * 24 * 60 * 60 * 1000;
/// Milligrams of a lot, and of a use of it: no lot that stays is used up.
const LOT_MG: i64 = 25_000_000;
const USE_MG: i64 = 1_000;

/// An enterprise that acts.
pub struct Party {
    pub code: String,
    pub key: SecretKey,
}

pub fn parties() -> Vec<Party> {
    (0..PARTIES)
        .map(|n| Party {
            code: Uscc::with_checks('9', '1', "150200", &format!("MA0P{n:04}"))
                .unwrap()
                .as_str()
                .to_owned(),
            key: SecretKey::from_seed(&[100 + n as u8; 32]),
        })
        .collect()
}

pub fn authority_code() -> String {
    let code = Uscc::with_checks('9', '1', "150200", "MA0AUTH1").unwrap();
    code.as_str().to_owned()
}

pub fn place(number: u64) -> String {
    format!("P{number:02}")
}

/// A lot that stays.
#[derive(Clone, Copy)]
struct Lot {
    id: LotId,
    party: u8,
    place: u8,
    left_mg: i64,
}

/// The order of things; see the module.
pub struct Plan {
    parties: Vec<Party>,
    origin: Origin,
    records: u64,
    live: u64,
    growing: bool,
    until_ms: i64,
    lots: Vec<Lot>,
    /// Lots that are used up by a next statement.
    ending: VecDeque<Lot>,
    rng: ChaCha8Rng,
}

/// A statement that is still to be signed.
pub struct Unsigned {
    party: usize,
    draft: Draft,
    pub at_ms: i64,
}

impl Plan {
    /// `records` in all, `live` of their lots still there at the end.
    pub fn new(origin: Origin, records: u64, live: u64, until_ms: i64) -> Plan {
        Plan {
            parties: parties(),
            origin,
            records,
            live,
            growing: true,
            until_ms,
            lots: Vec::new(),
            ending: VecDeque::new(),
            rng: ChaCha8Rng::seed_from_u64(7),
        }
    }

    /// When the record at a position is recorded.
    pub fn time(&self, position: u64) -> i64 {
        let share = u128::from(position) * LIVED_MS as u128 / u128::from(self.records.max(1));
        self.until_ms - LIVED_MS + (share as i64).min(LIVED_MS)
    }

    /// The statement that is to become the record at a position.
    pub fn next(&mut self, position: u64) -> Unsigned {
        let at_ms = self.time(position);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.rng.next_u64().to_be_bytes());
        random[2..].copy_from_slice(&position.to_be_bytes());
        let id = StatementId::v7(at_ms, random).unwrap();
        let growth = if self.growing { self.live } else { 0 };
        let due = u128::from(growth) * u128::from(position + 1) / u128::from(self.records.max(1));
        let roll = self.rng.next_u64();
        let (party, body) = if (self.lots.len() as u128) < due || self.lots.is_empty() {
            self.produce(id, position, true)
        } else if let Some(lot) = self.ending.pop_front() {
            (lot.party, used(lot, LOT_MG))
        } else if roll % 9 < 4 {
            self.produce(id, position, false)
        } else {
            let at = (self.rng.next_u64() % self.lots.len() as u64) as usize;
            // A lot that a later run moved would not be where this one looks.
            if roll % 9 < 6 && self.growing {
                let to =
                    ((u64::from(self.lots[at].place) + 1 + roll / 9 % (PLACES - 1)) % PLACES) as u8;
                let lot = self.lots[at];
                self.lots[at].place = to;
                (lot.party, moved(lot, to))
            } else {
                self.lots[at].left_mg -= USE_MG;
                (self.lots[at].party, used(self.lots[at], USE_MG))
            }
        };
        let party = usize::from(party);
        let draft = Draft {
            origin: self.origin.clone(),
            id,
            party: self.parties[party].code.clone(),
            happened_at_ms: at_ms,
            expires_at_ms: at_ms + EXPIRES_MS,
            events: vec![Event {
                external_refs: Vec::new(),
                body: Some(body),
            }],
        };
        Unsigned {
            party,
            draft,
            at_ms,
        }
    }

    fn produce(&mut self, id: StatementId, position: u64, stays: bool) -> (u8, Body) {
        let party = (self.rng.next_u64() % PARTIES as u64) as u8;
        let place_number = (self.rng.next_u64() % PLACES) as u8;
        let code = &self.parties[usize::from(party)].code;
        let lot = Lot {
            id: LotId(derived(code, id, 0, 0)),
            party,
            place: place_number,
            left_mg: LOT_MG,
        };
        if stays {
            self.lots.push(lot);
        } else {
            self.ending.push_back(lot);
        }
        let body = Body::Produced(Produced {
            lot: Some(NewLot {
                label: format!("AN-{position:09}"),
                form: "AN-1942".into(),
                quantity: Some(mass(LOT_MG)),
                content_ppm: 995_000,
                place: place(u64::from(place_number)),
                data_sheet_hash: vec![1; 32].into(),
                label_hash: vec![2; 32].into(),
                documents: Vec::new(),
            }),
        });
        (party, body)
    }

    pub fn sign(&self, unsigned: &Unsigned) -> SignedStatement {
        unsigned.draft.sign(&self.parties[unsigned.party].key, &[])
    }

    /// Whose ledger what is signed from now on is for.
    pub fn belongs_to(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Goes on as from here, with everything now: for statements that are
    /// submitted to a ledger that has run so far.
    pub fn now(&mut self, now_ms: i64) {
        self.until_ms = now_ms;
        self.growing = false;
        self.ending.clear();
        self.rng = ChaCha8Rng::seed_from_u64(now_ms as u64);
    }
}

fn mass(gross_mg: i64) -> Quantity {
    Quantity {
        gross_mg,
        measure: None,
    }
}

fn goods(lot: Lot, gross_mg: i64) -> Goods {
    Goods {
        lot: lot.id.to_bytes(),
        loose: Some(mass(gross_mg)),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

fn used(lot: Lot, gross_mg: i64) -> Body {
    Body::Used(Used {
        goods: Some(goods(lot, gross_mg)),
        place: place(u64::from(lot.place)),
        purpose: "leaching".into(),
    })
}

fn moved(lot: Lot, to: u8) -> Body {
    Body::Moved(Moved {
        goods: Some(goods(lot, lot.left_mg)),
        from_place: place(u64::from(lot.place)),
        to_place: place(u64::from(to)),
    })
}

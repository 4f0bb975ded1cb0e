//! A random history: what is said next, and whether the ledger answers as the
//! opinion has it.

use std::collections::{BTreeMap, BTreeSet};

use hazledger::event::codes::name;
use hazledger::pb::event::Body;
use hazledger::pb::{
    FindingCode, HandoffPurpose, NewLot, PartyRegistered, PartyStatus, Produced, RefusalCode,
    RuleKind, SiteRegistered, Stage,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::bench::{Answer, Bench, DAY, HOUR, MINUTE, register_party, site};
use super::entered::{Entered, Goods, Permit};
use super::hands::Hands;
use super::opinion::{Opinion, RULES, Setting};
use super::shipments::{Trip, Waiting};

/// How often something was met: kept, refused, found at an act, found at a
/// fact.
#[derive(Clone, Copy, Default, Debug)]
pub struct Met {
    pub kept: usize,
    pub refused: usize,
    pub at_acts: usize,
    pub at_facts: usize,
}

/// Handed over in bulk, and open to go back.
#[derive(Clone, Debug)]
pub struct Given {
    pub name: String,
    pub left_kg: i64,
    pub permit: Option<String>,
}

/// One history, and what it has come to.
pub struct History {
    pub b: Bench,
    pub dice: StdRng,
    pub entered: Entered,
    made: u64,
    /// Drums of the stock that are gone.
    drums: u64,
    /// Kilograms of the stock that W and M have in bulk.
    pub stock: BTreeMap<char, i64>,
    /// What of the nitrocellulose is left, milligrams.
    pub nc_mg: i64,
    pub offers: Vec<Waiting>,
    pub road: Vec<Trip>,
    pub given: Vec<Given>,
    pub met: BTreeMap<FindingCode, Met>,
    /// Acts and facts that nothing stands against.
    pub clean: usize,
}

/// Where a party is, and where its store is.
pub fn home(letter: char) -> &'static str {
    match letter {
        'P' => "150100",
        'W' => "150122",
        'C' => "110000",
        _ => "150200",
    }
}

pub fn store(letter: char) -> &'static str {
    match letter {
        'W' => "150100",
        _ => "150200",
    }
}

/// One kilogram, in milligrams.
pub const KG: i64 = 1_000_000;

impl History {
    pub fn new(seed: u64) -> History {
        let mut b = Bench::new();
        for letter in ['P', 'M', 'W', 'C', 'D'] {
            b.say("A1", party_at_home(letter, PartyStatus::Active))
                .unwrap();
            let store = SiteRegistered {
                region: store(letter).into(),
                ..site(letter)
            };
            b.say("A1", Body::SiteRegistered(store)).unwrap();
        }
        let lots = [
            ("stock", "NACN-1689", "100000"),
            ("other", "NACN-1689", "100000"),
            ("an", "AN-1942", "100000"),
            ("nc", "NC-2555", "1000"),
        ];
        for (label, form, mass) in lots {
            let lot = NewLot {
                form: form.into(),
                content_ppm: content_ppm(form),
                ..b.lot(label, mass, "T1")
            };
            let made = Produced { lot: Some(lot) };
            b.name(label, "P1", Body::Produced(made)).unwrap();
        }
        let drums = b.packed("stock", "T1", "1-2000", "1");
        b.say("P1", Body::Packed(drums)).unwrap();
        let mut entered = Entered::default();
        entered.assayed_ms = b.now;
        History {
            b,
            dice: StdRng::seed_from_u64(seed),
            entered,
            made: 0,
            drums: 0,
            stock: BTreeMap::new(),
            nc_mg: 1000 * KG,
            offers: Vec::new(),
            road: Vec::new(),
            given: Vec::new(),
            met: BTreeMap::new(),
            clean: 0,
        }
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.dice.random_range(0..of.len())].clone()
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.dice.random_bool(probability)
    }

    pub fn name(&mut self) -> String {
        self.made += 1;
        format!("n{}", self.made)
    }

    /// A moment within ten days of now, before or after.
    pub fn moment(&mut self) -> i64 {
        self.b.now + self.dice.random_range(-240 * HOUR..=240 * HOUR)
    }

    pub fn step(&mut self) {
        self.b.now += self.dice.random_range(MINUTE..=90 * MINUTE);
        match self.dice.random_range(0..40) {
            0..=3 => self.publish(),
            4..=8 => self.change_registry(),
            9..=14 => self.hand_over(),
            15..=17 => self.sell(),
            18..=24 => self.ship(),
            25..=29 => self.take(),
            30..=31 => self.relay(),
            32..=34 => self.deliver(),
            35 => self.give_back(),
            36 => self.arrive_from_outside(),
            37 => self.count(),
            38 => self.assay(),
            _ => self.use_some(),
        }
    }

    /// Goods of the plant's for a line of an offer, and the line.
    pub fn goods(&mut self) -> (Vec<String>, Vec<Goods>) {
        let kilograms = self.dice.random_range(1..=3_i64);
        let of = |lot: &str, form| goods(lot, form, kilograms);
        let bulk = |lot: &str| format!("{lot} {kilograms}");
        match self.dice.random_range(0..10) {
            0..=3 => (vec![bulk("stock")], vec![of("stock", "NACN-1689")]),
            4 => (vec![bulk("other")], vec![of("other", "NACN-1689")]),
            5 | 6 => (vec![bulk("an")], vec![of("an", "AN-1942")]),
            7 => {
                let both = vec![of("stock", "NACN-1689"), of("other", "NACN-1689")];
                (vec![bulk("stock"), bulk("other")], both)
            }
            8 => {
                let both = vec![of("stock", "NACN-1689"), of("an", "AN-1942")];
                (vec![bulk("stock"), bulk("an")], both)
            }
            _ => {
                self.drums += 1;
                let line = format!("stock #{}", self.drums);
                let drum = Goods {
                    loose: false,
                    ..goods(&line, "NACN-1689", 1)
                };
                (vec![line], vec![drum])
            }
        }
    }

    /// Some purchase permit of a buyer's that is registered, by number.
    pub fn some_permit(&mut self, buyer: char) -> Option<String> {
        let own = self.entered.permits.keys();
        let numbers: Vec<String> = own
            .filter(|(holder, _)| *holder == buyer)
            .map(|(_, number)| number.clone())
            .collect();
        if numbers.is_empty() || self.chance(0.4) {
            return None;
        }
        Some(self.pick(&numbers))
    }

    /// The permit that hands name, as it stands.
    pub fn permit_of(&self, hands: &Hands, holder: char) -> Option<Permit> {
        let key = (holder, hands.permit.clone()?);
        self.entered.permits.get(&key).cloned()
    }

    /// How long ago it is said to have happened.
    pub fn ago(&mut self) -> i64 {
        if self.chance(0.4) {
            self.dice.random_range(1..=20 * HOUR)
        } else {
            0
        }
    }

    /// Says an act, and holds the answer against the opinion. Whether it is
    /// recorded.
    pub fn act(
        &mut self,
        called: &str,
        keys: &str,
        body: &Body,
        judge: impl FnOnce(&mut Opinion<'_>, &[i64]),
    ) -> bool {
        let ago = self.ago();
        let times = [self.b.now - ago, self.b.now];
        let mut opinion = Opinion::new(&self.entered);
        judge(&mut opinion, &times);
        let signer = keys.chars().next().unwrap();
        back_dating(&mut opinion, signer, &times);
        let (refusal, found, kept) = (opinion.refusal(), opinion.found, opinion.kept);
        let refused = opinion.refused;
        let now = self.b.now;
        self.b.now = times[0];
        self.b.prepare(called, keys, body.clone());
        self.b.now = now;
        match (self.b.send(called), refusal) {
            (Ok(told), None) => {
                self.compare(body, &told, &found);
                self.count_met(&found, &kept, false);
                true
            }
            (Err(answer), Some(code)) if answer.code == code => {
                for code in refused {
                    self.met_of(finding_for(code)).refused += 1;
                }
                false
            }
            (answer, _) => panic!(
                "the ledger says {}, we say {refused:?}, found {found:?}: {body:?}",
                shown(&answer)
            ),
        }
    }

    /// Says a fact, now or late: it is never refused.
    pub fn fact(&mut self, keys: &str, body: &Body, judge: impl FnOnce(&mut Opinion<'_>, &[i64])) {
        let ago = self.ago();
        let times = [self.b.now - ago, self.b.now];
        let mut opinion = Opinion::new(&self.entered);
        judge(&mut opinion, &times[..1]);
        back_dating(&mut opinion, keys.chars().next().unwrap(), &times);
        assert!(opinion.refused.is_empty(), "a fact is to be recorded");
        let (found, kept) = (opinion.found, opinion.kept);
        match self.b.say_late(keys, ago, body.clone()) {
            Ok(told) => {
                self.compare(body, &told, &found);
                self.count_met(&found, &kept, true);
            }
            Err(refused) => panic!("a fact was refused: {refused}: {body:?}"),
        }
    }

    fn compare(&self, body: &Body, told: &[FindingCode], found: &BTreeSet<FindingCode>) {
        let ours = |code: &FindingCode| {
            *code == FindingCode::SealedGoodsTouched || RULES.iter().any(|(_, _, f)| f == code)
        };
        let told: BTreeSet<FindingCode> = told.iter().copied().filter(ours).collect();
        let packs = self.entered.packs();
        assert_eq!(
            &told, found,
            "the ledger's findings (left) are others than ours, under {packs} packs: {body:?}"
        );
    }

    fn met_of(&mut self, code: FindingCode) -> &mut Met {
        self.met.entry(code).or_default()
    }

    fn count_met(
        &mut self,
        found: &BTreeSet<FindingCode>,
        kept: &BTreeSet<FindingCode>,
        is_fact: bool,
    ) {
        if found.is_empty() {
            self.clean += 1;
        }
        for code in found {
            let met = self.met_of(*code);
            if is_fact {
                met.at_facts += 1;
            } else {
                met.at_acts += 1;
            }
        }
        for code in kept.difference(found) {
            self.met_of(*code).kept += 1;
        }
    }
}

/// Told longer after it happened than where the signer is allows.
fn back_dating(opinion: &mut Opinion<'_>, signer: char, times: &[i64]) {
    let (happened, recorded) = (times[0], times[1]);
    let (rule, unit_and_base) = (RuleKind::BackDating, (MINUTE, DAY));
    let of = opinion.entered;
    let limit_ms = of.figure(rule, None, home(signer), happened, unit_and_base);
    opinion.late(FindingCode::BackDated, limit_ms, recorded - happened);
}

fn finding_for(code: RefusalCode) -> FindingCode {
    let rule = RULES.iter().find(|(_, refusal, _)| *refusal == Some(code));
    rule.map_or(FindingCode::SealedGoodsTouched, |(_, _, finding)| *finding)
}

fn shown(answer: &Answer) -> String {
    match answer {
        Ok(findings) => format!("{findings:?}"),
        Err(refused) => format!("{}: {refused}", name(refused.code)),
    }
}

pub fn content_ppm(form: &str) -> u32 {
    if form.starts_with("NC-") {
        700_000
    } else {
        980_000
    }
}

/// So many kilograms of a lot, in bulk.
pub fn goods(lot: &str, form: &'static str, kilograms: i64) -> Goods {
    Goods {
        lot: lot.to_owned(),
        form,
        gross_mg: kilograms * KG,
        contained_mg: kilograms * i64::from(content_ppm(form)),
        loose: true,
        waste: false,
    }
}

/// The same and so many kilograms more.
pub fn more(one: &Goods, kilograms: i64) -> Goods {
    Goods {
        gross_mg: one.gross_mg + kilograms * KG,
        contained_mg: one.contained_mg + kilograms * i64::from(content_ppm(one.form)),
        ..one.clone()
    }
}

/// A party where it is; the disposer is registered to dispose.
pub fn party_at_home(letter: char, status: PartyStatus) -> Body {
    let Body::PartyRegistered(e) = register_party(letter, status) else {
        unreachable!("it registers a party")
    };
    let stage = match letter {
        'D' => Stage::Disposal,
        _ => Stage::Storage,
    };
    Body::PartyRegistered(PartyRegistered {
        region: home(letter).into(),
        stages: vec![stage.into()],
        ..e
    })
}

/// An act, judged in all regions that it touches.
pub fn act_in(regions: &[&'static str], times: &[i64]) -> Setting {
    Setting {
        regions: regions.to_vec(),
        times: times.to_vec(),
        can_be_refused: true,
    }
}

/// A fact, judged when it happened.
pub fn fact_in(regions: &[&'static str], times: &[i64]) -> Setting {
    Setting {
        can_be_refused: false,
        ..act_in(regions, times)
    }
}

/// Whether the way is free whatever is sealed or listed: to disposal.
pub fn is_free(purpose: HandoffPurpose, last: char) -> bool {
    purpose == HandoffPurpose::Disposal || last == 'D'
}

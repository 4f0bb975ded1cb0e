//! Random acts mixed with random changes of the registry and of the rules: what
//! the ledger holds, the rules of both times allowed, or a finding says what was
//! wrong; and no fact is ever refused for a rule. The opinion that it is held
//! against is this file's own: a list of everything that was entered, read from
//! its end.
//!
//! And the fold asks no rule: with all packs gone from what it may ask, the same
//! records give the same digests.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "rules/rulebook.rs"]
mod rulebook;
#[path = "rules/table.rs"]
#[allow(dead_code, reason = "the tables' words bring it along")]
mod table;
#[path = "rules/tanks.rs"]
mod tanks;
#[path = "rules/verbs.rs"]
mod verbs;

use std::collections::BTreeSet;

use hazledger::custody::state::nowhere;
use hazledger::custody::{Item, State};
use hazledger::event::codes::name;
use hazledger::event::record::OpenRecord;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Carriage, Offered, PackPublished, PermitKind, PermitRegistered, PermitStatus, PersonRegistered,
    QualificationKind, RuleKind, RuleLine, RuleMode, RulesState, VehicleRegistered,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use bench::{Answer, Bench, DAY, HOUR, hash};
use verbs::mg;

/// Steps of a history.
const STEPS: usize = 900;

/// The first refusal that a rule can give, and the codes of rules' findings.
const FIRST_RULE: i32 = 180;

/// The rules that are played with: each has its finding and its refusal under
/// one name.
const RULES: [(RuleKind, &str); 5] = [
    (RuleKind::Prohibited, "PROHIBITED"),
    (RuleKind::Restricted, "RESTRICTED"),
    (RuleKind::CarrierPermit, "CARRIER_PERMIT"),
    (RuleKind::VehicleCertificate, "VEHICLE_CERTIFICATE"),
    (RuleKind::DriverQualification, "DRIVER_QUALIFICATION"),
];

const PLATES: [&str; 3] = ["蒙A10001", "蒙A10002", "蒙A10003"];
const DRIVERS: [&str; 3] = ["driver one", "driver two", "driver three"];

/// Everything that was entered, latest last.
#[derive(Default)]
struct Entered {
    packs: Vec<PackPublished>,
    permits: Vec<PermitRegistered>,
    vehicles: Vec<VehicleRegistered>,
    persons: Vec<PersonRegistered>,
}

/// Whether something is as it should be, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Good,
    Bad,
    /// Nothing is registered, or not by an authority.
    Nothing,
}

/// What an act or a fact is about.
#[derive(Clone, Debug)]
struct About {
    mass_mg: i64,
    vehicle: String,
    driver: String,
    carried: bool,
}

impl Entered {
    /// The line of a rule at a time: of each pack its latest version that has
    /// begun, if it has not ended; the region's before the country's.
    fn line(&self, rule: RuleKind, at: i64) -> Option<&RuleLine> {
        let version = |pack: &str| {
            let of = self.packs.iter().filter(|p| p.pack == pack);
            let begun = of.filter(|p| p.from_ms <= at);
            let latest = begun.map(|p| p.from_ms).max()?;
            let mut last = self.packs.iter().rev();
            let version = last.find(|p| p.pack == pack && p.from_ms == latest)?;
            (version.until_ms == 0 || at < version.until_ms).then_some(version)
        };
        ["local", "national"]
            .into_iter()
            .filter_map(version)
            .find_map(|p| p.lines.iter().find(|l| l.rule() == rule))
    }

    fn known(&self, rule: RuleKind, line: &RuleLine, about: &About, at: i64) -> Known {
        let good = |is: bool| if is { Known::Good } else { Known::Bad };
        match rule {
            RuleKind::Prohibited => Known::Bad,
            RuleKind::Restricted => good(about.mass_mg <= line.limit),
            _ if !about.carried => Known::Good,
            RuleKind::CarrierPermit => self.carrier(at),
            RuleKind::VehicleCertificate => {
                let mut last = self.vehicles.iter().rev();
                let vehicle = last.find(|v| v.vehicle == about.vehicle);
                vehicle.map_or(Known::Nothing, |v| good(at < v.certificate_until_ms))
            }
            RuleKind::DriverQualification => {
                let mut last = self.persons.iter().rev();
                let person = last.find(|p| p.person == hash(&about.driver));
                person.map_or(Known::Nothing, |p| {
                    let q = &p.qualifications[0];
                    good((q.from_ms..q.until_ms).contains(&at) && !q.withdrawn)
                })
            }
            _ => Known::Good,
        }
    }

    /// The best of the carrier's permits, each as it was entered last.
    fn carrier(&self, at: i64) -> Known {
        let numbers: BTreeSet<&str> = self.permits.iter().map(|p| p.number.as_str()).collect();
        let mut all = Vec::new();
        for number in numbers {
            let mut last = self.permits.iter().rev();
            let permit = last.find(|p| p.number == number).unwrap();
            let holds = (permit.from_ms..permit.until_ms).contains(&at);
            all.push(match permit.status() {
                PermitStatus::Granted if holds => Known::Good,
                PermitStatus::Unconfirmed if holds => Known::Nothing,
                _ => Known::Bad,
            });
        }
        let has = |what| all.contains(&what);
        match (has(Known::Good), has(Known::Nothing), has(Known::Bad)) {
            (true, _, _) => Known::Good,
            (_, true, _) => Known::Nothing,
            (_, _, true) => Known::Bad,
            _ => Known::Nothing,
        }
    }

    /// Which rules an act breaks at these times: those that refuse it, and all.
    fn broken(
        &self,
        about: &About,
        times: &[i64],
    ) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
        let (mut refusing, mut all) = (BTreeSet::new(), BTreeSet::new());
        for (rule, code) in RULES {
            for at in times {
                let Some(line) = self.line(rule, *at) else {
                    continue;
                };
                let known = self.known(rule, line, about, *at);
                let counts = match known {
                    Known::Good => continue,
                    Known::Bad => true,
                    Known::Nothing => line.complete,
                };
                if line.mode() == RuleMode::Off {
                    continue;
                }
                all.insert(code);
                if counts && line.mode() == RuleMode::Refuse {
                    refusing.insert(code);
                }
            }
        }
        (refusing, all)
    }
}

/// One history, and what it has come to.
struct History {
    b: Bench,
    dice: StdRng,
    entered: Entered,
    made: u64,
    /// Carriage offers that wait to be taken aboard, and consignments on the
    /// road, by name; with what they are about.
    offers: Vec<(String, About)>,
    road: Vec<(String, About)>,
    refused: usize,
    found: usize,
    clean: usize,
}

impl History {
    fn new(seed: u64) -> History {
        let mut b = Bench::new();
        b.set_up("stock");
        History {
            b,
            dice: StdRng::seed_from_u64(seed),
            entered: Entered::default(),
            made: 0,
            offers: Vec::new(),
            road: Vec::new(),
            refused: 0,
            found: 0,
            clean: 0,
        }
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.dice.random_range(0..of.len())].clone()
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("n{}", self.made)
    }

    /// A moment within ten days of now, before or after.
    fn moment(&mut self) -> i64 {
        self.b.now + self.dice.random_range(-240..=240_i64) * HOUR
    }

    fn step(&mut self) {
        self.b.now += self.dice.random_range(1..=90_i64) * 60_000;
        match self.dice.random_range(0..12) {
            0 => self.publish(),
            1 => self.permit(),
            2 => self.vehicle(),
            3 => self.person(),
            4 | 5 => self.hand_over(),
            6..=8 => self.ship(),
            9 | 10 => self.load(),
            _ => self.deliver(),
        }
    }

    fn publish(&mut self) {
        let mut lines = Vec::new();
        for (rule, _) in RULES {
            let modes = [
                RuleMode::Off,
                RuleMode::Find,
                RuleMode::Find,
                RuleMode::Refuse,
            ];
            let mut line = rulebook::rule(rule, self.pick(&modes), "");
            line.complete = self.dice.random_bool(0.5);
            // Nothing would be left to play with.
            let rare = rule == RuleKind::Prohibited && self.dice.random_bool(0.7);
            match rule {
                RuleKind::CarrierPermit => line.permits = vec![PermitKind::RoadTransport.into()],
                RuleKind::Restricted => line.limit = mg("1.5"),
                _ if rare => continue,
                _ => {}
            }
            if self.dice.random_bool(0.8) {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            return;
        }
        let national = self.dice.random_bool(0.5);
        let from_ms = self.moment();
        let ends = self.dice.random_bool(0.3);
        let pack = PackPublished {
            pack: if national { "national" } else { "local" }.into(),
            region: if national { "100000" } else { "150100" }.into(),
            from_ms,
            until_ms: if ends { from_ms + 3 * DAY } else { 0 },
            ..rulebook::pack(lines)
        };
        let answer = self.b.say("A1+A2", Body::PackPublished(pack.clone()));
        match answer {
            Ok(_) => self.entered.packs.push(pack),
            Err(refused) => assert_eq!(name(refused.code), "TOO_MANY_PACKS"),
        }
    }

    fn permit(&mut self) {
        let number = self.pick(&["T-1", "T-2"]);
        let mut e = rulebook::permit('C', number, PermitKind::RoadTransport);
        let status = [
            PermitStatus::Granted,
            PermitStatus::Granted,
            PermitStatus::Unconfirmed,
            PermitStatus::Suspended,
        ];
        e.status = self.pick(&status).into();
        e.until_ms = self.moment();
        self.b.say("A1", Body::PermitRegistered(e.clone())).unwrap();
        self.entered.permits.push(e);
    }

    fn vehicle(&mut self) {
        let plate = self.pick(&PLATES);
        let mut e = rulebook::vehicle(plate);
        e.certificate_until_ms = self.moment();
        self.b
            .say("C1", Body::VehicleRegistered(e.clone()))
            .unwrap();
        self.entered.vehicles.push(e);
    }

    fn person(&mut self) {
        let who = self.pick(&DRIVERS);
        let mut e = rulebook::person(who, QualificationKind::Driver);
        e.qualifications[0].until_ms = self.moment();
        e.qualifications[0].withdrawn = self.dice.random_bool(0.1);
        self.b.say("C1", Body::PersonRegistered(e.clone())).unwrap();
        self.entered.persons.push(e);
    }

    /// One or two kilograms.
    fn mass(&mut self) -> &'static str {
        self.pick(&["1", "2"])
    }

    /// Says an act, now or up to a day late; holds the answer against our own
    /// opinion. Whether it is recorded.
    fn act(&mut self, called: &str, keys: &str, body: Body, about: &About) -> bool {
        let late = self.dice.random_bool(0.4);
        let ago = if late {
            self.dice.random_range(1..=20_i64) * HOUR
        } else {
            0
        };
        let times = [self.b.now - ago, self.b.now];
        let (refusing, all) = self.entered.broken(about, &times);
        let now = self.b.now;
        self.b.now = times[0];
        self.b.prepare(called, keys, body);
        self.b.now = now;
        match self.b.send(called) {
            Ok(findings) => {
                assert!(
                    refusing.is_empty(),
                    "{called} was let through against {refusing:?}: {about:?}"
                );
                self.told(called, &findings_of(&findings), &all, about);
                true
            }
            Err(refused) => {
                let code = name(refused.code);
                assert!(i32::from(refused.code) >= FIRST_RULE, "{refused}");
                assert!(
                    refusing.contains(code),
                    "{called} was refused: {refused}; we say {refusing:?}: {about:?}"
                );
                self.refused += 1;
                false
            }
        }
    }

    /// Says a fact: it is never refused for a rule.
    fn fact(&mut self, keys: &str, body: Body, about: &About) {
        let (_, all) = self.entered.broken(about, &[self.b.now]);
        let answer: Answer = self.b.say(keys, body);
        let findings = answer.unwrap_or_else(|refused| panic!("a fact was refused: {refused}"));
        self.told("a fact", &findings_of(&findings), &all, about);
    }

    fn told(&mut self, what: &str, told: &BTreeSet<String>, all: &BTreeSet<&str>, about: &About) {
        let all: BTreeSet<String> = all.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(told, &all, "{what}: {about:?}");
        if all.is_empty() {
            self.clean += 1;
        } else {
            self.found += 1;
        }
    }

    fn hand_over(&mut self) {
        let (called, mass) = (self.name(), self.mass());
        let offered = self.b.offered('M', "T1", &[&format!("stock {mass}")]);
        let about = About {
            mass_mg: mg(mass),
            vehicle: String::new(),
            driver: String::new(),
            carried: false,
        };
        if self.act(&called, "P1", Body::Offered(offered), &about) {
            let accepted = self.b.accepted(&called, "T1", &[&format!("0 take {mass}")]);
            self.fact("M1", Body::Accepted(accepted), &about);
        }
    }

    fn ship(&mut self) {
        let (called, mass) = (self.name(), self.mass());
        let about = About {
            mass_mg: mg(mass),
            vehicle: self.pick(&PLATES).to_owned(),
            driver: self.pick(&DRIVERS).to_owned(),
            carried: true,
        };
        let shipped = self.b.shipped('C', 'M', "T1", &[&format!("stock {mass}")]);
        let carriage = Carriage {
            vehicle: about.vehicle.clone(),
            crew: vec![hash(&about.driver)],
            ..shipped.carriage.clone().unwrap()
        };
        let offered = Offered {
            carriage: Some(carriage),
            ..shipped
        };
        if self.act(&called, "P1", Body::Offered(offered), &about) {
            self.offers.push((called, about));
        }
    }

    fn load(&mut self) {
        let Some((called, about)) = self.offers.pop() else {
            return;
        };
        let kilograms = about.mass_mg / 1_000_000;
        let line = format!("0 take {kilograms}");
        let accepted = self.b.accepted(&called, "", &[&line]);
        self.fact("C1", Body::Accepted(accepted), &about);
        self.road.push((called, about));
    }

    fn deliver(&mut self) {
        let Some((consignment, about)) = self.road.pop() else {
            return;
        };
        let called = self.name();
        let kilograms = about.mass_mg / 1_000_000;
        let goods = format!("stock {kilograms}");
        let delivered = self.b.delivered('M', &consignment, &[&goods]);
        // Handing over at the end of the road loads nothing.
        let standing = About {
            carried: false,
            ..about.clone()
        };
        if self.act(&called, "C1", Body::Offered(delivered), &standing) {
            let line = format!("0 take {kilograms}");
            let accepted = self.b.accepted(&called, "T1", &[&line]);
            let carrier_is_asked = About { ..about };
            self.arrive(accepted, &carrier_is_asked);
        } else {
            self.road.push((consignment, about));
        }
    }

    /// At the gate: the vehicle and its driver are looked at again, and the lists;
    /// the carrier's permit was for carrying.
    fn arrive(&mut self, accepted: hazledger::pb::Accepted, about: &About) {
        let (_, all) = self.entered.broken(about, &[self.b.now]);
        let all: BTreeSet<&'static str> =
            all.into_iter().filter(|c| *c != "CARRIER_PERMIT").collect();
        let answer = self.b.say("M1", Body::Accepted(accepted));
        let findings = answer.unwrap_or_else(|refused| panic!("a fact was refused: {refused}"));
        self.told("an arrival", &findings_of(&findings), &all, about);
    }
}

/// The findings of the rules that are played with.
fn findings_of(findings: &[hazledger::pb::FindingCode]) -> BTreeSet<String> {
    let names = findings.iter().map(|code| {
        let name = code.as_str_name();
        name.strip_prefix("FINDING_CODE_")
            .unwrap_or(name)
            .to_owned()
    });
    names
        .filter(|name| RULES.iter().any(|(_, code)| code == name))
        .collect()
}

fn play(seed: u64) -> History {
    let mut history = History::new(seed);
    for _ in 0..STEPS {
        history.step();
    }
    history
}

#[test]
fn what_the_ledger_holds_the_rules_allowed_or_a_finding_tells() {
    for seed in 1..=4 {
        let history = play(seed);
        let (refused, found, clean) = (history.refused, history.found, history.clean);
        assert!(
            refused > 30 && found > 60 && clean > 60,
            "seed {seed}: {refused} refused, {found} found, {clean} clean"
        );
    }
}

/// Every pack is emptied before each record is folded: what the fold makes of a
/// record hangs on no pack.
#[test]
fn the_fold_asks_no_pack() {
    let history = play(7);
    let packs = history.entered.packs.len();
    assert!(packs > 20, "{packs} packs");
    let mut blind = State::new();
    let mut seen = State::new();
    for (sealed, digest) in &history.b.records {
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        seen.apply(&record, &mut nowhere).unwrap();
        assert_eq!(seen.digest(), *digest);
        blind = without_packs(&blind);
        blind.apply(&record, &mut nowhere).unwrap();
    }
    let all_but_packs = without_packs(&seen);
    assert_eq!(without_packs(&blind).digest(), all_but_packs.digest());
    assert_ne!(all_but_packs.digest(), seen.digest());
}

/// A state in which no pack says anything.
fn without_packs(state: &State) -> State {
    let items = state.items().map(|(subject, item)| {
        let item = match item.as_ref() {
            Item::Rules(rules) => Item::Rules(RulesState {
                packs: Vec::new(),
                last: rules.last,
            }),
            other => other.clone(),
        };
        (subject, item)
    });
    State::restore(
        items,
        state.next(),
        state.last_head(),
        state.recorded_at_ms(),
    )
}

//! Random acts on a few purchase permits, judged by the ledger and by a model
//! that only adds and takes away: what is drawn and claimed is always the
//! model's, never negative, never beyond the tolerance unless that was refused
//! or found; and when every handoff has ended, no claim is left.
#![allow(
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

use std::collections::BTreeMap;

use bytes::Bytes;
use hazledger::custody::{Item, Items as _, subject};
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Accepted, FindingCode, Incident, IncidentKind, MassBasis, Offered, PermitKind, RefusalCode,
    RuleKind, RuleLine, RuleMode, Traded, incident,
};

use bench::{Answer, Bench, party};
use verbs::restating;

/// Parts per million of a permit's quantity that may be exceeded.
const TOLERANCE_PPM: i64 = 10_000;

/// Random numbers that are the same for a seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    /// `low` to `high`, both of them too.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = usize::try_from(high - low + 1).unwrap();
        low + i64::try_from(self.below(width)).unwrap()
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len())].clone())
    }
}

/// A permit as the model has it.
struct Permit {
    holder: char,
    number: &'static str,
    basis: MassBasis,
    /// Milligrams that count for a kilogram.
    per_kg: i64,
    substances: Vec<String>,
    quantity: i64,
    drawn: i64,
    claims: BTreeMap<Bytes, i64>,
}

impl Permit {
    fn total(&self) -> i64 {
        self.drawn + self.claims.values().sum::<i64>()
    }

    fn claim(&mut self, by: &Bytes, kilograms: i64) {
        match kilograms * self.per_kg {
            0 => drop(self.claims.remove(by)),
            mg => drop(self.claims.insert(by.clone(), mg)),
        }
    }

    fn draw(&mut self, kilograms: i64) {
        self.drawn = (self.drawn + kilograms * self.per_kg).max(0);
    }

    fn beyond(&self) -> bool {
        self.total() > self.quantity + self.quantity * TOLERANCE_PPM / 1_000_000
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Taken,
    Ended,
}

/// A handoff under a permit, or what came of it. Kilograms.
#[derive(Clone)]
struct Handoff {
    name: String,
    permit: usize,
    lot: String,
    offered: i64,
    taken: i64,
    refused: i64,
    returned: i64,
    stage: Stage,
    /// What is still aboard of it; `None`: it was no carriage.
    aboard: Option<i64>,
    /// The event that says last what was taken.
    said: String,
}

/// A sale under a permit.
#[derive(Clone)]
struct Sale {
    name: String,
    permit: usize,
    kilograms: i64,
    /// What of it can still be restored, milligrams.
    drawn: i64,
}

struct World {
    b: Bench,
    random: Random,
    permits: Vec<Permit>,
    handoffs: Vec<Handoff>,
    deliveries: Vec<Handoff>,
    sales: Vec<Sale>,
    named: usize,
    /// How often each act was recorded.
    done: BTreeMap<&'static str, usize>,
    refused: usize,
    found: usize,
}

fn permits() -> Vec<Permit> {
    let permit = |holder, number, basis, per_kg, substances: &[&str]| Permit {
        holder,
        number,
        basis,
        per_kg,
        substances: substances.iter().map(|s| (*s).to_owned()).collect(),
        quantity: 200_000_000,
        drawn: 0,
        claims: BTreeMap::new(),
    };
    vec![
        permit('M', "GROSS", MassBasis::Gross, 1_000_000, &[]),
        permit('W', "CONTENT", MassBasis::Contained, 980_000, &["NACN"]),
        // For another substance: nothing is ever counted.
        permit('W', "OTHER", MassBasis::Gross, 0, &["AN"]),
    ]
}

impl World {
    fn new(seed: u64) -> World {
        let mut world = World {
            b: Bench::new(),
            random: Random(seed),
            permits: permits(),
            handoffs: Vec::new(),
            deliveries: Vec::new(),
            sales: Vec::new(),
            named: 0,
            done: BTreeMap::new(),
            refused: 0,
            found: 0,
        };
        let b = &mut world.b;
        let lot = B::Produced(b.produced("stock", "100000", "T1"));
        b.name("stock", "P1", lot).unwrap();
        b.publish(vec![RuleLine {
            limit: TOLERANCE_PPM,
            ..rulebook::rule(RuleKind::PurchaseQuantity, RuleMode::Refuse, "")
        }])
        .unwrap();
        for index in 0..world.permits.len() {
            world.register(index);
        }
        world
    }

    fn register(&mut self, index: usize) {
        let permit = &self.permits[index];
        let mut e = rulebook::permit(
            permit.holder,
            permit.number,
            PermitKind::HighlyToxicPurchase,
        );
        e.basis = permit.basis.into();
        e.quantity_mg = permit.quantity;
        e.substances.clone_from(&permit.substances);
        self.b.now += 1;
        self.b.say("A1", B::PermitRegistered(e)).unwrap();
    }

    fn new_name(&mut self, what: &str) -> String {
        self.named += 1;
        self.b.now += 1;
        format!("{what}-{}", self.named)
    }

    /// A permit to act under.
    fn some_permit(&mut self) -> usize {
        match self.random.below(20) {
            0 => 2,
            n => n % 2,
        }
    }

    /// The model's word on an act that would authorise: what it adds is refused
    /// beyond the tolerance. Returns whether it was recorded.
    fn act(&mut self, permit: usize, before: i64, answer: &Answer) -> bool {
        let model = &self.permits[permit];
        if model.total() > before && model.beyond() {
            let code = answer.as_ref().unwrap_err().code;
            assert_eq!(code, RefusalCode::PurchaseQuantity, "beyond");
            self.refused += 1;
            return false;
        }
        assert!(!finds(answer.as_ref().unwrap()), "an act that fits");
        true
    }

    /// The same of a fact: recorded, and found.
    fn fact(&mut self, permit: usize, before: i64, answer: &Answer) {
        let model = &self.permits[permit];
        let wanted = model.total() > before && model.beyond();
        let found = answer.as_ref().unwrap();
        assert_eq!(finds(found), wanted, "{found:?}");
        self.found += usize::from(wanted);
    }

    fn offer(&mut self, carriage: bool) {
        let permit = self.some_permit();
        let kilograms = self.random.between(1, 20);
        let name = self.new_name("offer");
        // Of a lot of its own, so that its use takes of the offer.
        let lot = if self.random.below(3) == 0 {
            self.own_lot(kilograms)
        } else {
            "stock".into()
        };
        let holder = self.permits[permit].holder;
        let line = format!("{lot} {kilograms}");
        let e = if carriage {
            self.b.shipped('C', holder, "T1", &[&line])
        } else {
            self.b.offered(holder, "T1", &[&line])
        };
        let number = self.permits[permit].number.to_owned();
        let e = Offered {
            permit: number,
            ..e
        };
        if !carriage && self.random.below(8) == 0 {
            return self.offer_after_acceptance(permit, &name, &lot, kilograms, e);
        }
        let answer = self.b.name(&name, "P1", B::Offered(e));
        let id = self.b.id(&name);
        let before = self.permits[permit].total();
        self.permits[permit].claim(&id, kilograms);
        if !self.act(permit, before, &answer) {
            self.permits[permit].claim(&id, 0);
            return;
        }
        self.did(if carriage { "ship" } else { "offer" });
        self.handoffs.push(Handoff {
            said: String::new(),
            permit,
            lot,
            offered: kilograms,
            taken: 0,
            refused: 0,
            returned: 0,
            stage: Stage::Open,
            aboard: carriage.then_some(0),
            name,
        });
    }

    fn own_lot(&mut self, kilograms: i64) -> String {
        let name = self.new_name("lot");
        let e = self.b.produced(&name, &kilograms.to_string(), "T1");
        self.b.name(&name, "P1", B::Produced(e)).unwrap();
        name
    }

    /// The taker's half comes in first.
    fn offer_after_acceptance(
        &mut self,
        permit: usize,
        name: &str,
        lot: &str,
        kilograms: i64,
        e: Offered,
    ) {
        self.b.prepare(name, "P1", B::Offered(e));
        let key = format!("{}1", self.permits[permit].holder);
        let e = self
            .b
            .accepted(name, "T1", &[&format!("0 take {kilograms}")]);
        self.b.say(&key, B::Accepted(e)).unwrap();
        let answer = self.b.send(name);
        let before = self.permits[permit].total();
        self.permits[permit].draw(kilograms);
        if !self.act(permit, before, &answer) {
            self.permits[permit].draw(-kilograms);
            return;
        }
        self.did("offer that was awaited");
        self.handoffs.push(Handoff {
            name: name.to_owned(),
            permit,
            lot: lot.to_owned(),
            offered: kilograms,
            taken: kilograms,
            refused: 0,
            returned: 0,
            stage: Stage::Taken,
            aboard: None,
            // It was booked with its offer, and is not corrected.
            said: String::new(),
        });
    }

    fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// An index of a handoff that is as wanted.
    fn pick(&mut self, wanted: impl Fn(&Handoff) -> bool) -> Option<usize> {
        let all = 0..self.handoffs.len();
        let fits: Vec<usize> = all.filter(|i| wanted(&self.handoffs[*i])).collect();
        self.random.one_of(&fits)
    }

    fn close(&mut self) {
        let Some(at) = self.pick(|h| h.stage == Stage::Open) else {
            return;
        };
        let h = self.handoffs[at].clone();
        self.b.now += 1;
        let key = match h.aboard {
            Some(_) => "C1".to_owned(),
            None => format!("{}1", self.permits[h.permit].holder),
        };
        let declined = self.random.below(2) == 0;
        let answer = if declined {
            self.b.say(&key, B::Declined(self.b.declined(&h.name)))
        } else {
            self.b.say("P1", B::Withdrawn(self.b.withdrawn(&h.name)))
        };
        answer.unwrap();
        let id = self.b.id(&h.name);
        self.permits[h.permit].claim(&id, 0);
        self.handoffs[at].stage = Stage::Ended;
        self.did(if declined { "decline" } else { "withdraw" });
    }

    fn take(&mut self) {
        let Some(at) = self.pick(|h| h.stage == Stage::Open) else {
            return;
        };
        let h = self.handoffs[at].clone();
        let refused = match self.random.below(4) {
            0 => self.random.between(0, h.offered),
            _ => 0,
        };
        let expected = h.offered - refused;
        let taken = match (expected, self.random.below(3)) {
            (0, _) => 0,
            (_, 0) => (expected + self.random.between(-3, 3)).max(0),
            _ => expected,
        };
        let said = self.new_name("taken");
        let line = words(taken, refused, 0);
        let (key, place) = match h.aboard {
            Some(_) => ("C1".to_owned(), ""),
            None => (format!("{}1", self.permits[h.permit].holder), "T1"),
        };
        let e = self.b.accepted(&h.name, place, &[&line]);
        let answer = self.b.name(&said, &key, B::Accepted(e));
        let before = self.permits[h.permit].total();
        let id = self.b.id(&h.name);
        let permit = &mut self.permits[h.permit];
        if h.aboard.is_some() {
            permit.claim(&id, taken);
        } else {
            permit.claim(&id, 0);
            permit.draw(taken);
        }
        self.fact(h.permit, before, &answer);
        self.handoffs[at] = Handoff {
            taken,
            refused,
            stage: Stage::Taken,
            aboard: h.aboard.map(|_| taken),
            said,
            ..h
        };
        self.did("take");
    }

    /// Use of what is offered: of the lot that is all offered.
    fn use_offered(&mut self) {
        let wanted = |h: &Handoff| h.stage == Stage::Open && h.lot != "stock" && h.offered > 1;
        let Some(at) = self.pick(wanted) else { return };
        let h = self.handoffs[at].clone();
        let used = self.random.between(1, h.offered - 1);
        self.b.now += 1;
        let e = self.b.used(&format!("{} {used}", h.lot), "T1");
        self.b.say("P1", B::Used(e)).unwrap();
        self.handoffs[at].offered -= used;
        let id = self.b.id(&h.name);
        self.permits[h.permit].claim(&id, h.offered - used);
        self.did("use");
    }

    /// Out of the truck, to whom it is for; sometimes to another.
    fn deliver(&mut self, all: bool) {
        let Some(at) = self.pick(|h| h.aboard.is_some_and(|kg| kg > 0)) else {
            return;
        };
        let h = self.handoffs[at].clone();
        let aboard = h.aboard.unwrap();
        let offered = if all {
            aboard
        } else {
            self.random.between(1, aboard)
        };
        let holder = self.permits[h.permit].holder;
        let to = if self.random.below(6) == 0 {
            'D'
        } else {
            holder
        };
        let name = self.new_name("delivery");
        let e = Offered {
            from: Some(hazledger::pb::offered::From::Consignment(
                self.b.id(&h.name),
            )),
            ..self.b.offered(to, "", &[&format!("{} {offered}", h.lot)])
        };
        let answer = self.b.name(&name, "C1", B::Offered(e));
        assert!(!finds(&answer.unwrap()));
        if !all && self.random.below(4) == 0 {
            self.b.now += 1;
            self.b
                .say("C1", B::Withdrawn(self.b.withdrawn(&name)))
                .unwrap();
            return;
        }
        let stays = if all {
            0
        } else {
            self.random.between(0, offered)
        };
        let off = offered - stays;
        let taken = match (off, self.random.below(3)) {
            (0, _) => 0,
            (_, 0) => (off + self.random.between(-2, 2)).max(0),
            _ => off,
        };
        let said = self.new_name("arrival");
        let e = self.b.accepted(&name, "T1", &[&words(taken, 0, stays)]);
        let answer = self.b.name(&said, &format!("{to}1"), B::Accepted(e));
        let before = self.permits[h.permit].total();
        let id = self.b.id(&h.name);
        let left = aboard - off;
        self.off_the_truck(h.permit, &id, left);
        if to == holder {
            self.permits[h.permit].draw(taken);
        }
        self.fact(h.permit, before, &answer);
        self.handoffs[at].aboard = Some(left);
        if to == holder {
            let stage = Stage::Taken;
            self.deliveries.push(Handoff {
                name,
                offered,
                taken,
                refused: 0,
                returned: 0,
                stage,
                aboard: None,
                said,
                ..h
            });
        }
        self.did("deliver");
    }

    /// No more is claimed than is aboard.
    fn off_the_truck(&mut self, permit: usize, id: &Bytes, left: i64) {
        let permit = &mut self.permits[permit];
        let claimed = permit.claims.get(id).copied().unwrap_or_default();
        if left * permit.per_kg < claimed {
            permit.claim(id, left);
        }
    }

    fn spill(&mut self) {
        let Some(at) = self.pick(|h| h.aboard.is_some_and(|kg| kg > 1)) else {
            return;
        };
        let h = self.handoffs[at].clone();
        let lost = self.random.between(1, h.aboard.unwrap());
        self.b.now += 1;
        let e = Incident {
            at: Some(incident::At::Consignment(self.b.id(&h.name))),
            ..self
                .b
                .incident(IncidentKind::Released, &format!("{} {lost}", h.lot), "")
        };
        self.b.say("C1", B::Incident(e)).unwrap();
        let left = h.aboard.unwrap() - lost;
        let id = self.b.id(&h.name);
        self.off_the_truck(h.permit, &id, left);
        self.handoffs[at].aboard = Some(left);
        self.did("spill");
    }

    /// What was taken at a place goes back to who gave it.
    fn give_back(&mut self) {
        let mut taken: Vec<Handoff> = self.handoffs.clone();
        taken.extend(self.deliveries.clone());
        taken.retain(|h| h.stage == Stage::Taken && h.aboard.is_none() && h.taken > h.returned);
        let Some(h) = self.random.one_of(&taken) else {
            return;
        };
        let kilograms = self.random.between(1, h.taken - h.returned);
        let carried = self.deliveries.iter().any(|d| d.name == h.name);
        let (giver, key) = if carried { ('C', "C1") } else { ('P', "P1") };
        let name = self.new_name("back");
        let e = self
            .b
            .back(giver, &h.name, &[&format!("{} {kilograms}", h.lot)]);
        let by = format!("{}1", self.permits[h.permit].holder);
        // What a correction took away, or a use, is not there to go back.
        if self.b.name(&name, &by, B::Offered(e)).is_err() {
            return;
        }
        let e = self
            .b
            .taken_back(&name, &h.name, &[&words(kilograms, 0, 0)]);
        let answer = self.b.say(key, B::Accepted(e));
        assert!(!finds(&answer.unwrap()));
        self.permits[h.permit].draw(-kilograms);
        for known in self.handoffs.iter_mut().chain(&mut self.deliveries) {
            if known.name == h.name {
                known.returned += kilograms;
            }
        }
        self.did("give back");
    }

    /// Another mass was taken than was said.
    fn correct(&mut self) {
        let mut taken: Vec<Handoff> = self.handoffs.clone();
        taken.extend(self.deliveries.clone());
        taken.retain(|h| h.stage == Stage::Taken && !h.said.is_empty() && h.aboard.is_none());
        taken.retain(|h| h.taken > 0 && h.offered > h.refused);
        let Some(h) = self.random.one_of(&taken) else {
            return;
        };
        let low = h.returned.max(1);
        let now = self.random.between(low, h.taken.max(low) + 3);
        let carried = self.deliveries.iter().any(|d| d.name == h.name);
        let holder = self.permits[h.permit].holder;
        let keys = format!("{holder}1+P1{}", if carried { "+C1" } else { "" });
        let first = self.restated(&h, now);
        let name = self.new_name("correction");
        let e = self.b.corrected(&h.said, B::Accepted(first));
        let answer = self.b.name(&name, &keys, restating(e));
        if answer.is_err() {
            return;
        }
        let before = self.permits[h.permit].total();
        self.permits[h.permit].draw(now - h.taken);
        self.fact(h.permit, before, &answer);
        for known in self.handoffs.iter_mut().chain(&mut self.deliveries) {
            if known.name == h.name {
                known.taken = now;
                known.said.clone_from(&name);
            }
        }
        self.did("correct");
    }

    /// The acceptance with another mass; what stayed stays as it was said.
    fn restated(&self, h: &Handoff, now: i64) -> Accepted {
        let mut line = verbs::line(&words(now, h.refused, 0));
        let original = h.said.clone();
        line.still_aboard = self.stays(&original);
        Accepted {
            lines: vec![line],
            ..self.b.accepted(&h.name, "T1", &[])
        }
    }

    /// What an acceptance, or a correction of it, said was still aboard.
    fn stays(&self, said: &str) -> Option<hazledger::pb::Quantity> {
        let reference = self.b.event(said);
        let record =
            self.b.records.iter().map(|(sealed, _)| {
                hazledger::event::record::OpenRecord::open(&sealed.bytes).unwrap()
            });
        let record = record
            .into_iter()
            .find(|r| r.payload.id == reference.statement_id)?;
        let body = record.events.first()?.as_ref()?.body.clone()?;
        let accepted = match body {
            B::Accepted(e) => e,
            B::Corrected(e) => match e.restated?.body? {
                B::Accepted(e) => e,
                _ => return None,
            },
            _ => return None,
        };
        accepted.lines.first()?.still_aboard.clone()
    }

    fn sell(&mut self) {
        let permit = self.some_permit();
        let kilograms = self.random.between(1, 20);
        let (holder, number) = (self.permits[permit].holder, self.permits[permit].number);
        let name = self.new_name("sale");
        let e = Traded {
            permit: number.into(),
            ..self.b.traded(holder, &[&format!("stock {kilograms}")])
        };
        let answer = self.b.name(&name, &format!("P1+{holder}1"), B::Traded(e));
        let before = self.permits[permit].total();
        let drawn = self.permits[permit].drawn;
        self.permits[permit].draw(kilograms);
        if !self.act(permit, before, &answer) {
            self.permits[permit].drawn = drawn;
            return;
        }
        self.sales.push(Sale {
            name,
            permit,
            kilograms,
            drawn: self.permits[permit].drawn - drawn,
        });
        self.did("sell");
    }

    /// Goods of a sale go back, in one return or several; all of them together
    /// restore no more than the sale drew.
    fn sell_back(&mut self) {
        let Some(sale) = self.random.one_of(&self.sales) else {
            return;
        };
        let kilograms = self.random.between(1, sale.kilograms);
        let holder = self.permits[sale.permit].holder;
        self.b.now += 1;
        let e = Traded {
            permit: String::new(),
            returns: Some(self.b.event(&sale.name)),
            ..self.b.traded('P', &[&format!("stock {kilograms}")])
        };
        // What corrections and losses took of its title is not its own any more.
        let Ok(found) = self.b.say(&format!("{holder}1+P1"), B::Traded(e)) else {
            return;
        };
        assert!(!finds(&found));
        let came = kilograms * self.permits[sale.permit].per_kg;
        if came > sale.drawn {
            self.did("sell back more than was drawn");
        }
        let permit = &mut self.permits[sale.permit];
        let restored = came.min(sale.drawn).min(permit.drawn);
        permit.drawn -= restored;
        for known in self.sales.iter_mut().filter(|s| s.name == sale.name) {
            known.drawn -= restored;
        }
        self.did("sell back");
    }

    /// The issuer grants more, sometimes less than has been drawn.
    fn renew(&mut self) {
        let at = self.random.below(2);
        let permit = &mut self.permits[at];
        let more = self.random.between(-40, 100) * 1_000_000;
        permit.quantity = (permit.total() + more).max(1_000_000);
        self.register(at);
        self.did("renew");
    }

    fn step(&mut self) {
        match self.random.below(30) {
            0..=5 => self.offer(false),
            6..=8 => self.offer(true),
            9..=10 => self.close(),
            11..=15 => self.take(),
            16 => self.use_offered(),
            17..=19 => self.deliver(false),
            20 => self.spill(),
            21..=23 => self.give_back(),
            24..=25 => self.correct(),
            26..=27 => self.sell(),
            28 => self.sell_back(),
            _ => self.renew(),
        }
        self.check();
    }

    /// The ledger has what the model has.
    fn check(&self) {
        for permit in &self.permits {
            let subject = subject::permit(&party(permit.holder), permit.number);
            let Some(Item::Permit(state)) = self.b.state.get(&subject).as_deref().cloned() else {
                panic!("no permit {}", permit.number);
            };
            let claims = state.claims.iter().map(|c| (c.by.clone(), c.mg));
            assert!(claims.clone().all(|(_, mg)| mg > 0), "an empty claim");
            assert!(state.drawn_mg >= 0, "less than nothing drawn");
            let got = (state.drawn_mg, claims.collect::<BTreeMap<_, _>>());
            assert_eq!(
                got,
                (permit.drawn, permit.claims.clone()),
                "{}",
                permit.number
            );
        }
    }

    /// Every offer and every truck comes to its end.
    fn end(&mut self) {
        while self.handoffs.iter().any(|h| h.stage == Stage::Open) {
            match self.random.below(2) {
                0 => self.close(),
                _ => self.take(),
            }
            self.check();
        }
        while self
            .handoffs
            .iter()
            .any(|h| h.aboard.is_some_and(|kg| kg > 0))
        {
            self.deliver(true);
            self.check();
        }
        for permit in &self.permits {
            assert!(
                permit.claims.is_empty(),
                "a claim is left on {}",
                permit.number
            );
        }
        self.check();
    }
}

/// A line of an acceptance.
fn words(taken: i64, refused: i64, aboard: i64) -> String {
    let mut line = "0".to_owned();
    for (word, kilograms) in [("take", taken), ("refuse", refused), ("aboard", aboard)] {
        if kilograms > 0 {
            line.extend([" ", word, " ", &kilograms.to_string()]);
        }
    }
    line
}

fn finds(found: &[FindingCode]) -> bool {
    found.contains(&FindingCode::PurchaseQuantity)
}

#[test]
fn what_is_drawn_and_claimed_is_always_the_models_and_nothing_leaks() {
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut refused, mut found) = (0, 0);
    for seed in 1..=12 {
        let mut world = World::new(0x9E37_79B9_7F4A_7C15 ^ seed);
        for _ in 0..400 {
            world.step();
        }
        world.end();
        for (what, count) in world.done {
            *done.entry(what).or_default() += count;
        }
        (refused, found) = (refused + world.refused, found + world.found);
    }
    // Each of them has happened often enough to mean something.
    let kinds = [
        "offer",
        "ship",
        "offer that was awaited",
        "decline",
        "withdraw",
        "take",
        "use",
        "deliver",
        "spill",
        "give back",
        "correct",
        "sell",
        "sell back",
        "sell back more than was drawn",
        "renew",
    ];
    for kind in kinds {
        assert!(done.get(kind).is_some_and(|n| *n >= 20), "{kind}: {done:?}");
    }
    assert!(
        refused >= 20 && found >= 20,
        "{refused} refused, {found} found"
    );
}

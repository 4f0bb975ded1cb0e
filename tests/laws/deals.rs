//! Plans of handoffs, of carriage and of title.

use bytes::Bytes;
use hazledger::event::Statement;
use hazledger::pb::event::Body;
use hazledger::pb::offered::From as OfferedFrom;
use hazledger::pb::{
    Accepted, AcceptedLine, Carriage, Declined, EventKind, EventRef, Goods, Offered, PaymentKind,
    Quantity, Relayed, ReportKind, Reported, Traded, TransportMode, Withdrawn,
};

use super::books::{Account, Id};
use super::goods::mass;
use super::model::{Model, Status};
use super::plans::{bytes, one, plan};
use super::player::{Play, Player};
use super::stock::{Stock, ranges};
use super::world::{Plan, REGION, World, event};

/// An offer's lines, as far as the taker needs them.
pub struct Seen {
    pub lines: Vec<(i64, Vec<u64>)>,
    pub from_aboard: bool,
    pub carriage: bool,
    pub returns: Option<EventRef>,
}

/// Handoffs.
impl Player {
    pub fn offered(&mut self, model: &Model) -> Option<Play> {
        let aboard = self.world.percent(45);
        let consignment = if aboard { self.aboard(model) } else { None };
        let back = if self.world.percent(25) {
            self.going_back(model)
        } else {
            None
        };
        let (by, offered) = match back.or(consignment) {
            Some(found) => found,
            None => self.offer_from_place(model)?,
        };
        let taker = self.world.member(&offered.taker);
        let seen = seen(&offered);
        let plan = Plan {
            by,
            events: vec![event(Body::Offered(offered))],
            ..Plan::default()
        };
        let Some(taker) = taker else {
            return Some(Play::Plan(plan));
        };
        match self.world.upto(99) {
            0..=14 => Some(self.on_the_spot(plan, taker, &seen)),
            15..=29 => Some(self.hold_back(&plan, taker, &seen)),
            _ => Some(Play::Plan(plan)),
        }
    }

    pub fn offer_from_place(&mut self, model: &Model) -> Option<(usize, Offered)> {
        let first = self.stock(model)?;
        let stocks = self.more_stock(model, &first);
        let lines = stocks.iter().take(3).map(|s| {
            let mut goods = self.goods(s);
            self.with_empties(&mut goods, s);
            self.with_outers(model, &mut goods, s);
            goods
        });
        let lines = lines.collect();
        let by = first.by;
        let taker = match self.world.upto(49) {
            0 => by,
            1 => 0,
            _ => self.world.anybody_but(by),
        };
        let consignee = self.world.anybody_but(by);
        let carriage = self.world.percent(60).then(|| self.carriage(consignee));
        let offered = Offered {
            taker: self.world.code(taker),
            from: Some(OfferedFrom::Place(first.place)),
            lines,
            carriage,
            documents: Vec::new(),
            returns: None,
            ..Offered::default()
        };
        Some((by, offered))
    }

    /// Some of what was handed over, offered back to its giver.
    pub fn going_back(&mut self, model: &Model) -> Option<(usize, Offered)> {
        let name = self.offers.pick_gone(&mut self.world)?;
        let offer = model.offers.get(&name).unwrap();
        let line = self.world.pick(&offer.lines).clone();
        let book = model.lots.get(&line.lot).unwrap();
        let holds = |a: &&Account| matches!(a, Account::Held(p, _) if *p == offer.taker);
        let Account::Held(party, place) = book.accounts.keys().find(holds)?.clone() else {
            return None;
        };
        let by = self.world.member(&party)?;
        let mut stock = super::stock::stock_at(model, line.lot, by, &party, &place);
        let (loose, serials) = offer.left(&line.lot);
        let more = self.world.percent(10);
        if !more {
            stock.free = stock.free.min(loose);
            stock.free_serials.retain(|s| serials.contains(s));
        }
        if stock.free <= 0 && stock.free_serials.is_empty() {
            return None;
        }
        let mut returns = offer.reference.clone();
        if self.world.percent(3) {
            returns.event_digest = Bytes::from_static(&[8; 32]);
        }
        let offered = Offered {
            taker: offer.giver.clone(),
            from: Some(OfferedFrom::Place(place)),
            lines: vec![self.goods(&stock)],
            returns: Some(returns),
            ..Offered::default()
        };
        Some((by, offered))
    }

    pub fn carriage(&mut self, consignee: usize) -> Carriage {
        let road = Carriage {
            mode: TransportMode::Road.into(),
            waybill: format!("W-{}", self.world.upto(99_999)),
            vehicle: "A-1".to_owned(),
            crew: vec![Bytes::from_static(&[5; 32])],
            route: vec![REGION.to_owned()],
            seals: vec!["S-1".to_owned()],
            consignee: self.world.code(consignee),
            ..Carriage::default()
        };
        self.in_some_mode(road)
    }

    /// What a carrier has, offered to a consignee.
    pub fn aboard(&mut self, model: &Model) -> Option<(usize, Offered)> {
        let open = |c: &Id| !model.consignments.get(c).unwrap().closed;
        let name = self.consignments.pick(&mut self.world, open)?;
        let consignment = model.consignments.get(&name).unwrap();
        let by = self.world.member(&consignment.carrier).unwrap();
        let by = self.heir(model, by);
        let at = Account::Aboard(name);
        let mut lines = Vec::new();
        for lot in model.aboard(&name) {
            let book = model.lots.get(&lot).unwrap();
            let serials = book.serials_on(&at);
            let stock = Stock {
                lot,
                by,
                place: String::new(),
                free: book.free_on(&at),
                loose: book.loose_on(&at).gross,
                free_serials: serials
                    .iter()
                    .filter(|s| book.packages[*s].promised.is_none())
                    .copied()
                    .collect(),
                serials,
                empties: Vec::new(),
            };
            if stock.free <= 0 && stock.free_serials.is_empty() {
                continue;
            }
            let whole = Goods {
                lot: Bytes::copy_from_slice(&lot),
                loose: (stock.free > 0).then_some(Quantity {
                    gross_mg: stock.free,
                    measure: None,
                }),
                serials: ranges(&stock.free_serials),
                parts: Vec::new(),
                outers: Vec::new(),
            };
            let all = self.world.percent(70);
            lines.push(if all { whole } else { self.goods(&stock) });
        }
        let taker = if self.world.percent(17) {
            self.world.anybody_but(by)
        } else {
            let consignee = self.world.member(&consignment.consignee)?;
            self.heir(model, consignee)
        };
        let offered = Offered {
            taker: self.world.code(taker),
            from: Some(OfferedFrom::Consignment(Bytes::copy_from_slice(&name))),
            lines,
            carriage: None,
            documents: Vec::new(),
            returns: None,
            ..Offered::default()
        };
        (!offered.lines.is_empty()).then_some((by, offered))
    }

    /// Both halves in one statement that both sign.
    pub fn on_the_spot(&mut self, mut plan: Plan, taker: usize, seen: &Seen) -> Play {
        let (mut draft, key) = self.world.draft(&plan);
        let accepted = self.acceptance(World::reference(&draft, &key), seen);
        draft.events.push(event(Body::Accepted(accepted)));
        if !self.world.percent(10) && taker != plan.by {
            plan.with.push(taker);
        }
        Play::Signed(self.world.sign(&plan, &draft, &key))
    }

    /// The taker's half first; the offer comes later.
    pub fn hold_back(&mut self, plan: &Plan, taker: usize, seen: &Seen) -> Play {
        let (draft, key) = self.world.draft(plan);
        let mut reference = World::reference(&draft, &key);
        let offer = self.world.sign(plan, &draft, &key);
        let statement = Statement::open(offer.statement.clone()).unwrap();
        self.world.said(&statement.payload, statement.digest);
        self.held_back.push(offer);
        let mut by = taker;
        match self.world.upto(19) {
            0 => by = self.world.anybody(),
            1 => reference.event_digest = Bytes::from_static(&[8; 32]),
            _ => {}
        }
        let accepted = self.acceptance(reference.clone(), seen);
        let mut events = vec![event(Body::Accepted(accepted))];
        if self.world.percent(10) {
            let again = self.acceptance(reference, seen);
            events.push(event(Body::Accepted(again)));
        }
        Play::Plan(Plan {
            by,
            events,
            ..Plan::default()
        })
    }

    pub fn accepted(&mut self, model: &Model) -> Option<Play> {
        let wild = self.wild();
        let open = |o: &Id| model.offers.get(o).unwrap().status == Status::Open;
        let name = match self.offers.pick_gone(&mut self.world) {
            Some(gone) if wild && self.world.percent(25) => gone,
            _ => self
                .orphaned(model, 20)
                .or_else(|| self.offers.pick(&mut self.world, open))?,
        };
        let offer = model.offers.get(&name).unwrap();
        let lines = offer.lines.iter();
        let seen = Seen {
            lines: lines
                .map(|l| (l.loose, l.serials.iter().copied().collect()))
                .collect(),
            from_aboard: matches!(offer.from, Account::Aboard(_)),
            carriage: offer.carriage,
            returns: offer.returns.clone(),
        };
        let mut reference = offer.reference.clone();
        let mut by = self.world.member(&offer.taker).unwrap();
        by = self.heir(model, by);
        let mut with = Vec::new();
        if wild && self.world.percent(25) {
            by = self.world.anybody();
        } else if self.world.percent(10) {
            with.push(by);
            by = self.world.member(&offer.giver).unwrap();
        }
        if wild && self.world.percent(15) {
            reference.event_digest = Bytes::from_static(&[8; 32]);
        }
        let mut accepted = self.acceptance(reference, &seen);
        if wild && self.world.percent(40) {
            self.spoil(&mut accepted);
        }
        Some(Play::Plan(Plan {
            by,
            with,
            events: vec![event(Body::Accepted(accepted))],
            ..Plan::default()
        }))
    }

    /// What a taker says: mostly all of it, else short, over, refused, still
    /// aboard, missing, or nothing of a line.
    pub fn acceptance(&mut self, offer: EventRef, seen: &Seen) -> Accepted {
        let exact = self.world.percent(50);
        let mut lines = Vec::new();
        for (line, (loose, serials)) in (0u32..).zip(&seen.lines) {
            if self.world.percent(3) {
                continue;
            }
            let (mut accepted, mut refused, mut aboard) = (*loose, 0, 0);
            let mut taken = serials.clone();
            let (mut back, mut still) = (Vec::new(), Vec::new());
            if !exact {
                if *loose > 0 {
                    match self.world.upto(7) {
                        0 => accepted -= loose / *self.world.pick(&[1000, 2000]),
                        1 => accepted += loose / *self.world.pick(&[1000, 2000]),
                        2 => accepted -= self.some(*loose),
                        3 => accepted += self.some(*loose),
                        4 => refused = self.some(*loose),
                        5 if seen.from_aboard => aboard = self.some(*loose),
                        _ => {}
                    }
                    accepted -= refused + aboard;
                }
                for serial in serials {
                    match self.world.upto(6) {
                        0 => back.push(*serial),
                        1 if seen.from_aboard => still.push(*serial),
                        2 => {}
                        _ => continue,
                    }
                    taken.retain(|s| s != serial);
                }
            }
            lines.push(AcceptedLine {
                line,
                accepted: (accepted > 0).then(|| self.quantity(accepted)),
                accepted_serials: ranges(&taken),
                refused: (refused > 0).then(|| self.quantity(refused)),
                refused_serials: ranges(&back),
                still_aboard: (aboard > 0).then(|| self.quantity(aboard)),
                still_aboard_serials: ranges(&still),
                check: None,
            });
        }
        Accepted {
            offer: Some(offer),
            place: if seen.carriage {
                String::new()
            } else {
                self.place()
            },
            lines,
            returns: seen.returns.clone().filter(|_| !self.world.percent(3)),
            ..Accepted::default()
        }
    }

    pub fn spoil(&mut self, accepted: &mut Accepted) {
        let Some(line) = accepted.lines.first_mut() else {
            return;
        };
        match self.world.upto(4) {
            0 => line.line = 77,
            1 => line.accepted_serials = ranges(&[5000]),
            2 => {
                line.refused = Some(Quantity {
                    gross_mg: i64::MAX / 4,
                    measure: None,
                });
            }
            3 => {
                let twice = line.clone();
                accepted.lines.push(twice);
            }
            _ => {
                let aboard = accepted.place.is_empty();
                if aboard { "T-1" } else { "" }.clone_into(&mut accepted.place);
            }
        }
    }
}

fn seen(offered: &Offered) -> Seen {
    let serials = |g: &Goods| g.serials.iter().flat_map(|r| r.first..=r.last).collect();
    let loose = |g: &Goods| mass(g.loose.as_ref()).unwrap_or(0);
    Seen {
        lines: offered
            .lines
            .iter()
            .map(|g| (loose(g), serials(g)))
            .collect(),
        from_aboard: matches!(offered.from, Some(OfferedFrom::Consignment(_))),
        carriage: offered.carriage.is_some(),
        returns: offered.returns.clone(),
    }
}

/// Offers closed, the road, and title.
impl Player {
    pub fn closed(&mut self, model: &Model, kind: EventKind) -> Option<Play> {
        let open = |o: &Id| model.offers.get(o).unwrap().status == Status::Open;
        let name = match self.offers.pick_gone(&mut self.world) {
            Some(gone) if self.world.percent(8) => gone,
            _ => self
                .orphaned(
                    model,
                    if kind == EventKind::Withdrawn {
                        100
                    } else {
                        20
                    },
                )
                .or_else(|| self.offers.pick(&mut self.world, open))?,
        };
        let offer = model.offers.get(&name).unwrap();
        let mut reference = offer.reference.clone();
        if self.world.percent(3) {
            reference.event_digest = Bytes::from_static(&[8; 32]);
        }
        let reason = "no".to_owned();
        let offer_ref = Some(reference);
        let (by, body) = if kind == EventKind::Declined {
            let offer = offer_ref;
            (
                &model.offers.get(&name)?.taker,
                Body::Declined(Declined { offer, reason }),
            )
        } else {
            let offer = offer_ref;
            (
                &model.offers.get(&name)?.giver,
                Body::Withdrawn(Withdrawn { offer, reason }),
            )
        };
        let mut by = self.world.member(by).unwrap();
        by = self.heir(model, by);
        if self.world.percent(10) {
            by = self.world.anybody();
        }
        Some(one(by, body))
    }

    /// A consignment and its carrier; now and then a closed one, or somebody
    /// else.
    pub fn on_the_road(&mut self, model: &Model) -> Option<(Id, usize)> {
        let open = |c: &Id| !model.consignments.get(c).unwrap().closed;
        let name = match self.consignments.pick_gone(&mut self.world) {
            Some(gone) if self.world.percent(8) => gone,
            _ => self.consignments.pick(&mut self.world, open)?,
        };
        let carrier = &model.consignments.get(&name).unwrap().carrier;
        let by = self.world.member(carrier).unwrap();
        let by = self.heir(model, by);
        let by = if self.world.percent(5) {
            self.world.anybody()
        } else {
            by
        };
        Some((name, by))
    }

    pub fn relayed(&mut self, model: &Model) -> Option<Play> {
        let (name, by) = self.on_the_road(model)?;
        let to = if self.world.percent(20) {
            by
        } else {
            self.world.anybody()
        };
        let relayed = Relayed {
            consignment: bytes(&name),
            to_carrier: self.world.code(to),
            vehicle: "B-2".to_owned(),
            region: REGION.to_owned(),
            ..Relayed::default()
        };
        let relayed = self.by_its_mode(model.consignments.get(&name).unwrap(), relayed);
        let with = if to == by || self.world.percent(10) {
            vec![]
        } else {
            vec![to]
        };
        Some(Play::Plan(Plan {
            with,
            ..plan(by, Body::Relayed(relayed))
        }))
    }

    pub fn reported(&mut self, model: &Model) -> Option<Play> {
        let (name, by) = self.on_the_road(model)?;
        let tank = |lot: &Id| model.lots.get(lot).unwrap().vessel.is_some();
        let tanks = model.aboard(&name).iter().any(tank);
        let kind = match self.world.upto(99) {
            0..=2 => ReportKind::Unspecified,
            3 => ReportKind::Unloaded,
            4..=40 if tanks => ReportKind::Unloaded,
            _ => ReportKind::Stop,
        };
        let reported = Reported {
            consignment: bytes(&name),
            kind: kind.into(),
            region: REGION.to_owned(),
            longitude_e6: 111_000_000,
            latitude_e6: 40_000_000,
            ..Reported::default()
        };
        Some(one(by, Body::Reported(reported)))
    }

    pub fn traded(&mut self, model: &Model) -> Option<Play> {
        let mut sold = None;
        for _ in 0..40 {
            let live = |lot: &Id| model.lots.get(lot).unwrap().is_live();
            let sealed = if self.world.percent(8) {
                self.sealed_lot(model)
            } else {
                None
            };
            let lot = match sealed {
                Some(lot) => lot,
                None => self.lots.pick(&mut self.world, live)?,
            };
            let book = model.lots.get(&lot).unwrap();
            let packages = book.packages.values().map(|p| &p.owner);
            let owners: Vec<&String> = book.titles.keys().chain(packages).collect();
            if owners.is_empty() {
                continue;
            }
            let seller = (*self.world.pick(&owners)).clone();
            let by = self.world.member(&seller).unwrap();
            if self.world.gone.contains(&by) && !self.world.percent(3) {
                continue;
            }
            if self.only.is_none_or(|only| only == by) {
                sold = Some((lot, by, seller));
                break;
            }
        }
        let (lot, by, seller) = sold?;
        let book = model.lots.get(&lot).unwrap();
        let theirs = book.packages.iter().filter(|(_, p)| p.owner == seller);
        let serials: Vec<u64> = theirs.map(|(serial, _)| *serial).collect();
        let title = book.title(&seller).max(0);
        let stock = Stock {
            lot,
            by,
            place: String::new(),
            free: title,
            loose: title,
            free_serials: serials.clone(),
            serials,
            empties: Vec::new(),
        };
        let buyer = self.world.anybody_but(by);
        let mut traded = Traded {
            buyer: self.world.code(buyer),
            goods: vec![self.goods(&stock)],
            permit: "PERMIT-7".to_owned(),
            returns: None,
            payment: PaymentKind::BankAccount.into(),
            online: false,
        };
        if self.world.percent(10) {
            traded.goods.push(self.goods(&stock));
        }
        let with = if self.world.percent(6) {
            vec![]
        } else {
            vec![buyer]
        };
        Some(Play::Plan(Plan {
            with,
            ..plan(by, Body::Traded(traded))
        }))
    }
}

//! One plan an event kind, with the wrongs that belong to it.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Assayed, Consumed, Corrected, Counted, Declined, Disposed, Event, EventKind, EventRef,
    Exported, Goods, Imported, Incident, IncidentKind, Inert, KeyRevoked, Moved, NewLot, Opened,
    Packed, PartyStatus, ProcessLoss, Produced, Quantity, Recovered, Relayed, ReportKind, Reported,
    Settled, Settlement, SettlementCause, Traded, TransformInput, Transformed, UnregulatedProduct,
    Used, Wasted, Withdrawn, incident,
};
use rand::RngExt as _;

use super::books::{Account, Amount, Id, content};
use super::change::substance;
use super::goods::mass;
use super::model::{Model, Status, event_name};
use super::player::{Play, Player, Stock, ranges};
use super::world::{PLACES, Plan, REGION, event, place_in, public, site, unit};

fn one(by: usize, body: Body) -> Play {
    Play::Plan(plan(by, body))
}

fn plan(by: usize, body: Body) -> Plan {
    Plan {
        by,
        events: vec![event(body)],
        ..Plan::default()
    }
}

fn bytes(id: &Id) -> Bytes {
    Bytes::copy_from_slice(id)
}

impl Player {
    /// A statement of one kind of event, if there is occasion for it.
    pub fn play(&mut self, model: &Model, kind: EventKind) -> Option<Play> {
        match kind {
            EventKind::Produced if self.only.is_none() && self.world.percent(10) => {
                Some(self.fresh())
            }
            EventKind::Produced => {
                let lot = Some(self.new_lot());
                Some(one(self.actor(), Body::Produced(Produced { lot })))
            }
            EventKind::Imported => Some(self.imported()),
            EventKind::Opened => Some(self.opened()),
            EventKind::Moved => self.moved(model),
            EventKind::Packed => self.packed(model),
            EventKind::Assayed => self.assayed(model),
            EventKind::Counted => self.counted(model),
            EventKind::Offered => self.offered(model),
            EventKind::Accepted => self.accepted(model),
            EventKind::Declined | EventKind::Withdrawn => self.closed(model, kind),
            EventKind::Relayed => self.relayed(model),
            EventKind::Reported => self.reported(model),
            EventKind::Traded => self.traded(model),
            EventKind::Used | EventKind::Disposed | EventKind::Exported | EventKind::Wasted => {
                self.gone(model, kind)
            }
            EventKind::Transformed => self.transformed(model),
            EventKind::Incident => self.incident(model),
            EventKind::Recovered => self.recovered(model),
            EventKind::Settled => self.settled(model),
            EventKind::Corrected => self.corrected(model),
            EventKind::PartyRegistered => Some(self.party_registered(model)),
            EventKind::SiteRegistered => Some(self.within(Within::Site)),
            EventKind::UnitRegistered => Some(self.within(Within::Unit)),
            EventKind::PlaceRegistered => Some(self.within(Within::Place)),
            EventKind::KeyRegistered => Some(self.key_plan()),
            EventKind::KeyRevoked => self.revocation(),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Within {
    Site,
    Unit,
    Place,
}

/// The registry.
impl Player {
    fn party_registered(&mut self, model: &Model) -> Play {
        if self.world.members.len() < 18 && self.world.percent(15) {
            let member = self.world.new_member();
            return Play::Plan(self.world.enrolment(member));
        }
        let closed: Vec<usize> = (self.world.authorities..self.world.members.len())
            .filter(|m| model.active(&self.world.code(*m)).is_err())
            .collect();
        let (member, status) = match closed.first() {
            Some(closed) => (*closed, PartyStatus::Active),
            None if self.world.percent(20) => (self.world.anybody(), PartyStatus::Closed),
            None => (self.world.anybody(), PartyStatus::Active),
        };
        let registered = self.world.party(member, status);
        let by = if self.wild() {
            self.world.anybody()
        } else {
            self.world.upto(2)
        };
        one(by, Body::PartyRegistered(registered))
    }

    /// Sites, units and places: by the party or an authority.
    fn within(&mut self, what: Within) -> Play {
        let by = self.actor();
        let wild = self.wild();
        let member = if wild { self.world.anybody() } else { by };
        let party = self.world.code(member);
        let number = self.world.upto(40);
        let known = if wild && self.world.percent(50) {
            "OTHER"
        } else {
            "MAIN"
        };
        let body = match what {
            Within::Site => Body::SiteRegistered(site(&party, &format!("SITE-{number}"))),
            Within::Unit => Body::UnitRegistered(unit(&party, &format!("UNIT-{number}"), known)),
            Within::Place => {
                let unit = if self.world.percent(10) { "U-9" } else { "U-1" };
                let place = format!("P-{number}");
                Body::PlaceRegistered(place_in(&party, &place, known, unit))
            }
        };
        let by_authority = self.only.is_none() && self.world.percent(20);
        one(if by_authority { 1 } else { by }, body)
    }

    fn key_plan(&mut self) -> Play {
        let member = self.world.anybody();
        let person = self.world.percent(60);
        let key = self.world.new_key(person);
        let mut registered = self.world.key_registered(member, &key);
        let mut plan = Plan {
            by: self.world.upto(2),
            authorities: 1,
            ..Plan::default()
        };
        if self.wild() {
            match self.world.upto(3) {
                0 => plan.authorities = 0,
                1 => plan.by = member,
                2 => registered.public_key = public(&self.world.members[member].keys[0].secret),
                _ => "91150100MA00000000".clone_into(&mut registered.party),
            }
        }
        plan.events.push(event(Body::KeyRegistered(registered)));
        self.new_keys.push((member, key));
        Play::Plan(plan)
    }

    fn revocation(&mut self) -> Option<Play> {
        let wild = self.wild();
        let member = self.world.anybody();
        let keys = &self.world.members[member].keys;
        let candidates: Vec<Bytes> = keys
            .iter()
            .skip(3)
            .filter(|k| !k.revoked || wild)
            .map(|k| k.secret.id().to_bytes())
            .collect();
        if candidates.is_empty() {
            return None;
        }
        let key_id = self.world.pick(&candidates).clone();
        let by = match self.world.upto(9) {
            0 if wild => self.world.anybody(),
            0..=3 => self.world.upto(2),
            _ => member,
        };
        let reason = "lost".to_owned();
        Some(one(by, Body::KeyRevoked(KeyRevoked { key_id, reason })))
    }
}

/// Entering and in store.
impl Player {
    fn imported(&mut self) -> Play {
        let country = if self.world.percent(3) {
            "Xanadu"
        } else {
            "MN"
        };
        let imported = Imported {
            lot: Some(self.new_lot()),
            country: country.to_owned(),
            customs_entry: "E-1".to_owned(),
        };
        one(self.actor(), Body::Imported(imported))
    }

    fn opened(&mut self) -> Play {
        let opened = Opened {
            lot: Some(self.new_lot()),
            provenance: String::new(),
        };
        let second = !self.world.percent(10);
        Play::Plan(Plan {
            second,
            ..plan(self.actor(), Body::Opened(opened))
        })
    }

    fn moved(&mut self, model: &Model) -> Option<Play> {
        let stock = self.stock(model)?;
        let moved = Moved {
            goods: Some(self.goods(&stock)),
            to_place: self.place(),
            from_place: stock.place,
        };
        Some(one(stock.by, Body::Moved(moved)))
    }

    fn packed(&mut self, model: &Model) -> Option<Play> {
        let stock = self.stock(model)?;
        let book = model.lots.get(&stock.lot).unwrap();
        let used = book.packages.keys().chain(&book.ended).max();
        let mut first = used.copied().unwrap_or_default() + 1;
        if self.world.percent(20) {
            first += 3;
        }
        let count = self.world.rng.random_range(1..=9);
        let mut each = self.some((stock.free / count).max(1)).max(1);
        if self.world.percent(10) {
            first = first.saturating_sub(2).max(1);
        }
        if self.world.percent(3) {
            each = 0;
        }
        let last = first + u64::try_from(count).unwrap() - 1;
        let packed = Packed {
            lot: bytes(&stock.lot),
            place: stock.place,
            serials: Some(hazledger::pb::SerialRange { first, last }),
            gross_mg_each: each,
            packaging: "steel drum 1A2".to_owned(),
        };
        Some(one(stock.by, Body::Packed(packed)))
    }

    fn assayed(&mut self, model: &Model) -> Option<Play> {
        let mut stock = self.stock(model)?;
        for _ in 0..40 {
            let book = model.lots.get(&stock.lot).unwrap();
            let holdings = book.accounts.keys().filter(|a| a.is_holding());
            if stock.loose > 0 && book.promised.is_empty() && holdings.count() == 1 {
                break;
            }
            stock = self.stock(model)?;
        }
        let book = model.lots.get(&stock.lot).unwrap();
        let near = i64::from(book.ppm) + self.world.rng.random_range(-9999..=9999);
        let content_ppm = u32::try_from(near).unwrap_or(0).min(1_000_000);
        let assayed = Assayed {
            lot: bytes(&stock.lot),
            content_ppm,
            certificate_hash: Bytes::from_static(&[4; 32]),
        };
        Some(one(stock.by, Body::Assayed(assayed)))
    }

    fn counted(&mut self, model: &Model) -> Option<Play> {
        let stock = if self.world.percent(25) {
            self.promised_stock(model)?
        } else {
            self.stock(model)?
        };
        let loose_gross_mg = match self.world.upto(9) {
            0 => stock.loose + self.some(1000),
            1 => (stock.loose - self.some(1000)).max(0),
            2 => 0,
            3 if self.wild() => -1,
            _ => stock.loose,
        };
        let mut scanned = stock.serials.clone();
        let mut assumed = Vec::new();
        match self.world.upto(7) {
            0 => scanned = self.some_serials(&stock.serials),
            1 => scanned.push(4000),
            2 => assumed = scanned.split_off(scanned.len() / 2),
            3 if self.wild() => assumed.clone_from(&scanned),
            _ => {}
        }
        let counted = Counted {
            lot: bytes(&stock.lot),
            place: stock.place,
            loose_gross_mg,
            serials_scanned: ranges(&scanned),
            serials_assumed: ranges(&assumed),
        };
        Some(one(stock.by, Body::Counted(counted)))
    }
}

/// Offers closed, the road, and title.
impl Player {
    fn closed(&mut self, model: &Model, kind: EventKind) -> Option<Play> {
        let open = |o: &Id| model.offers.get(o).unwrap().status == Status::Open;
        let name = match self.offers.pick_gone(&mut self.world) {
            Some(gone) if self.world.percent(8) => gone,
            _ => self.offers.pick(&mut self.world, open)?,
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
        if self.world.percent(10) {
            by = self.world.anybody();
        }
        Some(one(by, body))
    }

    /// A consignment and its carrier; now and then a closed one, or somebody
    /// else.
    fn on_the_road(&mut self, model: &Model) -> Option<(Id, usize)> {
        let open = |c: &Id| !model.consignments.get(c).unwrap().closed;
        let name = match self.consignments.pick_gone(&mut self.world) {
            Some(gone) if self.world.percent(8) => gone,
            _ => self.consignments.pick(&mut self.world, open)?,
        };
        let carrier = &model.consignments.get(&name).unwrap().carrier;
        let by = self.world.member(carrier).unwrap();
        let by = if self.world.percent(5) {
            self.world.anybody()
        } else {
            by
        };
        Some((name, by))
    }

    fn relayed(&mut self, model: &Model) -> Option<Play> {
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
            crew: Vec::new(),
            seals: Vec::new(),
            region: REGION.to_owned(),
        };
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

    fn reported(&mut self, model: &Model) -> Option<Play> {
        let (name, by) = self.on_the_road(model)?;
        let kind = if self.world.percent(3) {
            ReportKind::Unspecified
        } else {
            ReportKind::Stop
        };
        let reported = Reported {
            consignment: bytes(&name),
            kind: kind.into(),
            region: REGION.to_owned(),
            longitude_e6: 111_000_000,
            latitude_e6: 40_000_000,
            note: String::new(),
        };
        Some(one(by, Body::Reported(reported)))
    }

    fn traded(&mut self, model: &Model) -> Option<Play> {
        let mut sold = None;
        for _ in 0..40 {
            let live = |lot: &Id| model.lots.get(lot).unwrap().is_live();
            let lot = self.lots.pick(&mut self.world, live)?;
            let book = model.lots.get(&lot).unwrap();
            let packages = book.packages.values().map(|p| &p.owner);
            let owners: Vec<&String> = book.titles.keys().chain(packages).collect();
            if owners.is_empty() {
                continue;
            }
            let seller = (*self.world.pick(&owners)).clone();
            let by = self.world.member(&seller).unwrap();
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
        };
        let buyer = self.world.anybody_but(by);
        let mut traded = Traded {
            buyer: self.world.code(buyer),
            goods: vec![self.goods(&stock)],
            permit: "PERMIT-7".to_owned(),
            returns: None,
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

/// Matter that goes, changes and comes back.
impl Player {
    fn gone(&mut self, model: &Model, kind: EventKind) -> Option<Play> {
        let stock = if kind == EventKind::Used && self.world.percent(20) {
            self.promised_stock(model)?
        } else {
            self.stock(model)?
        };
        let goods = Some(self.goods(&stock));
        let place = stock.place.clone();
        let body = match kind {
            EventKind::Used => Body::Used(Used {
                goods,
                place,
                purpose: "leaching".to_owned(),
            }),
            EventKind::Disposed => Body::Disposed(Disposed {
                goods,
                place,
                method: "D10".to_owned(),
                certificate_hash: Bytes::new(),
            }),
            EventKind::Exported => Body::Exported(Exported {
                goods,
                place,
                country: "MN".to_owned(),
                customs_entry: "X-1".to_owned(),
            }),
            _ => {
                self.labels += 1;
                Body::Wasted(Wasted {
                    goods,
                    place,
                    label: format!("W-{}", self.labels),
                    waste_code: "900-028-33".to_owned(),
                })
            }
        };
        Some(one(stock.by, body))
    }

    fn incident(&mut self, model: &Model) -> Option<Play> {
        let kind = *self
            .world
            .pick(&[IncidentKind::Missing, IncidentKind::Released]);
        let road = self.only.is_none() && self.world.percent(30);
        let (by, goods, at) = if road {
            let (name, by) = self.on_the_road(model)?;
            let aboard = model.aboard(&name);
            let lot = *aboard.first()?;
            let book = model.lots.get(&lot).unwrap();
            let at = Account::Aboard(name);
            let (loose, serials) = (book.loose_on(&at).gross, book.serials_on(&at));
            let stock = Stock {
                lot,
                by,
                place: String::new(),
                free: loose,
                loose,
                free_serials: serials.clone(),
                serials,
            };
            (
                by,
                self.goods(&stock),
                incident::At::Consignment(bytes(&name)),
            )
        } else {
            let stock = if self.world.percent(30) {
                self.promised_stock(model)?
            } else {
                self.stock(model)?
            };
            (
                stock.by,
                self.goods(&stock),
                incident::At::Place(stock.place),
            )
        };
        let incident = Incident {
            kind: kind.into(),
            goods: Some(goods),
            at: Some(at),
            description: "gone".to_owned(),
        };
        Some(one(by, Body::Incident(incident)))
    }

    fn recovered(&mut self, model: &Model) -> Option<Play> {
        let missing = |lot: &Id| model.lots.get(lot).unwrap().on(&Account::Missing).gross > 0;
        let lot = self.lost.pick(&mut self.world, missing)?;
        let book = model.lots.get(&lot).unwrap();
        let loose = book.loose_on(&Account::Missing).gross;
        let serials = book.serials_on(&Account::Missing);
        let by = self.actor();
        let stock = Stock {
            lot,
            by,
            place: String::new(),
            free: loose,
            loose,
            free_serials: serials.clone(),
            serials,
        };
        let recovered = Recovered {
            goods: Some(self.goods(&stock)),
            place: self.place(),
        };
        Some(one(by, Body::Recovered(recovered)))
    }

    fn transformed(&mut self, model: &Model) -> Option<Play> {
        let first = self.stock(model)?;
        let stocks = self.more_stock(model, &first);
        let mut inputs = Vec::new();
        let mut total = Amount::NONE;
        let mut substances: Vec<(String, i64)> = Vec::new();
        for stock in stocks.iter().take(3) {
            let goods = self.goods(stock);
            let mass = mass_of(model, stock, &goods);
            total = total + mass;
            let form = &model.lots.get(&stock.lot).unwrap().form;
            substances.push((substance(form), mass.contained));
            inputs.push(TransformInput {
                goods: Some(goods),
                place: stock.place.clone(),
            });
        }
        let mut e = Transformed {
            inputs,
            ..Transformed::default()
        };
        self.outputs(&mut e, total.gross, &substances);
        Some(one(first.by, Body::Transformed(e)))
    }

    /// What comes of it: mostly conserving, sometimes short, sometimes more
    /// than went in.
    fn outputs(&mut self, e: &mut Transformed, gross: i64, substances: &[(String, i64)]) {
        let q = |gross_mg| {
            Some(Quantity {
                gross_mg,
                measure: None,
            })
        };
        let mut left = gross;
        if self.world.percent(30) {
            let inert = self.some(1000);
            left += inert;
            e.inert.push(Inert {
                name: "water".to_owned(),
                quantity: q(inert),
            });
        }
        for (substance, contained) in substances {
            let mut contained = *contained;
            if left > 0 && self.world.percent(60) {
                let gross = self.some(left);
                let most = contained.min(gross).max(0);
                let ppm = i128::from(most) * 1_000_000 / i128::from(gross);
                let ppm = u32::try_from(ppm).unwrap().clamp(1, 1_000_000);
                self.labels += 1;
                e.outputs.push(NewLot {
                    label: format!("M-{}", self.labels),
                    form: form_of(substance).to_owned(),
                    quantity: q(gross),
                    content_ppm: ppm,
                    place: self.place(),
                    ..NewLot::default()
                });
                left -= gross;
                contained -= content(gross, ppm);
            }
            if contained > 0 && self.world.percent(70) {
                let lost = self.some(contained);
                let all = if self.world.percent(50) {
                    contained
                } else {
                    lost
                };
                e.consumed.push(Consumed {
                    substance: substance.clone(),
                    contained_mg: all,
                });
                contained -= all;
            }
            if contained > 0 && left > 0 && self.world.percent(40) {
                let gross_mg = self.some(left);
                left -= gross_mg;
                e.losses.push(ProcessLoss {
                    cause: "sample".to_owned(),
                    gross_mg,
                    substance: substance.clone(),
                    contained_mg: self.some(contained),
                });
            }
        }
        if left > 0 && self.world.percent(30) {
            let gross_mg = self.some(left);
            left -= gross_mg;
            e.losses.push(ProcessLoss {
                cause: "evaporation".to_owned(),
                gross_mg,
                ..ProcessLoss::default()
            });
        }
        if self.world.percent(8) {
            left += self.some(1000);
        }
        if left > 0 && self.world.percent(60) {
            e.unregulated.push(UnregulatedProduct {
                name: "emulsion".to_owned(),
                quantity: q(left),
            });
        }
        if self.world.percent(4) {
            e.consumed.push(Consumed {
                substance: "NACN".to_owned(),
                contained_mg: gross + 1,
            });
        }
    }
}

fn form_of(substance: &str) -> &'static str {
    let of = |f: &&&str| f.starts_with(&format!("{substance}-"));
    super::goods::FORMS.iter().find(of).unwrap()
}

/// What goods weigh, as far as they are there.
fn mass_of(model: &Model, stock: &Stock, goods: &Goods) -> Amount {
    let book = model.lots.get(&stock.lot).unwrap();
    let gross = mass(goods.loose.as_ref()).unwrap_or(0);
    let serials = goods.serials.iter().flat_map(|r| r.first..=r.last);
    let packages = serials.filter_map(|s| book.packages.get(&s));
    let packed: Amount = packages.map(|p| p.mass).sum();
    let loose = Amount {
        gross,
        contained: content(gross, book.ppm),
    };
    loose + packed
}

/// Disputes and corrections.
impl Player {
    fn settled(&mut self, model: &Model) -> Option<Play> {
        let open = |d: &Id| model.disputes.get(d).unwrap().is_open();
        let name = match self.disputes.pick_gone(&mut self.world) {
            Some(gone) if self.world.percent(6) => gone,
            _ => self.disputes.pick(&mut self.world, open)?,
        };
        let dispute = model.disputes.get(&name).unwrap();
        let book = model.lots.get(&dispute.lot).unwrap();
        let disputed = book.loose_on(&Account::Disputed(name));
        let loose = disputed.gross;
        let over = loose < 0 || (loose == 0 && disputed.contained < 0);
        let mut settlements = Vec::new();
        let mut left = loose.abs();
        let mut serials: Vec<u64> = dispute.serials.iter().copied().collect();
        for _ in 0..=self.world.upto(1) {
            let packages = !serials.is_empty() && self.world.percent(60);
            let chosen = if packages {
                self.some_serials(&serials)
            } else {
                vec![]
            };
            let both = self.world.percent(20);
            let gross_mg = match left {
                0 => 0,
                _ if packages && !both => 0,
                _ => self.some(left),
            };
            let settlement = self.settlement(dispute, gross_mg, &chosen, over);
            left -= gross_mg;
            serials.retain(|s| !chosen.contains(s));
            settlements.push(settlement);
            if left == 0 && serials.is_empty() {
                break;
            }
        }
        if self.world.percent(5) {
            settlements[0].gross_mg += loose.abs() + 1;
        }
        let owner = self.world.member(&dispute.owner).unwrap();
        let other = self.world.member(&dispute.counterpart);
        let body = Body::Settled(Settled {
            dispute: bytes(&name),
            settlements,
        });
        Some(match self.world.upto(9) {
            0..=2 => one(self.world.upto(2), body),
            3 => one(self.world.anybody(), body),
            _ => Play::Plan(Plan {
                with: other.into_iter().filter(|o| *o != owner).collect(),
                ..plan(owner, body)
            }),
        })
    }

    fn settlement(
        &mut self,
        dispute: &super::model::Dispute,
        gross_mg: i64,
        serials: &[u64],
        over: bool,
    ) -> Settlement {
        use SettlementCause as C;
        let causes: &[C] = match (over && serials.is_empty(), dispute.handoff.is_some()) {
            _ if self.world.percent(8) => &[C::Unspecified, C::Scale, C::Spill],
            (true, true) => &[C::Scale, C::Miscount],
            (true, false) => &[C::Miscount],
            (false, true) if serials.is_empty() => &[C::Scale, C::Spill, C::Theft, C::Miscount],
            (false, _) => &[C::Spill, C::Theft, C::Miscount],
        };
        let sides = [&dispute.owner, &dispute.counterpart];
        let party = (*self.world.pick(&sides)).clone();
        Settlement {
            cause: (*self.world.pick(causes)).into(),
            gross_mg,
            serials: ranges(serials),
            party: if party.is_empty() {
                dispute.owner.clone()
            } else {
                party
            },
            place: self.place(),
        }
    }

    fn corrected(&mut self, model: &Model) -> Option<Play> {
        if self.past.is_empty() {
            return None;
        }
        let last = self.past.len() - 1;
        let back = if self.world.percent(60) {
            last.min(150)
        } else {
            last
        };
        let at = last - self.world.upto(back);
        let named = self.past[at].clone();
        let original = original(model, &named)?;
        let happened = model.events.get(&event_name(&original)?)?;
        let (lot, _) = happened.booked.as_ref()?;
        let mut reference = named;
        let mut restated = self.restate(&happened.event);
        let mut by = self.world.member(&original.party).unwrap();
        let mut with = Vec::new();
        let mut authorities = 0;
        let book = model.lots.get(lot).unwrap();
        let holders: Vec<String> = book
            .accounts
            .keys()
            .filter(|a| a.is_holding())
            .map(|a| model.holder(a))
            .filter(|h| *h != original.party)
            .collect();
        if !holders.is_empty() && !self.world.percent(8) {
            if self.world.percent(30) {
                authorities = 1;
            } else {
                let holder = self.world.pick(&holders).clone();
                with.push(self.world.member(&holder).unwrap());
            }
        }
        if self.wild() {
            match self.world.upto(5) {
                0 => by = self.world.anybody(),
                1 => reference.event_index += 7,
                2 => reference.event_digest = Bytes::from_static(&[8; 32]),
                3 => restated = event(Body::Used(Used::default())),
                4 => by = 2,
                _ => {}
            }
        }
        with.retain(|w| *w != by);
        let corrected = Corrected {
            original: Some(reference),
            restated: Some(Box::new(restated)),
            reason: "misread".to_owned(),
        };
        Some(Play::Plan(Plan {
            with,
            authorities,
            ..plan(by, Body::Corrected(Box::new(corrected)))
        }))
    }

    /// The same event with another mass, another place, or (wrongly) another
    /// name or none of that.
    fn restate(&mut self, original: &Event) -> Event {
        let mut restated = original.clone();
        let nothing = self.world.percent(4);
        let renamed = self.world.percent(4);
        let place = (*self.world.pick(&PLACES)).to_owned();
        let elsewhere = self.world.percent(25);
        match restated.body.as_mut().unwrap() {
            Body::Produced(Produced { lot })
            | Body::Imported(Imported { lot, .. })
            | Body::Opened(Opened { lot, .. }) => {
                let lot = lot.as_mut().unwrap();
                if renamed {
                    lot.label.push('x');
                }
                if elsewhere {
                    lot.place = place;
                }
                if !nothing {
                    self.reweigh(lot.quantity.as_mut().unwrap());
                }
            }
            Body::Used(Used {
                goods, place: at, ..
            })
            | Body::Disposed(Disposed {
                goods, place: at, ..
            })
            | Body::Exported(Exported {
                goods, place: at, ..
            }) => {
                if elsewhere {
                    *at = place;
                }
                if !nothing && let Some(loose) = &mut goods.as_mut().unwrap().loose {
                    self.reweigh(loose);
                }
            }
            Body::Incident(e) => {
                if renamed {
                    e.description.push('x');
                }
                if let Some(loose) = &mut e.goods.as_mut().unwrap().loose {
                    self.reweigh(loose);
                }
            }
            _ => unreachable!("only these are in the past"),
        }
        restated
    }

    fn reweigh(&mut self, quantity: &mut Quantity) {
        quantity.gross_mg = mass(Some(quantity)).unwrap();
        quantity.measure = None;
        let gross = &mut quantity.gross_mg;
        match self.world.upto(5) {
            0 => *gross *= 2,
            1 => *gross = (*gross / 2).max(1),
            2 => *gross += self.some(1000),
            3 => *gross = (*gross - self.some(1000)).max(1),
            4 => *gross = self.some(*gross),
            _ => *gross += self.some(*gross),
        }
    }
}

/// The event that a chain of corrections is about.
fn original(model: &Model, reference: &EventRef) -> Option<EventRef> {
    let mut reference = reference.clone();
    loop {
        let happened = model.events.get(&event_name(&reference)?)?;
        match &happened.event.body {
            Some(Body::Corrected(e)) => reference = e.original.clone()?,
            _ => return Some(reference),
        }
    }
}

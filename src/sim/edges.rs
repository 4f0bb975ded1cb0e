//! The ledger's edge: a neighbour that is not on it delivers to a store, a user
//! sends goods to one. An agency confirms some of it and the neighbour itself,
//! once it has joined, what it remembers; the rest stays one side's word.

use super::cast::Who;
use super::goods::{CYANIDE, Contents, KG, NITRATE, Pile, booked};
use super::world::Job;
use super::{Issued, World, paper};
use crate::event::LotId;
use crate::event::ids::derived;
use crate::pb::event::Body;
use crate::pb::{Arrived, Confirmed, Departed, DocumentRef, EventRef, Outsider};

/// What the neighbour that joins is to confirm by then, at most.
const MAX_AWAITING: usize = 8;
/// Of so many crossings one is never confirmed.
const NEVER_ONE_IN: u64 = 3;
/// Of so many confirmations one names another mass.
const OTHERWISE_ONE_IN: u64 = 5;
/// Packages that a user sends away at a time, at most.
const SENT: u64 = 5;

/// Goods that have crossed the edge.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) lot: LotId,
    pub(super) event: EventRef,
    /// Milligrams of gross, as booked.
    pub(super) gross: i64,
    pub(super) neighbour: Who,
}

fn outsider(who: &Who) -> Outsider {
    Outsider {
        name: format!("{} {}", who.name_zh, who.name_en),
        code: who.code.clone(),
        country: "CN".to_owned(),
        ..Outsider::default()
    }
}

impl World {
    /// Who is outside just now.
    fn neighbour(&mut self, of: &'static str) -> Who {
        let turn = self.turn(of);
        let neighbours = &self.cast.neighbours;
        if self.joined {
            return neighbours.last().clone();
        }
        neighbours.nth(turn).clone()
    }

    /// Delivery note and waybill; now and then there is neither.
    fn handed_over(&mut self) -> Vec<DocumentRef> {
        if self.turn("delivery note") % 4 == 3 {
            return Vec::new();
        }
        vec![DocumentRef {
            kind: "delivery note 送货单".to_owned(),
            hash: self.hash(),
        }]
    }

    /// A neighbour delivers packages to a store.
    pub(super) fn arrive_from_outside(&mut self) -> Issued {
        let turn = self.turn("arrived");
        let store = self.cast.warehouses.nth(turn).clone();
        let from = self.neighbour("comes from");
        let product = if turn.is_multiple_of(2) {
            &NITRATE
        } else {
            &CYANIDE
        };
        let each = product.package_kg.first().copied().unwrap_or(1) * KG;
        let count = 10 + self.below(50);
        let gross = each.saturating_mul(i64::try_from(count).unwrap_or_default());
        let ppm = self.content(product);
        let label = self.label(&store, product.substance);
        let place = store.takes_in(product.substance).code;
        let mut lot = self.new_lot(label, product, gross, ppm, place);
        if turn % 5 == 3 {
            lot.data_sheet_hash.clear();
        }
        let id = self.fresh_id();
        let name = LotId(derived(&store.code, id, 0, 0));
        let arrived = Arrived {
            lot: Some(lot),
            from: Some(outsider(&from)),
            documents: self.handed_over(),
        };
        let packed = paper::packed(name, place, count, each, product.packaging);
        let bodies = vec![Body::Arrived(arrived), Body::Packed(packed)];
        let what = "takes in goods from outside the ledger";
        let said = self.say_as(id, &store, &[], bodies, what);
        self.stock.push(Pile {
            lot: name,
            product,
            ppm,
            waste: false,
            holder: store.clone(),
            place,
            owner: store,
            contents: Contents::Packages {
                first: 1,
                last: count,
                each,
            },
        });
        self.crossed(Edge {
            lot: name,
            event: said.reference(0),
            gross,
            neighbour: from,
        });
        said.issued
    }

    /// A user sends some of what it has to a neighbour.
    pub(super) fn depart(&mut self, pile: Pile) -> Issued {
        let some = self.some_of(pile, SENT);
        let to = self.neighbour("goes to");
        let departed = Departed {
            goods: Some(some.goods()),
            place: some.place.to_owned(),
            to: Some(outsider(&to)),
            documents: self.handed_over(),
        };
        let what = "sends goods out of the ledger";
        let said = self.say(&some.holder, vec![Body::Departed(departed)], what);
        self.crossed(Edge {
            lot: some.lot,
            event: said.reference(0),
            gross: some.gross(),
            neighbour: to,
        });
        said.issued
    }

    /// What has crossed the edge waits for the neighbour that will join, or
    /// for an agency, or in vain.
    fn crossed(&mut self, edge: Edge) {
        let joins = edge.neighbour.code == self.cast.neighbours.first().code;
        if joins && !self.joined && self.awaiting.len() < MAX_AWAITING {
            self.awaiting.push(edge);
        } else if self.turn("never confirmed") % NEVER_ONE_IN != NEVER_ONE_IN - 1 {
            self.jobs.push(Job::Edge(Box::new(edge)));
        }
    }

    /// What the other side, or an agency for it, knows of a crossing.
    pub(super) fn confirm(&mut self, edge: Edge) -> Issued {
        let otherwise = self.turn("confirmed") % OTHERWISE_ONE_IN == OTHERWISE_ONE_IN - 1;
        let gross = edge.gross + if otherwise { KG } else { 0 };
        let confirmed = Confirmed {
            lot: edge.lot.to_bytes(),
            edge: Some(edge.event),
            quantity: Some(booked(gross)),
        };
        let bodies = vec![Body::Confirmed(confirmed)];
        let itself = edge.neighbour.code == self.cast.neighbours.first().code && self.joined;
        if itself {
            let what = "confirms as the other side, now on the ledger";
            return self.say(&edge.neighbour, bodies, what).issued;
        }
        self.order(bodies, "confirms what crossed the edge").issued
    }

    /// The neighbour joins: from now on it trades as everybody does, and it
    /// confirms what went before.
    pub(super) fn let_in(&mut self, who: &Who) -> Issued {
        let said = self.register(who);
        let places = self.register_places(who);
        self.ready.push_back(places.issued);
        if self.rule_book {
            self.license(who);
        }
        self.joined = true;
        self.cast.join(who);
        for edge in std::mem::take(&mut self.awaiting) {
            let confirmed = self.confirm(edge);
            self.ready.push_back(confirmed);
        }
        said.issued
    }
}

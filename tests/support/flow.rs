//! A short history of sodium cyanide: made, packed, carried, taken over short,
//! settled, sold, used, transformed, declared waste, corrected, counted.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use bytes::Bytes;
use hazledger::event::ids::derived;
use hazledger::event::statement::Draft;
use hazledger::event::{ConsignmentId, LotId};
use hazledger::pb::event::Body;
use hazledger::pb::offered::From;
use hazledger::pb::{
    Accepted, AcceptedLine, Carriage, Consumed, Corrected, Counted, Declined, EventRef, Goods,
    KeyRevoked, Moved, NewLot, Offered, Packed, Produced, Quantity, Relayed, ReportKind, Reported,
    SerialRange, Settled, Settlement, SettlementCause, Traded, TransformInput, Transformed,
    TransportMode, Used, Wasted, Withdrawn,
};

use super::book::{Book, Member, event, key_registered};

/// Who takes part.
pub struct Cast {
    pub maker: Member,
    pub carrier: Member,
    pub user: Member,
    /// A second key of the user's, which is revoked in the end.
    pub spare: Member,
}

impl Cast {
    pub fn new() -> Cast {
        let user = Member::new("MA0BUYER", 13);
        Cast {
            maker: Member::new("MA0MAKER", 11),
            carrier: Member::new("MA0CARRY", 12),
            spare: Member {
                key: super::book::key(14),
                ..user.clone()
            },
            user,
        }
    }
}

pub fn mass(gross_mg: i64) -> Quantity {
    Quantity {
        gross_mg,
        measure: None,
    }
}

pub fn loose(lot: LotId, gross_mg: i64) -> Goods {
    Goods {
        lot: lot.to_bytes(),
        loose: Some(mass(gross_mg)),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

pub fn packages(lot: LotId, first: u64, last: u64) -> Goods {
    Goods {
        lot: lot.to_bytes(),
        loose: None,
        serials: vec![SerialRange { first, last }],
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

pub fn new_lot(label: &str, form: &str, gross_mg: i64, content_ppm: u32, place: &str) -> NewLot {
    NewLot {
        label: label.to_owned(),
        form: form.to_owned(),
        quantity: Some(mass(gross_mg)),
        content_ppm,
        place: place.to_owned(),
        data_sheet_hash: Bytes::copy_from_slice(&[1; 32]),
        label_hash: Bytes::copy_from_slice(&[2; 32]),
        documents: Vec::new(),
    }
}

pub fn produced(label: &str, gross_mg: i64, place: &str) -> Body {
    Body::Produced(Produced {
        lot: Some(new_lot(label, "NACN-1689", gross_mg, 980_000, place)),
    })
}

/// An offer from a place; with a waybill if goods go aboard.
pub fn offered(taker: &Member, from: From, lines: Vec<Goods>, consignee: Option<&Member>) -> Body {
    Body::Offered(Offered {
        taker: taker.party.clone(),
        from: Some(from),
        lines,
        carriage: consignee.map(|to| Carriage {
            mode: TransportMode::Road.into(),
            waybill: "W1".to_owned(),
            vehicle: "蒙B12345".to_owned(),
            crew: vec![Bytes::copy_from_slice(&[3; 32])],
            route: vec!["150200".to_owned()],
            seals: vec!["seal-1".to_owned()],
            consignee: to.party.clone(),
            ..Carriage::default()
        }),
        documents: Vec::new(),
        returns: None,
        ..Offered::default()
    })
}

/// An acceptance of line 0.
pub fn accepted(offer: EventRef, place: &str, gross_mg: i64, serials: &[SerialRange]) -> Body {
    Body::Accepted(Accepted {
        offer: Some(offer),
        place: place.to_owned(),
        lines: vec![AcceptedLine {
            line: 0,
            accepted: (gross_mg > 0).then(|| mass(gross_mg)),
            accepted_serials: serials.to_vec(),
            ..AcceptedLine::default()
        }],
        returns: None,
        ..Accepted::default()
    })
}

/// The lot, handoff or dispute that an event of a draft makes.
pub fn name(draft: &Draft, index: u32, line: u32) -> [u8; 16] {
    derived(&draft.party, draft.id, index, line)
}

pub fn place(place: &str) -> From {
    From::Place(place.to_owned())
}

/// The history, in batches of one to four records.
pub struct Flow {
    pub book: Book,
    pub cast: Cast,
    /// Loose and packed at the maker's.
    pub lot: LotId,
    /// The maker's offer that stands open in the end, to the user.
    pub offer: Draft,
}

impl Flow {
    /// Parties registered, one lot made and part of it packed.
    pub fn start() -> Flow {
        let mut book = Book::new();
        let cast = Cast::new();
        book.register(&cast.maker, &["T1", "T2"]);
        book.register(&cast.carrier, &["Y"]);
        book.register(&cast.user, &["U"]);
        book.commit();
        let made = book.draft(
            &cast.maker.party,
            vec![event(produced("L1", 1_000_000, "T1"))],
        );
        let lot = LotId(name(&made, 0, 0));
        book.submit_draft(&made, &cast.maker, &[]);
        book.submit(
            &cast.maker,
            &[],
            vec![event(Body::Packed(Packed {
                lot: lot.to_bytes(),
                place: "T1".to_owned(),
                serials: Some(SerialRange { first: 1, last: 10 }),
                gross_mg_each: 50_000,
                packaging: "1A2".to_owned(),
            }))],
        );
        book.commit();
        let offer = book.draft(&cast.maker.party, Vec::new());
        Flow {
            book,
            cast,
            lot,
            offer,
        }
    }

    /// An offer of the maker's to the user, which stands.
    pub fn offer(mut self) -> Flow {
        let goods = Goods {
            serials: vec![SerialRange { first: 9, last: 10 }],
            ..loose(self.lot, 1000)
        };
        let body = offered(&self.cast.user, place("T1"), vec![goods], None);
        self.offer = self.book.draft(&self.cast.maker.party, vec![event(body)]);
        let offer = self.offer.clone();
        self.book.submit_draft(&offer, &self.cast.maker, &[]);
        self.book.commit();
        self
    }

    /// How an acceptance names the standing offer.
    pub fn offer_ref(&self) -> EventRef {
        self.offer.event_ref(0, &self.cast.maker.key).unwrap()
    }

    /// Made, carried, taken over, used: some twenty records.
    pub fn twenty() -> Flow {
        let mut flow = Flow::start();
        flow.carriage();
        flow.use_and_make();
        flow
    }

    /// All of it: thirty records.
    pub fn whole() -> Flow {
        let mut flow = Flow::start();
        flow.carriage();
        flow.use_and_make();
        flow.last_words();
        flow = flow.offer();
        flow
    }

    /// By road from maker to user, who says what came before the carrier does.
    fn carriage(&mut self) {
        let Flow {
            book, cast, lot, ..
        } = self;
        let goods = Goods {
            serials: vec![SerialRange { first: 1, last: 4 }],
            ..loose(*lot, 300_000)
        };
        let body = offered(&cast.carrier, place("T1"), vec![goods], Some(&cast.user));
        let offer = book.draft(&cast.maker.party, vec![event(body)]);
        let consignment = ConsignmentId(name(&offer, 0, 0));
        book.submit_draft(&offer, &cast.maker, &[]);
        let named = offer.event_ref(0, &cast.maker.key).unwrap();
        let taken = accepted(named, "", 300_000, &[SerialRange { first: 1, last: 4 }]);
        book.submit(&cast.carrier, &[], vec![event(taken)]);
        book.commit();
        let relayed = Body::Relayed(Relayed {
            consignment: consignment.to_bytes(),
            to_carrier: cast.carrier.party.clone(),
            vehicle: "蒙B54321".to_owned(),
            region: "150100".to_owned(),
            ..Relayed::default()
        });
        let reported = Body::Reported(Reported {
            consignment: consignment.to_bytes(),
            kind: ReportKind::Stop.into(),
            region: "150200".to_owned(),
            ..Reported::default()
        });
        book.submit(&cast.carrier, &[], vec![event(relayed), event(reported)]);
        let goods = Goods {
            serials: vec![SerialRange { first: 1, last: 4 }],
            ..loose(*lot, 300_000)
        };
        let from = From::Consignment(consignment.to_bytes());
        let body = offered(&cast.user, from, vec![goods], None);
        let handed = book.draft(&cast.carrier.party, vec![event(body)]);
        let named = handed.event_ref(0, &cast.carrier.key).unwrap();
        let taken = accepted(named, "U", 280_000, &[SerialRange { first: 1, last: 3 }]);
        let arrived = book.draft(&cast.user.party, vec![event(taken)]);
        book.submit_draft(&arrived, &cast.user, &[]);
        book.submit_draft(&handed, &cast.carrier, &[]);
        book.commit();
        let settled = Body::Settled(Settled {
            dispute: Bytes::copy_from_slice(&name(&arrived, 0, 0)),
            settlements: vec![
                Settlement {
                    cause: SettlementCause::Spill.into(),
                    gross_mg: 5_000,
                    ..Settlement::default()
                },
                Settlement {
                    cause: SettlementCause::Miscount.into(),
                    gross_mg: 15_000,
                    serials: vec![SerialRange { first: 4, last: 4 }],
                    party: cast.user.party.clone(),
                    place: "U".to_owned(),
                },
            ],
        });
        book.submit(&cast.user, &[&cast.carrier], vec![event(settled)]);
        book.commit();
    }

    fn use_and_make(&mut self) {
        let Flow {
            book, cast, lot, ..
        } = self;
        let traded = Body::Traded(Traded {
            buyer: cast.user.party.clone(),
            goods: vec![loose(*lot, 295_000), packages(*lot, 1, 4)],
            permit: "P-1".to_owned(),
            returns: None,
            payment: 0,
            online: false,
        });
        book.submit(&cast.maker, &[&cast.user], vec![event(traded)]);
        let used = Body::Used(Used {
            goods: Some(packages(*lot, 1, 1)),
            place: "U".to_owned(),
            purpose: "leaching".to_owned(),
        });
        book.submit(&cast.user, &[], vec![event(used)]);
        let transformed = Body::Transformed(Transformed {
            inputs: vec![TransformInput {
                goods: Some(loose(*lot, 100_000)),
                place: "U".to_owned(),
            }],
            outputs: vec![new_lot("M1", "NACN-3414", 150_000, 600_000, "U")],
            inert: vec![hazledger::pb::Inert {
                name: "water".to_owned(),
                quantity: Some(mass(60_000)),
            }],
            consumed: vec![Consumed {
                substance: "NACN".to_owned(),
                contained_mg: 5_000,
            }],
            ..Transformed::default()
        });
        book.submit(&cast.user, &[], vec![event(transformed)]);
        book.commit();
        let wasted = Body::Wasted(Wasted {
            goods: Some(loose(*lot, 10_000)),
            place: "U".to_owned(),
            label: "W1".to_owned(),
            waste_code: "900-028-33".to_owned(),
        });
        let counted = Body::Counted(Counted {
            lot: lot.to_bytes(),
            place: "U".to_owned(),
            loose_gross_mg: 184_000,
            serials_scanned: vec![SerialRange { first: 2, last: 4 }],
            serials_assumed: Vec::new(),
            outers_seen: Vec::new(),
            loose_measure: None,
        });
        book.submit(&cast.user, &[], vec![event(wasted), event(counted)]);
        book.commit();
    }

    fn last_words(&mut self) {
        let Flow {
            book, cast, lot, ..
        } = self;
        // Both sign on the spot: offered and accepted in one statement.
        let body = offered(&cast.user, place("T1"), vec![loose(*lot, 20_000)], None);
        let mut both = book.draft(&cast.maker.party, vec![event(body)]);
        let named = both.event_ref(0, &cast.maker.key).unwrap();
        both.events.push(event(accepted(named, "U", 20_000, &[])));
        book.submit_draft(&both, &cast.maker, &[&cast.user]);
        let made = book.draft(
            &cast.maker.party,
            vec![event(produced("L2", 500_000, "T2"))],
        );
        book.submit_draft(&made, &cast.maker, &[]);
        let corrected = Body::Corrected(Box::new(Corrected {
            original: made.event_ref(0, &cast.maker.key),
            restated: Some(Box::new(event(produced("L2", 450_000, "T2")))),
            reason: "weighed again".to_owned(),
        }));
        book.submit(&cast.maker, &[], vec![event(corrected)]);
        book.commit();
        for close in [true, false] {
            let body = offered(&cast.user, place("T1"), vec![loose(*lot, 20_000)], None);
            let offer = book.draft(&cast.maker.party, vec![event(body)]);
            book.submit_draft(&offer, &cast.maker, &[]);
            let offer = offer.event_ref(0, &cast.maker.key);
            let reason = String::new();
            if close {
                let declined = Body::Declined(Declined { offer, reason });
                book.submit(&cast.user, &[], vec![event(declined)]);
            } else {
                let withdrawn = Body::Withdrawn(Withdrawn { offer, reason });
                book.submit(&cast.maker, &[], vec![event(withdrawn)]);
            }
        }
        let moved = Body::Moved(Moved {
            goods: Some(packages(*lot, 5, 6)),
            from_place: "T1".to_owned(),
            to_place: "T2".to_owned(),
        });
        book.submit(&cast.maker, &[], vec![event(moved)]);
        book.commit();
        let (first, second) = (book.authority.clone(), book.second.clone());
        let spare = key_registered(&cast.user.party, &cast.spare.key);
        book.submit(&first, &[&second], vec![event(Body::KeyRegistered(spare))]);
        let revoked = Body::KeyRevoked(KeyRevoked {
            key_id: cast.spare.key.id().to_bytes(),
            reason: "lost".to_owned(),
        });
        book.submit(&cast.user, &[], vec![event(revoked)]);
        book.commit();
    }
}

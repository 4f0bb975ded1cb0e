//! The words of the tables about vessels: V1 is a tank of everybody's, V2 a
//! road tank; set-up steps by name.
#![allow(
    dead_code,
    clippy::unused_self,
    reason = "the words read alike in the tables; each test crate needs another part of them"
)]

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Assayed, Cleaned, CleanedInto, Drawn, Filled, Inert, NewLot, Offered, PlaceRegistered,
    ReportKind, Reported, Residue, VesselKind, filled,
};

use super::bench::{Answer, Bench, place};
use super::verbs::kg;

/// A place as a vessel.
pub fn vessel(letter: char, code: &str, kind: VesselKind) -> PlaceRegistered {
    PlaceRegistered {
        vessel: kind.into(),
        ..place(letter, code)
    }
}

impl Bench {
    pub fn filled(&self, goods: &str, from: &str, vessel: &str) -> Filled {
        Filled {
            goods: self.goods(goods),
            from: Some(filled::From::Place(from.into())),
            vessel: vessel.into(),
            label: "running".into(),
        }
    }

    pub fn filled_aboard(&self, goods: &str, consignment: &str, vessel: &str) -> Filled {
        Filled {
            from: Some(filled::From::Consignment(self.id(consignment))),
            ..self.filled(goods, "", vessel)
        }
    }

    pub fn drawn(&self, vessel: &str, mass: &str, to: &str) -> Drawn {
        Drawn {
            vessel: vessel.into(),
            quantity: kg(mass),
            label: "drawn".into(),
            to_place: to.into(),
        }
    }

    /// Washed with so much water into these residues.
    pub fn cleaned(&self, vessel: &str, water: &str, into: &[(Residue, &str, u32)]) -> Cleaned {
        let residue = |(residue, mass, content_ppm): &(Residue, &str, u32)| CleanedInto {
            residue: (*residue).into(),
            lot: Some(NewLot {
                content_ppm: *content_ppm,
                ..self.lot("residue", mass, "T2")
            }),
            waste_code: if *residue == Residue::Waste {
                "900-028-33"
            } else {
                ""
            }
            .into(),
        };
        Cleaned {
            vessel: vessel.into(),
            rinse: vec![Inert {
                name: "water".into(),
                quantity: kg(water),
            }],
            into: into.iter().map(residue).collect(),
            losses: Vec::new(),
        }
    }

    pub fn unloaded(&self, consignment: &str) -> Reported {
        Reported {
            kind: ReportKind::Unloaded.into(),
            ..self.reported(consignment)
        }
    }

    pub fn dried(&self, lot: &str, wetting_ppm: u32) -> Assayed {
        Assayed {
            wetting_ppm: Some(wetting_ppm),
            ..self.assayed(lot, 700_000)
        }
    }

    /// Set-up steps of the tables about vessels.
    pub fn vessel_step(&mut self, step: &str) -> Option<Answer> {
        Some(match step {
            "tanks" => {
                for (letter, key) in [('P', "P1"), ('C', "C1"), ('M', "M1")] {
                    let tank = vessel(letter, "V1", VesselKind::Tank);
                    let truck = vessel(letter, "V2", VesselKind::RoadTank);
                    for place in [tank, truck] {
                        if let Err(refused) = self.say(key, B::PlaceRegistered(place)) {
                            return Some(Err(refused));
                        }
                    }
                }
                Ok(Vec::new())
            }
            // P pours 400 kg of the stock into V1.
            "filled" => self.name(
                "running",
                "P1",
                B::Filled(self.filled("stock 400", "T1", "V1")),
            ),
            // All of it is drawn again, to T2.
            "emptied" => self.name("drawn", "P1", B::Drawn(self.drawn("V1", "400", "T2"))),
            "washed" => {
                let into = [
                    (Residue::Rinse, "450", 860_000),
                    (Residue::Waste, "50", 100_000),
                ];
                self.say("P1", B::Cleaned(self.cleaned("V1", "100", &into)))
            }
            // A tonne of nitrocellulose with 30 % of water, at T1.
            "nitrocellulose" => self.name(
                "nc",
                "P1",
                B::Produced(hazledger::pb::Produced {
                    lot: Some(NewLot {
                        form: "NC-2555".into(),
                        content_ppm: 700_000,
                        ..self.lot("nc", "1000", "T1")
                    }),
                }),
            ),
            // C pours what it has aboard into its road tank.
            "pumped" => self.name(
                "load",
                "C1",
                B::Filled(self.filled_aboard("stock 200", "truck", "V2")),
            ),
            // 150 kg of it are drawn and offered to M, who takes them.
            "dropped" => {
                let drawn = self.name("drop", "C1", B::Drawn(self.drawn("V2", "150", "")));
                let offered = Offered {
                    ..self.delivered('M', "truck", &["drop 150"])
                };
                drawn
                    .and_then(|_| self.name("delivery", "C1", B::Offered(offered)))
                    .and_then(|_| {
                        self.say(
                            "M1",
                            B::Accepted(self.accepted("delivery", "T1", &["0 take 150"])),
                        )
                    })
            }
            "unloaded" => self.say("C1", B::Reported(self.unloaded("truck"))),
            _ => return None,
        })
    }
}

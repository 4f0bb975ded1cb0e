//! Plans of matter that goes, changes and comes back.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Consumed, Disposed, EventKind, Exported, Goods, Incident, IncidentKind, Inert, NewLot,
    ProcessLoss, Quantity, Recovered, Sampled, TransformInput, Transformed, UnregulatedProduct,
    Used, Wasted, incident,
};

use super::books::{Account, Amount, Id, content};
use super::change::substance;
use super::goods::mass;
use super::model::Model;
use super::plans::{bytes, one};
use super::player::{Play, Player};
use super::stock::Stock;

/// Matter that goes, changes and comes back.
impl Player {
    pub fn gone(&mut self, model: &Model, kind: EventKind) -> Option<Play> {
        let stock = if kind == EventKind::Used && self.world.percent(20) {
            self.promised_stock(model)?
        } else {
            self.stock(model)?
        };
        let mut goods = self.goods(&stock);
        let poured = kind != EventKind::Exported && self.world.percent(35);
        if poured || self.world.percent(2) {
            self.pour(model, &mut goods, &stock);
        }
        let goods = Some(goods);
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
                emptied: self.world.percent(40),
            }),
            EventKind::Exported => Body::Exported(Exported {
                goods,
                place,
                country: "MN".to_owned(),
                customs_entry: "X-1".to_owned(),
                customs_status: self.customs_status().into(),
            }),
            EventKind::Sampled => {
                self.labels += 1;
                Body::Sampled(Sampled {
                    goods,
                    place,
                    label: format!("S-{}", self.labels),
                    purpose: "retained sample".to_owned(),
                })
            }
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

    pub fn incident(&mut self, model: &Model) -> Option<Play> {
        let kind = *self
            .world
            .pick(&[IncidentKind::Missing, IncidentKind::Released]);
        let road = self.only.is_none() && self.world.percent(50);
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
                empties: Vec::new(),
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
            let mut goods = self.goods(&stock);
            self.with_empties(&mut goods, &stock);
            if self.world.percent(30) {
                self.pour(model, &mut goods, &stock);
            }
            (stock.by, goods, incident::At::Place(stock.place))
        };
        let incident = Incident {
            kind: kind.into(),
            goods: Some(goods),
            at: Some(at),
            description: "gone".to_owned(),
        };
        Some(one(by, Body::Incident(incident)))
    }

    pub fn recovered(&mut self, model: &Model) -> Option<Play> {
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
            empties: Vec::new(),
        };
        let recovered = Recovered {
            goods: Some(self.goods(&stock)),
            place: self.place(),
        };
        Some(one(by, Body::Recovered(recovered)))
    }

    pub fn transformed(&mut self, model: &Model) -> Option<Play> {
        let first = self.stock(model)?;
        let stocks = self.more_stock(model, &first);
        let mut inputs = Vec::new();
        let mut total = Amount::NONE;
        let mut substances: Vec<(String, i64)> = Vec::new();
        for stock in stocks.iter().take(3) {
            let mut goods = self.goods(stock);
            if self.world.percent(30) {
                self.pour(model, &mut goods, stock);
            }
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
    pub fn outputs(&mut self, e: &mut Transformed, gross: i64, substances: &[(String, i64)]) {
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
pub fn mass_of(model: &Model, stock: &Stock, goods: &Goods) -> Amount {
    let book = model.lots.get(&stock.lot).unwrap();
    let gross = mass(goods.loose.as_ref()).unwrap_or(0);
    let serials = goods.serials.iter().flat_map(|r| r.first..=r.last);
    let packages = serials.filter_map(|s| book.packages.get(&s));
    let packed: Amount = packages.map(|p| p.mass).sum();
    let parts = goods.parts.iter().filter_map(|part| {
        let gross = mass(part.quantity.as_ref()).ok()?;
        Some(book.packages.get(&part.serial)?.part(gross))
    });
    let poured: Amount = parts.sum();
    let loose = Amount {
        gross,
        contained: content(gross, book.ppm),
    };
    loose + packed + poured
}

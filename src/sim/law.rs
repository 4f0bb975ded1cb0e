//! The world's own books of what the law asks: what is left of purchase
//! permits, which transport passes are in use, fleets and wagons. They are
//! kept without asking the ledger, so that what comes of them is an opinion of
//! the world's own.

use std::collections::BTreeMap;

use super::cases::Awaited;
use super::cast::Who;
use super::fleet::{Fleet, Turnout};
use super::goods::{CELLULOSE, CYANIDE, KG, NITRATE, Pile, TONNE_KG};
use super::packs::is_controlled;
use super::world::Job;
use super::{Issued, World};
use crate::pb::event::Body;
use crate::pb::{FindingCode, PermitKind, PermitRegistered, PermitStatus, RoadPass};

/// Kilograms of a purchase permit.
const PURCHASE_KG: i64 = 2_000 * TONNE_KG;

/// What is left of a permit.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    pub(super) number: String,
    /// Milligrams of gross.
    pub(super) left_mg: i64,
}

/// A transport pass, and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) number: String,
    carrier: String,
    consignee: String,
    vehicle: String,
}

impl Pass {
    /// One that is still to name the rest.
    pub(super) fn numbered(number: String, consignee: &Who) -> Pass {
        Pass {
            number,
            carrier: String::new(),
            consignee: consignee.code.clone(),
            vehicle: String::new(),
        }
    }
}

/// The books.
#[derive(Debug, Default)]
pub(super) struct Law {
    pub(super) fleets: BTreeMap<String, Fleet>,
    pub(super) wide: Vec<String>,
    pub(super) narrow: Vec<String>,
    pub(super) wagon_turn: usize,
    /// By buyer and substance.
    pub(super) quotas: BTreeMap<(String, &'static str), Quota>,
    /// A finding that is to be answered.
    pub(super) awaited: Option<Awaited>,
    /// Goods of cases that wait for an order: what stands in a laboratory, what
    /// has dried, and what is too much for one act.
    pub(super) cupboard: Option<Pile>,
    pub(super) dried: Option<Pile>,
    pub(super) much: Option<Pile>,
}

/// Whether goods of this substance are highly toxic: two persons, and a pass.
pub(super) fn is_highly_toxic(substance: &str) -> bool {
    substance == CYANIDE.substance
}

/// What the ledger is to find in every act with such goods.
pub(super) fn told(pile: &Pile) -> Vec<FindingCode> {
    if is_controlled(pile.product.form) {
        vec![FindingCode::Controlled]
    } else {
        Vec::new()
    }
}

impl World {
    /// The permit that a purchase of a pile names, and what is left of it by
    /// these books; or the statement that registers one first.
    pub(super) fn purchase(&mut self, buyer: &Who, pile: &Pile) -> Result<String, Box<Issued>> {
        let key = (buyer.code.clone(), pile.product.substance);
        let gross = pile.gross();
        if let Some(quota) = self.law.quotas.get_mut(&key)
            && quota.left_mg >= gross
        {
            quota.left_mg -= gross;
            return Ok(quota.number.clone());
        }
        let (kind, name) = match pile.product.substance {
            s if s == NITRATE.substance => (PermitKind::CivilExplosivesPurchase, "MBG"),
            s if s == CELLULOSE.substance => (PermitKind::LawfulUseStatement, "HFYT"),
            _ => (PermitKind::HighlyToxicPurchase, "JDG"),
        };
        let number = format!("{name}-{}-{:05}", buyer.letters, self.number());
        let by_itself = kind == PermitKind::LawfulUseStatement;
        let status = if by_itself {
            PermitStatus::Unconfirmed
        } else {
            PermitStatus::Granted
        };
        let permit = PermitRegistered {
            substances: vec![pile.product.substance.to_owned()],
            quantity_mg: PURCHASE_KG * KG,
            ..self.permit(buyer, &number, kind, status)
        };
        let bodies = vec![Body::PermitRegistered(permit)];
        let said = if by_itself {
            self.say(buyer, bodies, "states what it lawfully uses goods for")
        } else {
            self.by_agency(buyer, bodies, "grants a purchase permit")
        };
        let left_mg = PURCHASE_KG * KG;
        self.law.quotas.insert(key, Quota { number, left_mg });
        Err(Box::new(said.issued))
    }

    /// What a sale drew comes back.
    pub(super) fn give_quota_back(&mut self, buyer: &Who, pile: &Pile, number: &str) {
        let key = (buyer.code.clone(), pile.product.substance);
        if let Some(quota) = self.law.quotas.get_mut(&key)
            && quota.number == number
        {
            quota.left_mg = quota.left_mg.saturating_add(pile.gross());
        }
    }

    /// A pass for one journey, by a number that no journey under way has.
    fn new_pass(&self, carrier: &Who, consignee: &Who, turnout: &Turnout) -> Pass {
        let used = |number: &str| {
            self.jobs.iter().any(|job| match job {
                Job::Ship(s) => s.pass.as_ref().is_some_and(|p| p.number == number),
                _ => false,
            })
        };
        let mut number = String::new();
        for n in 1..u32::MAX {
            number = format!("TXZ-{}-{n:03}", consignee.letters);
            if !used(&number) {
                break;
            }
        }
        Pass {
            number,
            carrier: carrier.code.clone(),
            consignee: consignee.code.clone(),
            vehicle: turnout.vehicle.clone(),
        }
    }

    /// The pass that a journey needs, where it is not the one at hand, and the
    /// statement that registers it.
    pub(super) fn pass(
        &mut self,
        at_hand: Option<&Pass>,
        carrier: &Who,
        consignee: &Who,
        turnout: &Turnout,
    ) -> Option<(Pass, Issued)> {
        let mut pass = self.new_pass(carrier, consignee, turnout);
        if let Some(old) = at_hand.filter(|old| old.consignee == pass.consignee) {
            pass.number.clone_from(&old.number);
            if *old == pass {
                return None;
            }
        }
        let names = RoadPass {
            carrier: pass.carrier.clone(),
            consignee: pass.consignee.clone(),
            vehicle: pass.vehicle.clone(),
        };
        let body = self.pass_of(consignee, &pass.number, names);
        let what = "gives a transport pass for highly toxic goods";
        let said = self.by_agency(consignee, vec![body], what);
        Some((pass, said.issued))
    }
}

//! Facts beside the handoffs: what comes from outside, is counted, measured,
//! used, disposed of or lost; and offers that end without goods.

use hazledger::pb::event::Body;
use hazledger::pb::{
    Arrived, DocumentRef, FindingCode, Incident, IncidentKind, Outsider, RuleKind, RuleLine,
};
use rand::RngExt as _;

use super::bench::{DAY, hash};
use super::entered::{Goods, Thing};
use super::handing::touched;
use super::hands::Hands;
use super::history::{History, fact_in, goods, home, store};
use super::opinion::{Known, Opinion};
use super::shipments::Waiting;

impl History {
    /// An offer is declined or withdrawn: what it claimed is free.
    pub fn close(&mut self, waiting: &Waiting) {
        let hands = &waiting.hands;
        let by_giver = self.chance(0.5);
        let (keys, body) = if by_giver {
            let giver = hands.giver.unwrap();
            (giver, Body::Withdrawn(self.b.withdrawn(&waiting.called)))
        } else {
            let taker = hands.carrier.or(hands.taker).unwrap();
            (taker, Body::Declined(self.b.declined(&waiting.called)))
        };
        self.fact(&format!("{keys}1"), &body, |_, _| ());
        if hands.giver == Some('W') && !hands.is_aboard {
            *self.stock.entry('W').or_default() += 1;
        }
        if let Some(trip) = waiting.trip.clone().filter(|_| hands.is_aboard) {
            self.road.push(trip);
            return;
        }
        let key = hands.taker.zip(hands.permit.clone());
        let permit = key.and_then(|key| self.entered.permits.get_mut(&key));
        if let Some(permit) = permit {
            permit.free(&waiting.called);
        }
    }

    /// M takes in what comes from outside the ledger.
    pub fn arrive_from_outside(&mut self) {
        let called = self.name();
        let e = Arrived {
            lot: Some(self.b.lot(&called, "5", "T1")),
            from: Some(Outsider {
                name: "Elsewhere".into(),
                code: "KZ-1".into(),
                country: "KZ".into(),
                ..Outsider::default()
            }),
            documents: vec![DocumentRef {
                kind: "waybill".into(),
                hash: hash("waybill"),
            }],
        };
        let came = [goods(&called, "NACN-1689", 5)];
        let hands = Hands {
            taker: Some('M'),
            ..Hands::default()
        };
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let setting = fact_in(&[home('M'), store('M')], times);
            o.hands(&setting, &came, &hands);
            o.seals(false, &touched(&came, &['M'], &['M']));
        };
        self.fact("M1", &Body::Arrived(e), judge);
    }

    /// P counts its nitrocellulose, and finds what the books say.
    pub fn count(&mut self) {
        let nc = [self.nitrocellulose()];
        let e = self
            .b
            .counted("nc", "T1", &format!("{}mg", self.nc_mg), "", "");
        let (keys, two) = self.keys('P');
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let setting = fact_in(&[home('P'), store('P')], times);
            o.two_persons(&setting, &nc, two);
            measured_in_time(o, times);
        };
        self.fact(&keys, &Body::Counted(e), judge);
    }

    /// P measures it.
    pub fn assay(&mut self) {
        let nc = [self.nitrocellulose()];
        let wetting_ppm = self.pick(&[250_000, 259_999, 260_000, 299_999, 300_000]);
        let e = self.b.dried("nc", wetting_ppm);
        let mut at = 0;
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            at = times[0];
            let enough = |line: &RuleLine, _: i64, _: &Goods| {
                Known::good_if(i64::from(wetting_ppm) >= line.limit)
            };
            let setting = fact_in(&[home('P')], times);
            o.judge_each(&setting, RuleKind::Wetting, &nc, enough);
        };
        self.fact("P1", &Body::Assayed(e), judge);
        self.entered.assayed_ms = at;
    }

    /// P uses, disposes of or loses a little.
    pub fn use_some(&mut self) {
        let lot = self.pick(&["nc", "nc", "other", "an"]);
        let little = format!("{lot} 1000mg");
        let body = match self.dice.random_range(0..3) {
            0 => Body::Used(self.b.used(&little, "T1")),
            1 => Body::Disposed(self.b.disposed(&little, "T1")),
            _ => {
                let e = self.b.incident(IncidentKind::Released, &little, "T1");
                Body::Incident(Incident { ..e })
            }
        };
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let sealed = match lot {
                "nc" => Vec::new(),
                lot => vec![Thing::Lot(lot)],
            };
            o.seals(false, &sealed);
            if lot == "nc" {
                measured_in_time(o, times);
            }
        };
        self.fact("P1", &body, judge);
        if lot == "nc" {
            self.nc_mg -= 1000;
        }
    }

    fn nitrocellulose(&self) -> Goods {
        Goods {
            gross_mg: self.nc_mg,
            ..goods("nc", "NC-2555", 1)
        }
    }
}

/// The plant's nitrocellulose was measured lately enough: ten days by the base
/// pack, else as a pack says.
fn measured_in_time(o: &mut Opinion<'_>, times: &[i64]) {
    let (form, at) = (Some("NC-2555"), times[0]);
    let rule = RuleKind::AssayDue;
    let figure = (DAY, 10 * DAY);
    let stands = o.entered.figure(rule, form, home('P'), at, figure);
    // A pack that says "no days" asks for nothing.
    let stands = stands.filter(|ms| *ms > 0);
    let ago = at - o.entered.assayed_ms;
    o.late(FindingCode::AssayOverdue, stands, ago);
}

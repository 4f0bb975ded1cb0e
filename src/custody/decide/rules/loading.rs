//! What stands at a loading by road or rail: certificate, tank, crew, pass,
//! checks and papers. Gates where goods are offered for carriage and where a
//! consignment is relayed; findings where goods are taken aboard and where they
//! arrive, at that time: what ran out under way is found there.

use bytes::Bytes;

use super::judged::Fault;
use super::pass::{self, Much, Named};
use super::vehicles;
use super::{Going, Judged};
use crate::catalog::{Form, RegionCode, Substance};
use crate::custody::draft::Draft;
use crate::custody::rules::Asked;
use crate::custody::{account, lot, subject};
use crate::event::{ConsignmentId, HandoffId, LotId};
use crate::pb::{
    Carriage, ConsignmentState, HandoffLine, HandoffOffered, LoadingChecks, Offered,
    QualificationKind, RuleKind, Subject, TransportMode,
};

/// A load, as it goes or has gone.
struct Load<'a> {
    subject: Subject,
    /// Whose goods they were, who carries them, to whom.
    giver: &'a str,
    carrier: &'a str,
    consignee: &'a str,
    /// Of the event, before `vehicle` and `crew`.
    field: &'a str,
    road: bool,
    /// Plates and wagons; with containers.
    vehicles: Vec<String>,
    containers: &'a [String],
    crew: Vec<&'a Bytes>,
    road_pass: &'a str,
    goods: Vec<Good>,
}

/// Goods of one lot in it.
struct Good {
    form: &'static Form,
    much: Much,
    /// In bulk, some of it.
    loose: bool,
}

/// The carriage is one that these rules know.
fn by_land(mode: TransportMode) -> bool {
    matches!(mode, TransportMode::Road | TransportMode::Rail)
}

/// An offer for carriage: everything is asked.
pub(super) fn offered(
    draft: &mut Draft<'_>,
    judged: &Judged,
    e: &Offered,
    handoff: HandoffId,
    giver: &str,
    going: &[Going],
) {
    let Some(carriage) = &e.carriage else {
        return;
    };
    let loose = |id: &LotId| {
        let mut lines = e.lines.iter().filter(|goods| goods.lot == id.0.as_slice());
        lines.any(|goods| goods.loose.is_some())
    };
    let goods = going.iter().filter_map(|one| {
        let much = Much {
            gross_mg: one.gross_mg,
            contained_mg: one.contained_mg,
        };
        good(draft, one.lot, much, loose(&one.lot))
    });
    let goods = goods.collect();
    let load = Load::of_carriage(carriage, handoff, giver, &e.taker, &e.road_pass, goods);
    if carriage.mode() != TransportMode::Pipeline {
        papers(draft, judged, &load, e.papers_passed_on);
    }
    if !by_land(carriage.mode()) {
        return;
    }
    load.judge(draft, judged);
    if load.road {
        checks(draft, judged, &load, e.loading_checks.as_ref());
    }
}

/// A relay, as the consignment goes on from it.
pub(super) fn relayed(draft: &mut Draft<'_>, judged: &Judged, id: ConsignmentId) {
    let state = draft.consignment(id).unwrap_or_default();
    let aboard = account::aboard(id);
    let lots = state.lots.iter().filter_map(|l| LotId::from_slice(l));
    let goods = lots.filter_map(|id| {
        let there = lot::loose(&draft.lot(id).unwrap_or_default(), &aboard);
        let loose = there.is_ok_and(|amount| amount.gross > 0);
        good(draft, id, Much::default(), loose)
    });
    let goods = goods.collect();
    Load::of_consignment(&state, id, goods).judge(draft, judged);
}

/// Goods have been taken aboard.
pub(super) fn aboard(
    draft: &mut Draft<'_>,
    judged: &Judged,
    handoff: HandoffId,
    offered: &HandoffOffered,
) {
    let Some(carriage) = offered.carriage.as_ref().filter(|c| by_land(c.mode())) else {
        return;
    };
    let goods = of_lines(draft, &offered.lines);
    let (giver, taker) = (&offered.giver, &offered.taker);
    let load = Load::of_carriage(carriage, handoff, giver, taker, &offered.road_pass, goods);
    load.judge(draft, judged);
}

/// Goods of a consignment have arrived.
pub(super) fn arrived(
    draft: &mut Draft<'_>,
    judged: &Judged,
    id: ConsignmentId,
    lines: &[HandoffLine],
) {
    let state = draft.consignment(id).unwrap_or_default();
    let mode = state.carriage.as_ref().map(Carriage::mode);
    if !mode.is_some_and(by_land) {
        return;
    }
    let goods = of_lines(draft, lines);
    Load::of_consignment(&state, id, goods).judge(draft, judged);
}

/// The regions that a consignment touches: of its carrier and of where it was
/// last relayed.
pub(super) fn regions(draft: &Draft<'_>, id: ConsignmentId) -> Vec<RegionCode> {
    let state = draft.consignment(id).unwrap_or_default();
    let mut regions: Vec<RegionCode> = super::party_region(draft, &state.carrier)
        .into_iter()
        .collect();
    regions.extend(state.region.parse::<RegionCode>().ok());
    regions
}

fn good(draft: &Draft<'_>, id: LotId, much: Much, loose: bool) -> Option<Good> {
    Some(Good {
        form: super::form_of(draft, id)?,
        much,
        loose,
    })
}

fn of_lines(draft: &Draft<'_>, lines: &[HandoffLine]) -> Vec<Good> {
    let known = |line: &HandoffLine| {
        let id = LotId::from_slice(&line.lot)?;
        good(draft, id, Much::default(), line.loose_gross_mg > 0)
    };
    lines.iter().filter_map(known).collect()
}

impl<'a> Load<'a> {
    fn of_carriage(
        carriage: &'a Carriage,
        handoff: HandoffId,
        giver: &'a str,
        carrier: &'a str,
        road_pass: &'a str,
        goods: Vec<Good>,
    ) -> Load<'a> {
        let plates = [&carriage.vehicle, &carriage.trailer];
        let wagons = carriage.rail.iter().flat_map(|rail| &rail.wagons);
        let vehicles = plates.into_iter().filter(|plate| !plate.is_empty());
        let escort = Some(&carriage.escort).filter(|escort| !escort.is_empty());
        Load {
            subject: subject::handoff(handoff),
            giver,
            carrier,
            consignee: &carriage.consignee,
            field: "carriage.",
            road: carriage.mode() == TransportMode::Road,
            vehicles: vehicles.chain(wagons).cloned().collect(),
            containers: &carriage.containers,
            crew: carriage.crew.iter().chain(escort).collect(),
            road_pass,
            goods,
        }
    }

    /// As it goes now. A relay names vehicle and crew: the trailer goes on with
    /// its vehicle only, the escort with its crew.
    fn of_consignment(
        state: &'a ConsignmentState,
        id: ConsignmentId,
        goods: Vec<Good>,
    ) -> Load<'a> {
        let carriage = state.carriage.as_ref();
        let trailer = carriage
            .filter(|c| c.vehicle == state.vehicle)
            .map(|c| &c.trailer);
        let escort = carriage.filter(|c| c.crew == state.crew).map(|c| &c.escort);
        let road = carriage.is_some_and(|c| c.mode() == TransportMode::Road);
        // Beside the road, `vehicle` is a flight or a ship, or nothing.
        let plates = [Some(&state.vehicle), trailer].into_iter().flatten();
        let plates = plates.filter(|plate| road && !plate.is_empty());
        let escort = escort.filter(|escort| !escort.is_empty());
        Load {
            subject: subject::consignment(id),
            giver: &state.giver,
            carrier: &state.carrier,
            consignee: carriage.map_or("", |c| &c.consignee),
            field: "",
            road,
            vehicles: plates.chain(&state.wagons).cloned().collect(),
            containers: carriage.map_or(&[], |c| &c.containers),
            crew: state.crew.iter().chain(escort).collect(),
            road_pass: &state.road_pass,
            goods,
        }
    }

    /// What the registry can tell of it.
    fn judge(&self, draft: &mut Draft<'_>, judged: &Judged) {
        let vehicle = format!("{}vehicle", self.field);
        let crew = format!("{}crew", self.field);
        let forms = self.forms();
        let fault = |draft: &Draft<'_>, rule: RuleKind, at_ms: i64| match rule {
            RuleKind::VehicleCertificate => vehicles::certificate(draft, &self.vehicles, at_ms),
            RuleKind::TankInspection => vehicles::inspection(draft, &self.tanks(), at_ms),
            RuleKind::TankMedia => vehicles::media(draft, &self.tanks(), &self.in_bulk()),
            RuleKind::DriverQualification => {
                self.unqualified(draft, QualificationKind::Driver, at_ms)
            }
            RuleKind::EscortQualification => {
                self.unqualified(draft, QualificationKind::Escort, at_ms)
            }
            _ => None,
        };
        let asked = [
            (RuleKind::VehicleCertificate, &vehicle),
            (RuleKind::TankInspection, &vehicle),
            (RuleKind::TankMedia, &vehicle),
            (RuleKind::DriverQualification, &crew),
            (RuleKind::EscortQualification, &crew),
        ];
        for (rule, field) in asked {
            let worst = judged.worst(rule, &forms, |asked| fault(draft, rule, asked.at_ms));
            judged.tell(draft, worst, &self.subject, self.carrier, field);
        }
        if self.road {
            self.passes(draft, judged);
        }
    }

    /// The transport pass, for each substance that needs one.
    fn passes(&self, draft: &mut Draft<'_>, judged: &Judged) {
        let named = Named {
            number: self.road_pass,
            giver: self.giver,
            carrier: self.carrier,
            consignee: self.consignee,
            vehicles: &self.vehicles,
        };
        for form in self.forms() {
            let much = self.much(form.substance);
            let fault =
                |asked: &Asked<'_>| pass::fault(draft, &named, form.substance, much, asked.at_ms);
            let worst = judged.worst(RuleKind::RoadPass, &[form], fault);
            judged.tell(draft, worst, &self.subject, self.giver, "road_pass");
        }
    }

    /// No qualification is asked where nobody drives for the carrier.
    fn unqualified(&self, draft: &Draft<'_>, kind: QualificationKind, at_ms: i64) -> Option<Fault> {
        if !self.road {
            return None;
        }
        vehicles::qualification(draft, &self.crew, kind, at_ms)
    }

    fn tanks(&self) -> Vec<String> {
        self.vehicles
            .iter()
            .chain(self.containers)
            .cloned()
            .collect()
    }

    fn in_bulk(&self) -> Vec<&str> {
        let loose = self.goods.iter().filter(|good| good.loose);
        let mut forms: Vec<&str> = loose.map(|good| good.form.code.as_str()).collect();
        forms.sort_unstable();
        forms.dedup();
        forms
    }

    fn forms(&self) -> Vec<&'static Form> {
        super::once(self.goods.iter().map(|good| good.form))
    }

    fn much(&self, substance: Substance) -> Much {
        let goods = self.goods.iter();
        let of_it = goods.filter(|good| good.form.substance == substance);
        of_it.fold(Much::default(), |sum, good| Much {
            gross_mg: sum.gross_mg.saturating_add(good.much.gross_mg),
            contained_mg: sum.contained_mg.saturating_add(good.much.contained_mg),
        })
    }
}

/// Data sheet and label go with the goods.
fn papers(draft: &mut Draft<'_>, judged: &Judged, load: &Load<'_>, passed_on: bool) {
    let fault = |_: &Asked<'_>| {
        let why = "data sheet and label are not said to go with the goods";
        (!passed_on).then(|| Fault::known(why.to_owned()))
    };
    let worst = judged.worst(RuleKind::PapersPassedOn, &load.forms(), fault);
    judged.tell(draft, worst, &load.subject, load.giver, "papers_passed_on");
}

/// The loader has stated all checks, by a person, and none that the registry
/// contradicts.
fn checks(draft: &mut Draft<'_>, judged: &Judged, load: &Load<'_>, stated: Option<&LoadingChecks>) {
    let fault = |asked: &Asked<'_>| {
        let at_ms = asked.at_ms;
        let Some(stated) = stated else {
            return Some(Fault::known("no check before loading is stated".to_owned()));
        };
        let said = [
            ("vehicle", stated.vehicle),
            ("crew", stated.crew),
            ("tank", stated.tank),
            ("goods", stated.goods),
            ("papers", stated.papers),
            ("by", !stated.by.is_empty()),
        ];
        if let Some((left_out, _)) = said.into_iter().find(|(_, said)| !said) {
            return Some(Fault::known(format!("'{left_out}' is not stated")));
        }
        let known = [
            vehicles::certificate(draft, &load.vehicles, at_ms),
            load.unqualified(draft, QualificationKind::Driver, at_ms),
            load.unqualified(draft, QualificationKind::Escort, at_ms),
            vehicles::inspection(draft, &load.tanks(), at_ms),
            vehicles::media(draft, &load.tanks(), &load.in_bulk()),
        ];
        let against = known.into_iter().flatten().find(|fault| fault.proven)?;
        Some(Fault::known(format!(
            "stated as checked, but {}",
            against.why
        )))
    };
    let worst = judged.worst(RuleKind::LoadingChecks, &load.forms(), fault);
    judged.tell(draft, worst, &load.subject, load.giver, "loading_checks");
}

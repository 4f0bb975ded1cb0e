//! Permits: whether who gives, takes, carries or disposes has one that covers
//! the substance, the stage and the moment. What the registry knows to be bad
//! breaks the rule; what it does not know, or nobody has confirmed, is a
//! finding, unless the line says that the registry is complete.
//!
//! Stages, where a permit names any: who sells must produce, trade or import;
//! who otherwise gives may have the goods by any of these, or as a store or a
//! user; who takes them in stores, uses, trades, produces or exports. Waste is
//! its generator's to give: only who takes it in is asked, for disposal.

use super::judged::Fault;
use super::{Going, Judged};
use crate::catalog::{Form, Substance};
use crate::custody::draft::Draft;
use crate::custody::rules::Asked;
use crate::custody::subject;
use crate::event::LotId;
use crate::event::when::shown;
use crate::pb::{
    HandoffPurpose, PartyStatus, PermitKind, PermitRef, PermitRegistered, PermitStatus, RuleKind,
    Stage, TransportMode,
};

/// Stages by which one may have goods to hand over.
const GIVES: &[Stage] = &[
    Stage::Production,
    Stage::Storage,
    Stage::Use,
    Stage::Trade,
    Stage::Import,
];
/// Stages by which one may sell.
const SELLS: &[Stage] = &[Stage::Production, Stage::Trade, Stage::Import];
/// Stages by which one may take goods in.
const TAKES: &[Stage] = &[
    Stage::Production,
    Stage::Storage,
    Stage::Use,
    Stage::Trade,
    Stage::Export,
];

/// Who does what with the goods. An empty name: nobody does.
#[derive(Clone, Default)]
pub(super) struct Hands<'a> {
    pub(super) giver: &'a str,
    /// Out of a consignment: the giver carries, and was asked when it loaded.
    pub(super) aboard: bool,
    /// Into whose place they go, and the field that says so.
    pub(super) taker: &'a str,
    pub(super) taker_field: &'static str,
    pub(super) carrier: &'a str,
    pub(super) carrier_field: &'static str,
    pub(super) mode: TransportMode,
    pub(super) buyer: &'a str,
    pub(super) purpose: HandoffPurpose,
    /// The purchase permit that is named.
    pub(super) permit: Option<PermitRef>,
}

/// What the registry says of a right.
pub(super) enum Proof {
    Proven,
    /// Entered from the paper, and not confirmed.
    Unconfirmed(String),
    Absent(String),
    /// Known, and it does not give the right.
    Bad(String),
}

impl Proof {
    /// What stands against the right.
    pub(super) fn fault(self, form: &Form) -> Option<Fault> {
        let why = |why: String| format!("{}: {why}", form.code);
        match self {
            Proof::Proven => None,
            Proof::Bad(bad) => Some(Fault::known(why(bad))),
            Proof::Absent(gap) | Proof::Unconfirmed(gap) => Some(Fault::unknown(why(gap))),
        }
    }
}

/// The permit that is looked for.
pub(super) struct Wanted<'a> {
    /// Kinds by number, any of them; none: every kind.
    pub(super) kinds: &'a [i32],
    pub(super) substance: Substance,
    /// Any of them; none: every stage.
    pub(super) stages: &'a [Stage],
    /// Unix milliseconds.
    pub(super) at_ms: i64,
}

/// Whether it goes as waste: by its code, or by what it is handed over for.
fn is_waste(one: &Going, hands: &Hands<'_>) -> bool {
    one.waste || hands.purpose == HandoffPurpose::Disposal
}

/// Who takes in waste. Saying that it is for disposal opens the other gates,
/// never this one.
pub(super) fn disposer(draft: &mut Draft<'_>, judged: &Judged, going: &[Going], hands: &Hands<'_>) {
    let waste = going.iter().filter(|one| is_waste(one, hands)).copied();
    let disposer = Party {
        rule: RuleKind::DisposerPermit,
        who: hands.taker,
        field: hands.taker_field,
        stages: &[Stage::Disposal],
        mode: None,
    };
    disposer.judge(draft, judged, &waste.collect::<Vec<_>>());
}

/// Who gives, takes and carries.
pub(super) fn judge(draft: &mut Draft<'_>, judged: &Judged, going: &[Going], hands: &Hands<'_>) {
    let goods = going.iter().filter(|one| !is_waste(one, hands)).copied();
    let goods: Vec<Going> = goods.collect();
    let sale = !hands.buyer.is_empty();
    let stages = if sale && !disposes_of_stock(draft, hands.giver) {
        SELLS
    } else {
        GIVES
    };
    let party = |rule, who, field, stages| Party {
        rule,
        who,
        field,
        stages,
        mode: None,
    };
    if !hands.aboard {
        let giver = party(RuleKind::GiverPermit, hands.giver, "", stages);
        giver.judge(draft, judged, &goods);
    }
    let (taker, field) = (hands.taker, hands.taker_field);
    party(RuleKind::TakerPermit, taker, field, TAKES).judge(draft, judged, &goods);
    let transport = &[Stage::Transport];
    let (carrier, field) = (hands.carrier, hands.carrier_field);
    let carrier = Party {
        mode: Some(hands.mode),
        ..party(RuleKind::CarrierPermit, carrier, field, transport)
    };
    carrier.judge(draft, judged, going);
}

/// Whether a party sells what it no longer needs (art. 62).
pub(super) fn disposes_of_stock(draft: &Draft<'_>, party: &str) -> bool {
    let state = draft.party(party);
    let registered = state.as_ref().and_then(|s| s.registered.as_ref());
    registered.is_some_and(|r| {
        use PartyStatus::{Closing, Converting, Relocating};
        matches!(r.status(), Closing | Converting | Relocating)
    })
}

/// One side, and the rule that judges it.
struct Party<'a> {
    rule: RuleKind,
    who: &'a str,
    field: &'a str,
    stages: &'a [Stage],
    /// Of who carries: how.
    mode: Option<TransportMode>,
}

impl Party<'_> {
    fn judge(&self, draft: &mut Draft<'_>, judged: &Judged, going: &[Going]) {
        if self.who.is_empty() {
            return;
        }
        for (lot, form) in first_of_each(going) {
            let fault = |asked: &Asked<'_>| {
                let kinds = self.kinds(asked);
                if kinds.is_empty() && !asked.line.permits.is_empty() {
                    return None;
                }
                let wanted = Wanted {
                    kinds: &kinds,
                    substance: form.substance,
                    stages: self.stages,
                    at_ms: asked.at_ms,
                };
                held(draft, self.who, &wanted).fault(form)
            };
            let worst = judged.worst(self.rule, &[form], fault);
            judged.tell(draft, worst, &subject::lot(lot), self.who, self.field);
        }
    }

    /// The kinds that a line names; of who carries, those for its mode: what is
    /// for the road says nothing of a train.
    fn kinds(&self, asked: &Asked<'_>) -> Vec<i32> {
        let fits = |kind: &i32| match (PermitKind::try_from(*kind), self.mode) {
            (Ok(PermitKind::RoadTransport), Some(mode)) => mode == TransportMode::Road,
            (Ok(PermitKind::RailTransport), Some(mode)) => mode == TransportMode::Rail,
            _ => true,
        };
        asked.line.permits.iter().copied().filter(fits).collect()
    }
}

/// Each form once, with the first lot of it.
pub(super) fn first_of_each(going: &[Going]) -> Vec<(LotId, &'static Form)> {
    let mut known: Vec<(LotId, &Form)> = Vec::new();
    for one in going {
        if known.iter().all(|(_, form)| form.code != one.form.code) {
            known.push((one.lot, one.form));
        }
    }
    known
}

/// What the registry says of a party's permits of these kinds: the best of them.
pub(super) fn held(draft: &Draft<'_>, party: &str, wanted: &Wanted<'_>) -> Proof {
    let state = draft.party(party).unwrap_or_default();
    let mut best = Proof::Absent(format!("{party} has no such permit in the registry"));
    for number in &state.permits {
        let permit = draft.permit(party, number);
        let Some(registered) = permit.as_ref().and_then(|p| p.registered.as_ref()) else {
            continue;
        };
        match one(registered, wanted) {
            Some(Proof::Proven) => return Proof::Proven,
            Some(Proof::Unconfirmed(why)) => best = Proof::Unconfirmed(why),
            Some(Proof::Bad(why)) if matches!(best, Proof::Absent(_)) => best = Proof::Bad(why),
            _ => {}
        }
    }
    best
}

/// What one permit says; `None`: it is of another kind, or its paper alone,
/// which nobody has confirmed, does not cover it.
pub(super) fn one(permit: &PermitRegistered, wanted: &Wanted<'_>) -> Option<Proof> {
    if !wanted.kinds.is_empty() && !wanted.kinds.contains(&permit.kind) {
        return None;
    }
    let bad = bad(permit, wanted);
    let named = format!("permit {} of {}", permit.number, permit.party);
    match (permit.status(), bad) {
        // Anybody can enter one: it speaks for its holder, never against it.
        (PermitStatus::Unconfirmed | PermitStatus::Unspecified, Some(_)) => None,
        // What a buyer says of its own use is complete as it says it.
        (PermitStatus::Unconfirmed, None) if permit.kind() == PermitKind::LawfulUseStatement => {
            Some(Proof::Proven)
        }
        (PermitStatus::Unconfirmed | PermitStatus::Unspecified, None) => {
            Some(Proof::Unconfirmed(format!("{named} is not confirmed")))
        }
        (_, Some(why)) => Some(Proof::Bad(format!("{named} {why}"))),
        (_, None) => Some(Proof::Proven),
    }
}

/// Why a permit does not give the right.
fn bad(permit: &PermitRegistered, wanted: &Wanted<'_>) -> Option<String> {
    match permit.status() {
        PermitStatus::Suspended => return Some("is suspended".to_owned()),
        PermitStatus::Revoked => return Some("is revoked".to_owned()),
        _ => {}
    }
    if wanted.at_ms < permit.from_ms {
        return Some(format!("is valid from {}", shown(permit.from_ms)));
    }
    if wanted.at_ms >= permit.until_ms {
        return Some(format!("was valid until {}", shown(permit.until_ms)));
    }
    let substances = &permit.substances;
    if !substances.is_empty() && !substances.contains(&wanted.substance.to_string()) {
        return Some(format!("is for {}", substances.join(", ")));
    }
    let stages = &permit.stages;
    let fits = |stage: &Stage| stages.contains(&i32::from(*stage));
    if !stages.is_empty() && !wanted.stages.is_empty() && !wanted.stages.iter().any(fits) {
        let names = permit.stages().map(|stage| stage.as_str_name());
        return Some(format!("is for {}", names.collect::<Vec<_>>().join(", ")));
    }
    None
}

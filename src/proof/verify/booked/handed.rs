//! What is asked of events by which goods change hands: offered, taken, sold,
//! carried on, settled, taken over by order, inherited.

use bytes::Bytes;

use super::effect::{Effect, Lack, lack, lot_of, mass, named, sure};
use super::goods::{aboard, is_loose};
use super::handoff_of;
use crate::custody::subject::{self, Item};
use crate::custody::{account, lot, ranges, succession};
use crate::pb::change::Change as C;
use crate::pb::taken_over::At;
use crate::pb::{
    Accepted, AcceptedLine, Account, AccountKind, DisputeReduced, EventRef, FindingCode, Goods,
    HandoffLine, HandoffOffered, HandoffState, HandoffStatus, Inherited, InheritedLine, Offered,
    PermitRef, Relayed, Reported, Seized, Settled, SettlementCause, Subject, SubjectKind,
    TakenOver, Traded,
};

impl Effect<'_> {
    /// The offer stands, its goods are reserved, and what had waited for it is
    /// taken up. That it stands as it was signed is in `bindings`.
    pub(super) fn offers(&self, b: &Offered) -> Result<(), Lack> {
        let name = self.name(0);
        let handoff = named(SubjectKind::Handoff, &name);
        let mut stands = None;
        self.has(&handoff, "the offer", |c| {
            if let C::Offered(offered) = c {
                stands = Some(offered.clone());
            }
            stands.is_some()
        })?;
        let offered = stands.unwrap_or_default();
        for line in &offered.lines {
            self.has(
                &lot_of(&line.lot),
                "the reservation of what was offered",
                |c| {
                    matches!(c, C::Reserved(r) if r.handoff == name && r.account == offered.from
                    && r.loose_gross_mg == line.loose_gross_mg && r.serials == line.serials)
                },
            )?;
        }
        let of = b.carriage.as_ref().map_or(&b.taker, |c| &c.consignee);
        let permit = |p: &PermitRef| p.party == *of && p.number == b.permit;
        let under = b.permit.is_empty() || offered.permit.as_deref().is_some_and(permit);
        sure(
            under && offered.purpose == b.purpose,
            &handoff,
            "its permit and purpose",
        )?;
        if let Some(old) = b.instead_of.as_ref().and_then(handoff_of) {
            self.has(
                &old,
                "the offer that stands in for it",
                |c| matches!(c, C::Replaced(by) if by.handoff == name),
            )?;
        }
        self.takes_up(&handoff)
    }

    /// Facts that waited for an offer are taken up in its record, or a finding
    /// says that they do not fit. Of a new handoff there are none.
    fn takes_up(&self, handoff: &Subject) -> Result<(), Lack> {
        let waited = self.link(handoff).is_some_and(|l| l.previous.is_some());
        if !waited {
            return Ok(());
        }
        let state = self.handoff(handoff);
        let does_not_fit = || {
            let mut findings = self.record.findings.iter();
            let code = FindingCode::ParkedFactDoesNotFit;
            findings.any(|f| f.as_ref().is_none_or(|f| f.code() == code))
        };
        let taken = state.parked.is_empty()
            && (state.status() == HandoffStatus::Accepted || does_not_fit());
        sure(taken, handoff, "what had waited for the offer")
    }

    fn handoff(&self, handoff: &Subject) -> HandoffState {
        match self.after.get(handoff).as_deref() {
            Some(Item::Handoff(state)) => state.clone(),
            _ => HandoffState::default(),
        }
    }

    /// The goods are taken over, or the acceptance waits for its offer.
    pub(super) fn accepts(&self, b: &Accepted) -> Result<(), Lack> {
        let Some(handoff) = b.offer.as_ref().and_then(handoff_of) else {
            return Ok(());
        };
        let waits = |c: &C| matches!(c, C::Parked(_));
        if self.changes(&handoff).any(waits) {
            let party = subject::party(self.party());
            return self.has(
                &party,
                "one more fact that waits",
                |c| matches!(c, C::ParkedCount(count) if count.change == 1),
            );
        }
        let accepted = i32::from(HandoffStatus::Accepted);
        self.has(
            &handoff,
            "its acceptance",
            |c| matches!(c, C::HandoffClosed(h) if h.status == accepted && h.place == b.place),
        )?;
        let offered = self.handoff(&handoff).offered.unwrap_or_default();
        self.released(&handoff, &offered.lines)?;
        for (index, line) in (0u32..).zip(&offered.lines) {
            let said = b.lines.iter().find(|said| said.line == index);
            let said = said.cloned().unwrap_or_default();
            self.takes_line(&handoff, &offered, line, &said, &b.place)?;
            self.notes_line(&handoff, &offered, index, &said)?;
        }
        let from = offered.from.unwrap_or_default();
        if from.kind() == AccountKind::Aboard {
            self.chained(&named(SubjectKind::Consignment, &from.id))?;
        }
        let mut lines = offered.lines.iter();
        lines.try_for_each(|line| self.unloaded(&from, Some(&line.lot)))
    }

    /// One line: what leaves the giver, and what arrives.
    fn takes_line(
        &self,
        handoff: &Subject,
        offered: &HandoffOffered,
        line: &HandoffLine,
        said: &AcceptedLine,
        place: &str,
    ) -> Result<(), Lack> {
        let lot = lot_of(&line.lot);
        let carried = offered.carriage.is_some();
        let there = |at: &Account| match at.kind() {
            AccountKind::Aboard => carried && at.id == handoff.id,
            AccountKind::Held => {
                let takes = succession::acts_for(self.after, &at.party, &offered.taker);
                !carried && takes && at.place == place
            }
            _ => false,
        };
        let accepted = mass(said.accepted.as_ref());
        let came = self.onto(&lot, there);
        let enough = came == accepted || !said.accepted_serials.is_empty() && came > accepted;
        sure(enough, &lot, "the mass that was accepted")?;
        let moved = self.packages(&lot, |c| match c {
            C::PackagesMoved(m) if m.to.as_ref().is_some_and(there) => Some((m.first, m.last)),
            _ => None,
        });
        let left = ranges::minus(&said.accepted_serials, &moved);
        sure(left.is_empty(), &lot, "the packages that were accepted")?;
        if line.serials.is_empty() {
            let stays = mass(said.refused.as_ref()) + mass(said.still_aboard.as_ref());
            let leaves = i128::from(line.loose_gross_mg) - stays;
            // Not net: a giver that has succeeded the taker may take into the
            // place that the goods are in.
            let out = self.off(&lot, |at| Some(at) == offered.from.as_ref());
            sure(out == leaves, &lot, "the mass that left its giver")?;
        }
        if !carried || accepted == 0 && said.accepted_serials.is_empty() {
            return Ok(());
        }
        let consignment = named(SubjectKind::Consignment, &handoff.id);
        self.has(
            &consignment,
            "the lot aboard",
            |c| matches!(c, C::Load(load) if load.lot == line.lot && load.aboard),
        )
    }

    /// What was taken of a line, where it is not what was offered; and with the
    /// handoff that this one takes back, what has come back of it.
    fn notes_line(
        &self,
        handoff: &Subject,
        offered: &HandoffOffered,
        index: u32,
        said: &AcceptedLine,
    ) -> Result<(), Lack> {
        let at = usize::try_from(index).ok();
        let Some(line) = at.and_then(|at| offered.lines.get(at)) else {
            return Ok(());
        };
        let (gross, serials) = (mass(said.accepted.as_ref()), &said.accepted_serials);
        if gross != i128::from(line.loose_gross_mg) || *serials != line.serials {
            self.has(handoff, "what was taken of a line", |c| {
                matches!(c, C::LineTaken(taken) if taken.line == index
                    && i128::from(taken.loose_gross_mg) == gross && taken.serials == *serials)
            })?;
        }
        let back = offered.returns.as_deref().and_then(handoff_of);
        let Some(back) = back.filter(|_| gross != 0 || !serials.is_empty()) else {
            return Ok(());
        };
        self.has(&back, "what has come back of it", |c| {
            matches!(c, C::Returned(r) if r.handoff == handoff.id && r.lot == line.lot
                && i128::from(r.loose_gross_mg) == gross && r.serials == *serials)
        })
    }

    /// What an offer had reserved is free.
    fn released(&self, handoff: &Subject, lines: &[HandoffLine]) -> Result<(), Lack> {
        for line in lines {
            if line.loose_gross_mg == 0 && line.serials.is_empty() {
                continue;
            }
            self.has(
                &lot_of(&line.lot),
                "the release of what was reserved",
                |c| {
                    matches!(c, C::Unreserved(u) if u.handoff == handoff.id
                    && u.loose_gross_mg == line.loose_gross_mg && u.serials == line.serials)
                },
            )?;
        }
        Ok(())
    }

    /// An offer is closed without goods.
    pub(super) fn closes(
        &self,
        offer: Option<&EventRef>,
        status: HandoffStatus,
    ) -> Result<(), Lack> {
        let Some(handoff) = offer.and_then(handoff_of) else {
            return Ok(());
        };
        self.has(
            &handoff,
            "its end",
            |c| matches!(c, C::HandoffClosed(h) if h.status() == status),
        )?;
        let offered = self.handoff(&handoff).offered.unwrap_or_default();
        self.released(&handoff, &offered.lines)
    }

    pub(super) fn relays(&self, b: &Relayed) -> Result<(), Lack> {
        let consignment = named(SubjectKind::Consignment, &b.consignment);
        let at_ms = match b.at_ms {
            0 => self.happened_at_ms(),
            said => said,
        };
        self.has(&consignment, "the relay as it was told", |c| {
            matches!(c, C::ConsignmentRelayed(r) if r.carrier == b.to_carrier
                && r.vehicle == b.vehicle && r.crew == b.crew && r.region == b.region
                && r.transfers == b.wagons && r.station == b.station && r.place == b.place
                && r.at_ms == at_ms)
        })
    }

    /// The word from the road as it was said. Its times are in `marks`.
    pub(super) fn reports(&self, b: &Reported) -> Result<(), Lack> {
        let consignment = named(SubjectKind::Consignment, &b.consignment);
        self.has(&consignment, "the word from the road", |c| {
            matches!(c, C::ConsignmentReported(r) if r.kind == b.kind && r.region == b.region
                && r.longitude_e6 == b.longitude_e6 && r.latitude_e6 == b.latitude_e6)
        })
    }

    /// Title goes from seller to buyer: of each lot as much as was sold, and
    /// the packages that were.
    pub(super) fn trades(&self, b: &Traded) -> Result<(), Lack> {
        for goods in &b.goods {
            let lot = lot_of(&goods.lot);
            self.chained(&lot)?;
            let of_lot = b.goods.iter().filter(|other| other.lot == goods.lot);
            let sold: i128 = of_lot.map(|other| mass(other.loose.as_ref())).sum();
            let gained = |party: &str| -> i128 {
                let titles = self.changes(&lot).filter_map(|c| match c {
                    C::Title(t) if t.party == party => Some(i128::from(t.gross_mg)),
                    _ => None,
                });
                titles.sum()
            };
            let passed = gained(&b.buyer) == sold && gained(self.party()) == -sold;
            sure(passed, &lot, "the title that was sold")?;
            let owned = self.packages(&lot, |c| match c {
                C::PackagesOwned(o) if o.owner == b.buyer => Some((o.first, o.last)),
                _ => None,
            });
            let left = ranges::minus(&goods.serials, &owned);
            sure(left.is_empty(), &lot, "the packages that were sold")?;
        }
        Ok(())
    }

    /// A dispute is as much smaller, and its matter where the parts say.
    pub(super) fn settles(&self, b: &Settled) -> Result<(), Lack> {
        let dispute = named(SubjectKind::Dispute, &b.dispute);
        self.chained(&dispute)?;
        let reduced = || {
            self.changes(&dispute).filter_map(|c| match c {
                C::DisputeReduced(reduced) => Some(reduced),
                _ => None,
            })
        };
        let alike = reduced().zip(&b.settlements).all(|(reduced, part)| {
            let gross = reduced.gross_mg.unsigned_abs();
            let told = part.gross_mg.unsigned_abs();
            let packed = !part.serials.is_empty();
            reduced.serials == part.serials && (gross == told || packed)
        });
        let all = reduced().count() == b.settlements.len() && alike;
        sure(all, &dispute, "the parts that were settled")?;
        let lot = match self.after.get(&dispute).as_deref() {
            Some(Item::Dispute(d)) => d.opened.as_ref().map(|opened| lot_of(&opened.lot)),
            _ => None,
        };
        let Some(lot) = lot else {
            return lack(&dispute, "its lot");
        };
        // A dispute about nothing any more ends without its lot.
        let moves =
            |r: &DisputeReduced| r.gross_mg != 0 || r.contained_mg != 0 || !r.serials.is_empty();
        if reduced().any(moves) {
            self.chained(&lot)?;
        }
        let less: i128 = reduced().map(|r| i128::from(r.gross_mg)).sum();
        let disputed = |at: &Account| at.kind() == AccountKind::Disputed && at.id == b.dispute;
        let out = -self.net(&lot, disputed);
        sure(out == less, &lot, "what was settled")?;
        for part in b.settlements.iter().filter(|part| part.gross_mg > 0) {
            let went = |at: &Account| match part.cause() {
                SettlementCause::Scale => at.kind() == AccountKind::MeasureDifference,
                SettlementCause::Spill => at.kind() == AccountKind::Released,
                SettlementCause::Theft => at.kind() == AccountKind::Missing,
                SettlementCause::Miscount if at.kind() == AccountKind::Held => {
                    at.party == part.party && at.place == part.place
                }
                SettlementCause::Miscount => at.kind() == AccountKind::Found,
                SettlementCause::Unspecified => false,
            };
            self.has(
                &lot,
                "the account that what was settled went to",
                |c| matches!(c, C::Posting(p) if p.account.as_ref().is_some_and(went)),
            )?;
        }
        Ok(())
    }

    /// Goods go to the custodian.
    pub(super) fn takes_over(&self, b: &TakenOver) -> Result<(), Lack> {
        let from = match &b.at {
            Some(At::Consignment(id)) => aboard(id),
            Some(At::Place(place)) => account::held(&b.holder, place),
            None => Account::default(),
        };
        let to = account::held(&b.custodian, &b.to_place);
        self.moves(b.goods.as_ref(), &from, &to)?;
        self.unloaded(&from, b.goods.as_ref().map(|goods| &goods.lot))
    }

    /// And are sealed there, once by each order.
    pub(super) fn seizes(&self, b: &Seized) -> Result<(), Lack> {
        let Some(taken) = &b.taken else {
            return Ok(());
        };
        self.takes_over(taken)?;
        let lot = lot_of(&taken.goods.clone().unwrap_or_default().lot);
        let same = |s: &crate::pb::Seal| {
            s.order == taken.order && s.party == taken.custodian && s.place == taken.to_place
        };
        let sealed = self
            .changes(&lot)
            .any(|c| matches!(c, C::Seal(seal) if same(seal)));
        let known = || {
            self.lot_after(&lot)
                .is_some_and(|state| state.seals.iter().any(same))
        };
        sure(sealed || known(), &lot, "the seal on what was seized")
    }

    /// What stood in the predecessor's place and title pass, lot by lot.
    pub(super) fn inherits(&self, b: &Inherited) -> Result<(), Lack> {
        b.lines
            .iter()
            .try_for_each(|line| self.inherits_line(&b.predecessor, line))
    }

    fn inherits_line(&self, predecessor: &str, line: &InheritedLine) -> Result<(), Lack> {
        let lot = lot_of(&line.lot);
        self.chained(&lot)?;
        if !line.place.is_empty() {
            let to = self.held(&line.to_place);
            let from = account::held(predecessor, &line.place);
            self.has(&lot, "what came to the successor's place", |c| match c {
                C::Posting(p) => p.account.as_ref() == Some(&to),
                C::PackagesMoved(m) => m.to.as_ref() == Some(&to),
                _ => false,
            })?;
            let (out, came) = (self.net(&lot, |a| *a == from), self.net(&lot, |a| *a == to));
            sure(came >= -out, &lot, "all that left the predecessor's place")?;
        }
        if !self.alone(&lot) {
            return Ok(());
        }
        let state = self.lot_after(&lot).unwrap_or_default();
        let answers = |born: &crate::pb::LotBorn| born.answerable == predecessor;
        let owns = lot::title(&state, predecessor) != 0
            || state.packages.iter().any(|p| p.owner == predecessor)
            || state.born.as_ref().is_some_and(answers);
        sure(
            !owns,
            &lot,
            "the passing of what the predecessor owned and answered for",
        )
    }
}

/// The lots of goods that name no packages, each with its mass.
pub(super) fn loose(goods: Option<&Goods>) -> Option<(&Bytes, i128)> {
    let goods = goods.filter(|goods| is_loose(goods) && goods.parts.is_empty())?;
    Some((&goods.lot, mass(goods.loose.as_ref())))
}

//! Manifests of hazardous waste, the receiver's part, and what is found at
//! taking over: it has happened, and is recorded with a finding. There is no
//! tolerance (危险废物转移管理办法 art 18).

use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::manifest::{missing_fields, treatment, waste_code};
use super::paper;
use super::rules;
use super::takeover::shape::mass;
use super::takeover::{Sides, Taking};
use super::trade::MAX_LINES;
use crate::catalog::{ManifestPart, PaperField, manifest_fields};
use crate::custody::draft::Draft;
use crate::custody::{account, lot, ranges, subject};
use crate::event::ConsignmentId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    Accepted, Account, AccountKind, FindingCode, HandoffOffered, ManifestReceipt, PaperParty,
    ReceiptDecision, ReceiptRow, RuleKind, Severity, WasteDue, WasteManifest,
};

/// What can be said of a receiver's part without its manifest.
pub(super) fn check(receipt: Option<&ManifestReceipt>) -> Result<(), Refused> {
    let Some(receipt) = receipt else {
        return Ok(());
    };
    let check = || {
        fields::optional_text(&receipt.number, MAX_SHORT, "number")?;
        paper::party(receipt.receiver.as_ref(), "receiver")?;
        paper::time(receipt.arrived_ms, "arrived_ms")?;
        paper::time(receipt.received_ms, "received_ms")?;
        if receipt.rows.len() > MAX_LINES {
            return Err(Refused::invalid("rows", format!("at most {MAX_LINES}")));
        }
        for (i, row) in receipt.rows.iter().enumerate() {
            let twice = receipt.rows.iter().take(i).any(|r| r.line == row.line);
            check_row(row, twice).map_err(|r| r.within(&format!("rows[{i}]")))?;
        }
        Ok(())
    };
    check().map_err(|r| r.within("receipt"))
}

fn check_row(row: &ReceiptRow, twice: bool) -> Result<(), Refused> {
    if twice {
        return Err(Refused::invalid("line", "stands in another row"));
    }
    if ReceiptDecision::try_from(row.decision).is_err() {
        return Err(Refused::invalid("decision", "accept, partial or refuse"));
    }
    treatment(&row.treatment)?;
    mass(row.received.as_ref(), "received")?;
    fields::optional_text(&row.difference, MAX_TEXT, "difference")
}

/// The fields of the receiver's part that are not filled in.
fn missing_of_receipt(receipt: &ManifestReceipt, wastes: &[u32]) -> Vec<&'static PaperField> {
    let receiver = receipt.receiver.as_ref();
    let has = |get: fn(&PaperParty) -> bool| receiver.is_some_and(get);
    let row = |line: &u32| receipt.rows.iter().find(|row| row.line == *line);
    let each = |get: fn(&ReceiptRow) -> bool| wastes.iter().all(|line| row(line).is_some_and(get));
    let refused = |row: &ReceiptRow| row.decision() == ReceiptDecision::Refuse;
    let stated = |code: &str| match code {
        "arriveTime" => receipt.arrived_ms > 0,
        "receiverName" => has(|p| !p.name.is_empty()),
        "receiverPermitNo" => has(|p| !p.permit.is_empty()),
        "receiverAddress" => has(|p| !p.address.is_empty()),
        "receiverHandler" => has(|p| !p.contact.is_empty()),
        "receiverPhone" => has(|p| !p.phone.is_empty()),
        "receiveTime" => receipt.received_ms > 0,
        "decision" => each(|row| row.decision() != ReceiptDecision::Unspecified),
        "treatMethod" => wastes
            .iter()
            .all(|line| row(line).is_some_and(|r| refused(r) || !r.treatment.is_empty())),
        "receivedQty" => wastes
            .iter()
            .all(|line| row(line).is_some_and(|r| refused(r) || r.received.is_some())),
        "majorDifference" => each(|row| !row.major_difference || !row.difference.is_empty()),
        _ => false,
    };
    let different =
        |when: &str| when == "different" && receipt.rows.iter().any(|row| row.major_difference);
    paper::missing(manifest_fields(ManifestPart::Receipt), different, stated)
}

/// A manifest while its waste is taken over, line by line.
pub(super) struct Tracked {
    manifest: Option<WasteManifest>,
    /// The consignment that the waste comes from, and whose it is to go back to.
    aboard: Option<(ConsignmentId, String)>,
    wastes: Vec<u32>,
    /// A pack asks for the fields, of some waste of these.
    asked: bool,
    disagrees: Vec<String>,
}

impl Tracked {
    /// The manifest of what is offered: its own, or the consignment's.
    pub(super) fn of(draft: &Draft<'_>, offered: &HandoffOffered, from: &Account) -> Tracked {
        let id = ConsignmentId::from_slice(&from.id);
        let id = id.filter(|_| from.kind() == AccountKind::Aboard);
        let consignment = id.and_then(|id| draft.consignment(id));
        let manifest = match &consignment {
            Some(consignment) => consignment.manifest.as_deref(),
            None => offered.manifest.as_deref(),
        };
        Tracked {
            manifest: manifest.cloned(),
            aboard: id.zip(consignment.as_ref().map(|c| c.giver.clone())),
            wastes: Vec::new(),
            asked: false,
            disagrees: Vec::new(),
        }
    }

    /// One line after it was taken over.
    pub(super) fn line(
        &mut self,
        draft: &mut Draft<'_>,
        by: &str,
        offered: &HandoffOffered,
        sides: &Sides<'_>,
        e: &Accepted,
        to: &Account,
    ) -> Result<(), Refused> {
        if waste_code(draft, sides.lot).is_empty() {
            return Ok(());
        }
        self.wastes.push(sides.index);
        let of_line = std::iter::once(sides.lot);
        self.asked |= rules::asks(draft, RuleKind::ManifestFields, by, of_line);
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        let gross = taken(draft, sides);
        let row = manifest.rows.iter().find(|row| row.line == sides.index);
        let stated = row.and_then(|row| Mass::of(row.quantity.as_ref(), "").ok());
        if offered.carriage.is_some() {
            self.loaded(draft, sides, stated.map(Mass::as_mg), gross, to)?;
            return Ok(());
        }
        self.counted(sides);
        if let Some(receipt) = e.receipt.as_deref() {
            let row = receipt.rows.iter().find(|row| row.line == sides.index);
            if let Some(row) = row {
                self.received(row, sides, gross);
            }
        }
        self.unloaded(draft, sides, gross)
    }

    /// Goods go aboard: what the manifest says of them is to come off again.
    fn loaded(
        &mut self,
        draft: &mut Draft<'_>,
        sides: &Sides<'_>,
        stated: Option<i64>,
        taken: i64,
        to: &Account,
    ) -> Result<(), Refused> {
        let Some(gross_mg) = stated else {
            return Ok(());
        };
        if gross_mg != taken {
            self.disagree(sides.index, "by the manifest", gross_mg, taken);
        }
        let id = ConsignmentId::from_slice(&to.id);
        let Some(id) = id.filter(|_| taken > 0) else {
            return Ok(());
        };
        let lot = sides.lot.to_bytes();
        let due = C::WasteDue(WasteDue { lot, gross_mg });
        draft.emit(&subject::consignment(id), due)
    }

    /// What was expected of a line and is not there, or more than that.
    fn counted(&mut self, sides: &Sides<'_>) {
        let expected = sides.offered.loose_gross_mg - sides.refused - sides.still_aboard;
        if sides.accepted != expected {
            self.disagree(sides.index, "expected", expected, sides.accepted);
        }
        let mut missing = sides.offered.serials.clone();
        for list in [
            &sides.said.accepted_serials,
            &sides.said.refused_serials,
            &sides.said.still_aboard_serials,
        ] {
            missing = ranges::minus(&missing, list);
        }
        if !missing.is_empty() {
            let packages = ranges::show(&missing);
            self.disagrees
                .push(format!("line {}: no packages {packages}", sides.index));
        }
    }

    /// The receiver's own word on a line.
    fn received(&mut self, row: &ReceiptRow, sides: &Sides<'_>, taken: i64) {
        let refused = sides.refused > 0 || !sides.said.refused_serials.is_empty();
        let wanted = match (refused, taken > 0) {
            (false, _) => ReceiptDecision::Accept,
            (true, true) => ReceiptDecision::Partial,
            (true, false) => ReceiptDecision::Refuse,
        };
        let said = row.decision();
        if said != ReceiptDecision::Unspecified && said != wanted {
            self.disagrees.push(format!(
                "line {}: {} by the receipt, {} by the lines",
                sides.index,
                word(said),
                word(wanted)
            ));
        }
        let received = mass(row.received.as_ref(), "").unwrap_or_default();
        if row.received.is_some() && received != taken {
            self.disagree(sides.index, "received by the receipt", received, taken);
        }
        if row.major_difference {
            self.disagrees
                .push(format!("line {}: {}", sides.index, row.difference));
        }
    }

    /// Waste comes off a consignment; when the last has, all that the manifest
    /// says has come off, or it disagrees.
    fn unloaded(
        &mut self,
        draft: &mut Draft<'_>,
        sides: &Sides<'_>,
        taken: i64,
    ) -> Result<(), Refused> {
        let Some((id, _)) = self.aboard else {
            return Ok(());
        };
        let lot = sides.lot.to_bytes();
        let due = |draft: &Draft<'_>| {
            let state = draft.consignment(id).unwrap_or_default();
            let of_lot = state.due.iter().find(|due| due.lot == lot);
            of_lot.map(|due| due.gross_mg)
        };
        let Some(before) = due(draft).filter(|_| taken > 0) else {
            return Ok(());
        };
        let gross_mg = taken.saturating_neg();
        let lot = lot.clone();
        let change = C::WasteDue(WasteDue { lot, gross_mg });
        draft.emit(&subject::consignment(id), change)?;
        let state = draft.lot(sides.lot).unwrap_or_default();
        if !lot::is_on(&state, &account::aboard(id)) && before != taken {
            self.disagree(sides.index, "by the manifest to come", before, taken);
        }
        Ok(())
    }

    fn disagree(&mut self, line: u32, stated: &str, wanted: i64, found: i64) {
        let (wanted, found) = (Mass::mg(wanted), Mass::mg(found));
        self.disagrees.push(format!(
            "line {line}: {wanted} {stated}, {found} taken over"
        ));
    }

    /// The manifest's findings of the whole acceptance.
    pub(super) fn finish(
        mut self,
        draft: &mut Draft<'_>,
        taking: &Taking<'_>,
        offered: &HandoffOffered,
        e: &Accepted,
    ) {
        if self.wastes.is_empty() && e.receipt.is_none() {
            return;
        }
        let missing = self.missing(taking, offered, e);
        self.of_receipt(e);
        let number = self.manifest.map(|m| m.number).unwrap_or_default();
        let handoff = subject::handoff(taking.name);
        let mut find = |code, owner: &str, what: String| {
            let (severity, detail) = (Severity::Warning, format!("{number}: {what}"));
            draft.find(code, severity, &handoff, owner, 0, detail);
        };
        if !self.disagrees.is_empty() {
            let code = FindingCode::ManifestDisagrees;
            find(code, taking.taker, self.disagrees.join("; "));
        }
        if !missing.is_empty() {
            let code = FindingCode::ManifestIncomplete;
            find(code, &offered.giver, paper::named(&missing));
        }
    }

    /// What a manifest that was begun lacks. A waste that goes back to its
    /// mover needs no receipt.
    fn missing(
        &self,
        taking: &Taking<'_>,
        offered: &HandoffOffered,
        e: &Accepted,
    ) -> Vec<&'static PaperField> {
        let manifest = self.manifest.as_ref();
        if self.wastes.is_empty() || !(manifest.is_some() || self.asked) {
            return Vec::new();
        }
        let mut missing = match &self.aboard {
            None => missing_fields(manifest, offered.carriage.as_ref()),
            Some(_) => Vec::new(),
        };
        let back = self
            .aboard
            .as_ref()
            .is_some_and(|(_, mover)| mover == taking.taker);
        if offered.carriage.is_none() && !back {
            let receipt = e.receipt.as_deref().cloned().unwrap_or_default();
            missing.extend(missing_of_receipt(&receipt, &self.wastes));
        }
        missing
    }

    fn of_receipt(&mut self, e: &Accepted) {
        let Some(receipt) = e.receipt.as_deref() else {
            return;
        };
        let Some(manifest) = &self.manifest else {
            self.disagrees
                .push("a receipt, and no manifest goes with the goods".to_owned());
            return;
        };
        if !receipt.number.is_empty() && receipt.number != manifest.number {
            self.disagrees
                .push(format!("the receipt is of {}", receipt.number));
        }
        let mut rows = receipt.rows.iter().map(|row| row.line);
        if let Some(line) = rows.find(|line| !self.wastes.contains(line)) {
            self.disagrees.push(format!(
                "the receipt's line {line} is no waste of the offer"
            ));
        }
    }
}

/// What of a line is the taker's now, packages and all.
fn taken(draft: &Draft<'_>, sides: &Sides<'_>) -> i64 {
    let state = draft.lot(sides.lot).unwrap_or_default();
    let packages = sides.said.accepted_serials.iter();
    let packages = packages.filter_map(|r| lot::select(&state, r.first, r.last));
    let masses = packages
        .flatten()
        .filter_map(|p| lot::package_mass(&p).ok());
    masses.fold(sides.accepted, |sum, mass| sum.saturating_add(mass.gross))
}

fn word(decision: ReceiptDecision) -> &'static str {
    match decision {
        ReceiptDecision::Unspecified => "",
        ReceiptDecision::Accept => "accepted 接受",
        ReceiptDecision::Partial => "partly accepted 部分接受",
        ReceiptDecision::Refuse => "refused 拒收",
    }
}

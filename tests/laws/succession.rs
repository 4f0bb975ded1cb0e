//! The model's rules of succession, and its plans.

use std::collections::BTreeSet;

use hazledger::event::ids::CLOCK_SKEW_MS;
use hazledger::pb::event::Body;
use hazledger::pb::{Inherited, InheritedLine, Succeeded};

use super::books::{Account, Amount, Id, amount, held};
use super::goods::Taken;
use super::model::{Case, Model, Offer, Status, Verdict, Wrong, must};
use super::plans::{bytes, one, plan};
use super::player::{Play, Player};
use super::world::{PLACES, Plan, event};

/// Parties that one may have succeeded.
const MAX_PREDECESSORS: usize = 64;

/// Who has succeeded whom.
impl Model {
    pub fn succeeds(&self, party: &str, predecessor: &str) -> bool {
        let party = self.parties.get(&party.to_owned());
        party.is_some_and(|p| p.predecessors.contains(predecessor))
    }

    pub fn acts_for(&self, party: &str, whose: &str) -> bool {
        party == whose || self.succeeds(party, whose)
    }

    /// A party, its successor, and so on.
    pub fn line(&self, party: &str) -> Vec<String> {
        let mut line = vec![party.to_owned()];
        while let Some(p) = self.parties.get(&line[line.len() - 1])
            && let Some(next) = &p.succeeded_by
        {
            line.push(next.clone());
        }
        line
    }

    /// Parties, and all whom they have succeeded.
    pub fn with_predecessors(&self, parties: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = parties.clone();
        for party in parties {
            all.extend(
                self.parties
                    .get(party)
                    .iter()
                    .flat_map(|p| p.predecessors.clone()),
            );
        }
        all
    }

    /// A root act: two parties that are not yet succeeded.
    pub fn succeeded(&mut self, case: &Case<'_>, e: &Succeeded) -> Verdict {
        let before = self.parties.get(&e.predecessor).cloned();
        let before = before.ok_or(Wrong::Registry)?;
        self.active(&e.successor)?;
        must(case.root, Wrong::Who)?;
        let sound = !e.reason.is_empty() && e.predecessor != e.successor;
        let come = (0..=case.now_ms + CLOCK_SKEW_MS).contains(&e.effective_at_ms);
        must(sound && come, Wrong::Field)?;
        must(before.succeeded_by.is_none(), Wrong::Pointless)?;
        let after = self.parties.edit(&e.successor);
        after.predecessors.extend(before.predecessors);
        after.predecessors.insert(e.predecessor.clone());
        must(
            after.predecessors.len() <= MAX_PREDECESSORS,
            Wrong::Registry,
        )?;
        self.parties.edit(&e.predecessor).succeeded_by = Some(e.successor.clone());
        Ok(())
    }

    /// What is free goes to the successor's place, title and waste with it.
    pub fn inherited(&mut self, case: &Case<'_>, e: &Inherited) -> Verdict {
        self.active(case.party)?;
        must(self.succeeds(case.party, &e.predecessor), Wrong::Who)?;
        must(!e.lines.is_empty(), Wrong::Field)?;
        for line in &e.lines {
            if !(line.place.is_empty() && line.to_place.is_empty()) {
                must(!line.place.is_empty(), Wrong::Field)?;
                self.own_place(case.party, &line.to_place)?;
            }
        }
        e.lines
            .iter()
            .try_for_each(|line| self.inherit(case.party, &e.predecessor, line))
    }

    fn inherit(&mut self, heir: &str, before: &str, line: &InheritedLine) -> Verdict {
        let (lot, book) = self.lot(&line.lot)?;
        let (from, to) = (held(before, &line.place), held(heir, &line.to_place));
        let placed = !line.place.is_empty();
        if placed {
            let gross = book.free_on(&from).max(0);
            let there = book.loose_on(&from);
            let mut serials = book.serials_on(&from);
            serials.retain(|s| book.packages[s].promised.is_none());
            must(gross > 0 || !serials.is_empty(), Wrong::Goods)?;
            let taken = Taken {
                lot,
                loose: amount(gross, book.content_of(there, gross)),
                serials,
                packed: Amount::NONE,
            };
            self.change_hands(&taken, &from, heir, &line.to_place)?;
            self.send(&taken, &from, &to);
        }
        let book = self.lots.edit(&lot);
        let title = book.title(before);
        book.give_title(before, -title);
        book.give_title(heir, title);
        let mut any = title != 0;
        for package in book.packages.values_mut().filter(|p| p.owner == before) {
            heir.clone_into(&mut package.owner);
            any = true;
        }
        if book.answerable == before {
            heir.clone_into(&mut book.answerable);
            any = true;
        }
        must(placed || any, Wrong::Pointless)
    }
}

/// Plans.
impl Player {
    /// Mostly a new code of the same party; else a merger with another.
    pub fn succeeded(&mut self, model: &Model) -> Option<Play> {
        let mut before = self.world.anybody();
        for _ in 0..4 {
            // Mostly somebody who has little.
            let other = self.world.anybody();
            if self.has(model, other) < self.has(model, before) {
                before = other;
            }
        }
        // Now and then in the middle of a handoff.
        let open = |o: &Id| model.offers.get(o).unwrap().status == Status::Open;
        if self.world.percent(30)
            && let Some(offer) = self.offers.pick(&mut self.world, open)
        {
            let offer = model.offers.get(&offer).unwrap();
            let party = *self.world.pick(&[&offer.giver, &offer.taker]);
            before = self.world.member(party).unwrap();
        }
        if self.world.percent(85) {
            return self.new_code(model, before);
        }
        let after = self.world.anybody();
        let ahead = if self.world.percent(5) { 3_600_000 } else { 0 };
        let succeeded = self.succession(before, after, ahead);
        Some(Play::Plan(Plan {
            authorities: usize::from(!self.world.percent(10)),
            ..plan(self.world.upto(1), succeeded)
        }))
    }

    fn succession(&self, before: usize, after: usize, ahead_ms: i64) -> Body {
        Body::Succeeded(Succeeded {
            predecessor: self.world.code(before),
            successor: self.world.code(after),
            effective_at_ms: self.world.now_ms + ahead_ms,
            reason: "deed".to_owned(),
        })
    }

    /// A new member, enrolled as the successor. Nothing is wrong with it: the
    /// member must be known from now on.
    fn new_code(&mut self, model: &Model, before: usize) -> Option<Play> {
        let party = model.parties.get(&self.world.code(before))?;
        let full = party.predecessors.len() + 1 >= MAX_PREDECESSORS;
        if party.succeeded_by.is_some() || full {
            return None;
        }
        let after = self.world.new_member();
        let mut plan = self.world.enrolment(after);
        let succeeded = self.succession(before, after, 0);
        plan.events.push(event(succeeded));
        Some(Play::Signed(self.world.signed(&plan)))
    }

    /// In how many lots a member has something.
    fn has(&self, model: &Model, member: usize) -> usize {
        let code = self.world.code(member);
        let here = |a: &Account| matches!(a, Account::Held(party, _) if *party == code);
        let lots = model.lots.iter();
        lots.filter(|(_, book)| book.titles.contains_key(&code) || book.accounts.keys().any(here))
            .count()
    }

    /// Who acts for a member that may have been succeeded.
    pub fn heir(&mut self, model: &Model, member: usize) -> usize {
        let line = model.line(&self.world.code(member));
        let last = self.world.member(&line[line.len() - 1]).unwrap();
        if self.world.percent(85) { last } else { member }
    }

    /// Now and then: an open offer of, or to, somebody who has been succeeded.
    pub fn orphaned(&mut self, model: &Model, percent: u32) -> Option<Id> {
        if !self.world.percent(percent) {
            return None;
        }
        let orphaned = |offer: &Offer| {
            let mut sides = [&offer.giver, &offer.taker].into_iter();
            offer.status == Status::Open && sides.any(|p| model.line(p).len() > 1)
        };
        let offers = model.offers.iter().filter(|(_, offer)| orphaned(offer));
        let names: Vec<Id> = offers.map(|(name, _)| *name).collect();
        (!names.is_empty()).then(|| *self.world.pick(&names))
    }

    /// Something that somebody has who has been succeeded.
    pub fn inherited(&mut self, model: &Model) -> Option<Play> {
        let mut lines: Vec<InheritedLine> = Vec::new();
        let mut predecessor = String::new();
        for _ in 0..300 {
            let live = |lot: &Id| model.lots.get(lot).unwrap().is_live();
            let lot = self.lots.pick(&mut self.world, live)?;
            let mut theirs = left_behind(model, &lot);
            if !predecessor.is_empty() {
                let twice = lines.iter().any(|line| line.lot == bytes(&lot));
                theirs.retain(|(party, _)| *party == predecessor && !twice);
            }
            if theirs.is_empty() {
                continue;
            }
            let (party, place) = self.world.pick(&theirs).clone();
            predecessor = party;
            let to_place = if place.is_empty() {
                String::new()
            } else {
                (*self.world.pick(&PLACES)).to_owned()
            };
            lines.push(InheritedLine {
                lot: bytes(&lot),
                place,
                to_place,
            });
            if lines.len() == 8 {
                break;
            }
        }
        let line = model.line(&predecessor);
        let mut by = self.world.member(&line[line.len() - 1])?;
        if self.world.percent(8) {
            by = self.world.anybody();
        }
        match self.world.upto(30) {
            0 => "NOWHERE".clone_into(&mut lines[0].to_place),
            1 => lines.push(lines[0].clone()),
            2 => lines.clear(),
            _ => {}
        }
        let inherited = Inherited { predecessor, lines };
        Some(one(by, Body::Inherited(inherited)))
    }
}

/// Who of those that have been succeeded has something free of a lot in which
/// place, or (without a place) owns some of it or answers for it.
fn left_behind(model: &Model, lot: &Id) -> Vec<(String, String)> {
    let book = model.lots.get(lot).unwrap();
    let gone = |party: &String| model.line(party).len() > 1;
    let held = book.accounts.keys().filter_map(|a| match a {
        Account::Held(party, place) if gone(party) => {
            let packages = book.serials_on(a);
            let free = packages.iter().any(|s| book.packages[s].promised.is_none());
            (book.free_on(a) > 0 || free).then(|| (party.clone(), place.clone()))
        }
        _ => None,
    });
    let packages = book.packages.values().map(|p| &p.owner);
    let owners = book.titles.keys().chain(packages).chain([&book.answerable]);
    let owned = owners
        .filter(|p| gone(p))
        .map(|p| (p.clone(), String::new()));
    held.chain(owned).collect()
}

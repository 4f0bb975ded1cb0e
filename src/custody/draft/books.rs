//! Emitting what belongs together: an amount from one account to another,
//! packages with their mass, title with the matter it is to.

use super::Draft;

use crate::custody::lot::{self, Amount};
use crate::custody::{packaging, ranges, subject, succession};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, FindingCode, PackagesAggregated, PackagesMoved, Posting, RefusalCode, SerialRange,
    Severity, TitlePosting,
};
impl Draft<'_> {
    /// Books an amount on an account of a lot.
    pub fn post(&mut self, lot: LotId, account: &Account, amount: Amount) -> Result<(), Refused> {
        if amount.is_zero() {
            return Ok(());
        }
        self.emit(
            &subject::lot(lot),
            C::Posting(Posting {
                account: Some(account.clone()),
                gross_mg: amount.gross,
                contained_mg: amount.contained,
            }),
        )
    }

    /// Books an amount from one account to another.
    pub fn transfer(
        &mut self,
        lot: LotId,
        from: &Account,
        to: &Account,
        amount: Amount,
    ) -> Result<(), Refused> {
        let back = amount
            .negated()
            .map_err(|_| Refused::new(RefusalCode::MassOverflow, ""))?;
        self.post(lot, from, back)?;
        self.post(lot, to, amount)
    }

    /// Sends packages that stand on one account to another, with their mass.
    pub fn transfer_packages(
        &mut self,
        lot: LotId,
        ranges: &[SerialRange],
        to: &Account,
    ) -> Result<(), Refused> {
        let state = self.lot(lot).unwrap_or_default();
        let broken = packaging::broken(&state, ranges);
        self.break_up(lot, &broken)?;
        for range in ranges {
            let state = self.lot(lot).unwrap_or_default();
            let Some(selected) = lot::select(&state, range.first, range.last) else {
                return Err(Refused::new(RefusalCode::SerialsNotHere, "serials")
                    .detail(ranges::show(std::slice::from_ref(range))));
            };
            for p in selected {
                let amount = lot::package_mass(&p)
                    .map_err(|_| Refused::new(RefusalCode::MassOverflow, "serials"))?;
                let from = p.account.clone().unwrap_or_default();
                self.transfer(lot, &from, to, amount)?;
                self.emit(
                    &subject::lot(lot),
                    C::PackagesMoved(PackagesMoved {
                        first: p.first,
                        last: p.last,
                        to: Some(to.clone()),
                    }),
                )?;
            }
        }
        Ok(())
    }

    /// Outer packings out of which something is taken are none any more.
    pub fn break_up(
        &mut self,
        lot: LotId,
        outers: &[(String, Vec<SerialRange>)],
    ) -> Result<(), Refused> {
        let subject = subject::lot(lot);
        for (name, all) in outers {
            for SerialRange { first, last } in all.iter().copied() {
                let outer = String::new();
                let change = C::PackagesAggregated(PackagesAggregated { first, last, outer });
                self.emit(&subject, change)?;
            }
            let detail = format!("{name}, with packages {}", ranges::show(all));
            let (code, severity) = (FindingCode::OuterBroken, Severity::Notice);
            self.find(code, severity, &subject, "", 0, detail);
        }
        Ok(())
    }

    /// Books title to loose matter.
    pub fn post_title(&mut self, lot: LotId, party: &str, gross: i64) -> Result<(), Refused> {
        if gross == 0 {
            return Ok(());
        }
        let title = TitlePosting {
            party: party.to_owned(),
            gross_mg: gross,
        };
        self.emit(&subject::lot(lot), C::Title(title))
    }

    /// Takes title to loose matter that is gone: the holder's own first, then
    /// that of those who have succeeded it, then the others' in order of their
    /// codes (law 7). What is there and nobody
    /// owns, because more was measured than was offered, stands against the
    /// holder until the difference is settled: what has happened is recorded.
    pub fn end_title(&mut self, lot: LotId, holder: &str, gross: i64) -> Result<(), Refused> {
        self.take_title(lot, holder, gross).map(drop)
    }

    /// The same; returns from whom how much was taken.
    fn take_title(
        &mut self,
        lot: LotId,
        holder: &str,
        gross: i64,
    ) -> Result<Vec<(String, i64)>, Refused> {
        let state = self.lot(lot).unwrap_or_default();
        let mut owners: Vec<&TitlePosting> = state.titles.iter().collect();
        let line = succession::line(self, holder);
        owners.sort_by_key(|t| {
            line.iter()
                .position(|p| *p == t.party)
                .unwrap_or(usize::MAX)
        });
        let mut left = gross;
        let mut from = Vec::with_capacity(owners.len() + 1);
        for owner in owners {
            let taken = left.min(owner.gross_mg.max(0));
            from.push((owner.party.clone(), taken));
            left -= taken;
        }
        from.push((holder.to_owned(), left));
        for (party, taken) in &from {
            self.post_title(lot, party, taken.saturating_neg())?;
        }
        Ok(from)
    }

    /// Title to loose matter of one lot goes on in another lot, with the same
    /// owners.
    pub fn carry_title(
        &mut self,
        from: LotId,
        to: LotId,
        holder: &str,
        gross: i64,
    ) -> Result<(), Refused> {
        for (party, taken) in self.take_title(from, holder, gross)? {
            self.post_title(to, &party, taken)?;
        }
        Ok(())
    }

    /// Gives title to matter that turns out to have been there: first it makes
    /// good what was taken beyond title, the party's own first; the rest is
    /// the party's.
    pub fn make_good(&mut self, lot: LotId, party: &str, gross: i64) -> Result<(), Refused> {
        let state = self.lot(lot).unwrap_or_default();
        let mut owing: Vec<&TitlePosting> = state.titles.iter().collect();
        owing.sort_by_key(|t| t.party != party);
        let mut left = gross;
        for t in owing {
            let given = left.min(t.gross_mg.saturating_neg().max(0));
            self.post_title(lot, &t.party, given)?;
            left -= given;
        }
        self.post_title(lot, party, left)
    }
}

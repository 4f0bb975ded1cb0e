//! Nitrocellulose that has dried: weighed and analysed it is lighter, and of
//! another, explosive form; so it is wetted again at once, into a new lot.

use super::goods::{CELLULOSE, Contents, KG, Product, booked};
use super::make::{Fresh, Next};
use super::world::Job;
use super::{Issued, World};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{Assayed, FindingCode, Inert, ProcessLoss, TransformInput, Transformed};

/// 硝化棉, dried to less than a quarter of alcohol.
pub(super) const DRIED: Product = Product {
    form: "NC-0340",
    least_permille: 760,
    spread_permille: 0,
    package_kg: &[],
    ..CELLULOSE
};
/// Its alcohol, parts per million: below what keeps it of the wetted form.
const ALCOHOL_LEFT_PPM: u32 = 240_000;
/// What it is wetted to, thousandths of content.
const WETTED_PERMILLE: u32 = 690;

/// As much as holds so much at so many thousandths, in whole kilograms.
fn holding(contained: i64, permille: u32) -> i64 {
    contained / i64::from(permille) * 1_000 / KG * KG
}

impl World {
    /// The analysis says that a fresh lot has dried.
    pub(super) fn dries(&mut self, mut fresh: Fresh) -> Issued {
        let holder = fresh.pile.holder.clone();
        let weighed = holding(fresh.pile.contained(), DRIED.least_permille);
        let ppm = DRIED.least_permille * 1_000;
        let assayed = Assayed {
            lot: fresh.pile.lot.to_bytes(),
            content_ppm: ppm,
            certificate_hash: self.hash(),
            wetting_ppm: Some(ALCOHOL_LEFT_PPM),
            nitrogen_ppm: Some(121_000),
            temperature_milli_c: Some(31_500),
            weighed: Some(booked(weighed)),
        };
        fresh.pile.product = &DRIED;
        fresh.pile.ppm = ppm;
        fresh.pile.contents = Contents::Loose(weighed);
        fresh.next = Next::Wet;
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        let what = "assays what has dried";
        let said = self.say(&holder, vec![Body::Assayed(assayed)], what);
        said.meaning(&[FindingCode::WettingTooLow]).issued
    }

    /// Alcohol brings it back; what clings to the vessel is lost.
    pub(super) fn wet(&mut self, mut fresh: Fresh) -> Issued {
        let (before, holder) = (fresh.pile.clone(), fresh.pile.holder.clone());
        let gross = holding(before.contained(), WETTED_PERMILLE);
        let label = self.label(&holder, CELLULOSE.substance);
        fresh.pile.product = &CELLULOSE;
        fresh.pile.ppm = WETTED_PERMILLE * 1_000;
        fresh.pile.contents = Contents::Loose(gross);
        let (ppm, place) = (fresh.pile.ppm, before.place);
        let lost = ProcessLoss {
            cause: "dust 粉尘".to_owned(),
            gross_mg: 0,
            substance: CELLULOSE.substance.to_owned(),
            contained_mg: before.contained() - fresh.pile.contained(),
        };
        let transformed = Transformed {
            inputs: vec![TransformInput {
                goods: Some(before.goods()),
                place: place.to_owned(),
            }],
            outputs: vec![self.new_lot(label, &CELLULOSE, gross, ppm, place)],
            inert: vec![Inert {
                name: "ethanol 乙醇".to_owned(),
                quantity: Some(booked(gross - before.gross())),
            }],
            losses: Some(lost)
                .filter(|l| l.contained_mg > 0)
                .into_iter()
                .collect(),
            ..Transformed::default()
        };
        let what = "wets what has dried";
        let said = self.say(&holder, vec![Body::Transformed(transformed)], what);
        fresh.pile.lot = LotId(said.name(0, 0));
        fresh.next = Next::Pack;
        self.jobs.push(Job::Fresh(Box::new(fresh)));
        said.issued
    }
}

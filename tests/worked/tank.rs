//! A 60 t tank of 30 % sodium cyanide solution, filled thrice, drawn seven
//! times; its heel washed out, the rinse gone to waste. Every contained
//! milligram is accounted for.
//!
//! | step | gross kg | contained NaCN kg |
//! |---|---|---|
//! | A filled, 30.0 % | + 20,000 | + 6,000 |
//! | draw 1 | - 5,000 | - 1,500 |
//! | B filled, 30.2 % | + 20,000 | + 6,040 |
//! | draws 2, 3 | - 14,000 | - 4,216 |
//! | C filled, 29.7 % | + 18,000 | + 5,346 |
//! | draws 4 to 7 | - 38,000 | - 11,370.769… |
//! | heel | 1,000 | 299.230… |
//! | washed with 2,000 of water: 2,900 of waste, 100 evaporated | | |
//!
//! In all 58,000 kg of solution and 17,386 kg of NaCN went in.

use hazledger::pb::event::Body as B;
use hazledger::pb::{AccountKind, Inert, ProcessLoss, Residue, VesselKind};
use hazledger::projection::genealogy;

use super::bench::Bench;
use super::tanks::vessel;
use super::verbs::kg;
use super::{KG, account, forward, held, in_hand, lot, lot_of, name_of, on, solution, verified};

/// What the tank holds by a reckoning of our own: gross and contained in all,
/// and gross by lot, in the order of the lots' names.
#[derive(Default)]
struct Tank {
    gross: i128,
    contained: i128,
    parts: Vec<(&'static str, i128)>,
}

impl Tank {
    /// A draw is well mixed: its content rounded down, and cut after each lot.
    fn draw(&mut self, gross: i128) -> (i128, Vec<i128>) {
        let contained = self.contained * gross / self.gross;
        let (mut so_far, mut before) = (0, 0);
        let mut drawn = Vec::new();
        for (_, there) in &mut self.parts {
            so_far += *there;
            let due = gross * so_far / self.gross;
            drawn.push(due - before);
            *there -= due - before;
            before = due;
        }
        self.gross -= gross;
        self.contained -= contained;
        (contained, drawn)
    }
}

fn fill(b: &mut Bench, tank: &mut Tank, lot: &'static str, tonnes: i128, ppm: u32) {
    let mass = (tonnes * 1000).to_string();
    let produced = solution(b, lot, &mass, ppm);
    b.name(lot, "P1", B::Produced(produced)).unwrap();
    let filled = b.filled(&format!("{lot} {mass}"), "T1", "V1");
    let name = if lot == "A" { "running" } else { "last" };
    b.name(name, "P1", B::Filled(filled)).unwrap();
    let gross = tonnes * 1000 * i128::from(KG);
    tank.gross += gross;
    tank.contained += gross * i128::from(ppm) / 1_000_000;
    tank.parts.push((lot, gross));
    tank.parts.sort_by_key(|(lot, _)| name_of(b, lot));
}

fn draw(b: &mut Bench, tank: &mut Tank, name: &str, mass: &str) {
    let drawn = b.drawn("V1", mass, "T2");
    b.name(name, "P1", B::Drawn(drawn)).unwrap();
    let kilos: i128 = mass.parse().unwrap();
    let (contained, parts) = tank.draw(kilos * i128::from(KG));
    assert_eq!(i128::from(in_hand(b, name).contained), contained, "{name}");
    let born = lot_of(b, name).born.unwrap();
    let told = born.parents.iter().map(|p| i128::from(p.gross_mg));
    let told: Vec<i128> = told.collect();
    assert_eq!(told, parts, "{name} is made of what was in the tank");
}

const DRAWS: [(&str, &str); 7] = [
    ("draw-1", "5000"),
    ("draw-2", "7000"),
    ("draw-3", "7000"),
    ("draw-4", "9500"),
    ("draw-5", "9500"),
    ("draw-6", "9500"),
    ("draw-7", "9500"),
];

/// The tank filled thrice and drawn from seven times; its heel is left.
fn told() -> (Bench, Tank) {
    let mut b = Bench::new();
    let place = vessel('P', "V1", VesselKind::Tank);
    b.say("P1", B::PlaceRegistered(place)).unwrap();
    let mut tank = Tank::default();
    for (n, (name, mass)) in DRAWS.iter().enumerate() {
        match n {
            0 => fill(&mut b, &mut tank, "A", 20, 300_000),
            1 => fill(&mut b, &mut tank, "B", 20, 302_000),
            3 => fill(&mut b, &mut tank, "C", 18, 297_000),
            _ => {}
        }
        draw(&mut b, &mut tank, name, mass);
    }
    (b, tank)
}

/// Washed with two tonnes of water into 2.9 t of waste. What a whole number of
/// parts per million falls short of went down the drain, with 100 kg of water.
fn wash(b: &mut Bench, heel: i64) -> i64 {
    let content_ppm = heel / 2900;
    let drained = heel - content_ppm * 2900;
    let mut cleaned = b.cleaned("V1", "2000", &[(Residue::Waste, "2900", 1)]);
    cleaned.rinse = vec![Inert {
        name: "water".into(),
        quantity: kg("2000"),
    }];
    let lot = cleaned.into[0].lot.as_mut().unwrap();
    lot.form = "NACN-3414".into();
    lot.content_ppm = u32::try_from(content_ppm).unwrap();
    cleaned.losses.push(ProcessLoss {
        cause: "drain".into(),
        gross_mg: 100 * KG,
        substance: "NACN".into(),
        contained_mg: drained,
    });
    b.name("waste", "P1", B::Cleaned(cleaned)).unwrap();
    drained
}

#[test]
fn every_contained_milligram_of_a_tank_is_accounted_for() {
    let (mut b, tank) = told();
    let heel = in_hand(&b, "running");
    assert_eq!(heel.gross, 1000 * KG);
    assert_eq!(i128::from(heel.contained), tank.contained);

    // 2,900 kg at 1 ppm are 2,900 mg.
    let drained = wash(&mut b, heel.contained);
    let drawn = DRAWS.iter().map(|(name, _)| in_hand(&b, name).contained);
    let waste = in_hand(&b, "waste").contained;
    assert_eq!(drawn.sum::<i64>() + waste + drained, 17_386 * KG);

    // The running lot's own books say the same: all of it came by being made
    // and went by being transformed, but for what went down the drain.
    let running = lot_of(&b, "running");
    let plain = |kind| lot::balance(&running, &account::plain(kind));
    let made = plain(AccountKind::Made);
    assert_eq!((made.gross, made.contained), (-58_000 * KG, -17_386 * KG));
    assert_eq!(plain(AccountKind::ProcessLoss).contained, drained);
    assert!(running.blend.is_empty() && running.running_in.is_none());
    verified(&b);
}

#[test]
fn a_drum_filled_from_a_tank_is_traced_back_with_fractions_that_sum_to_one() {
    let (mut b, _) = told();
    // Draw 7 is packed into 38 drums of 250 kg: one lot, made of A, B and C.
    let packed = b.packed("draw-7", "T2", "1-38", "250");
    b.say("P1", B::Packed(packed)).unwrap();
    let back = genealogy::ancestors(&b.state, name_of(&b, "draw-7"));
    let mut parents: Vec<&str> = back.edges.iter().map(|e| e.parent_label.as_str()).collect();
    parents.sort_unstable();
    assert_eq!(parents, ["A", "B", "C"]);
    assert_eq!(back.whole_gross_mg, 9500 * KG);
    let shares = back.edges.iter().map(|e| e.share_mg);
    assert_eq!(shares.sum::<i64>(), 9500 * KG, "the fractions sum to one");
    // 15 of 35 t were of A before draws 2 and 3, 9 of 21 after them, so 9 of
    // 39 when C had come in.
    let of_a = back.edges.iter().find(|e| e.parent_label == "A").unwrap();
    assert_eq!(of_a.share_mg / KG, 9500 * 9 / 39);
}

#[test]
fn a_contaminated_lot_is_found_with_everybody_who_has_any_of_it() {
    let (mut b, _) = told();
    // W takes all of draw 2 and uses half of it; 3 of its 7 t are of A.
    let offered = b.offered('W', "T2", &["draw-2 7000"]);
    b.name("offer", "P1", B::Offered(offered)).unwrap();
    let accepted = b.accepted("offer", "T1", &["0 take 7000"]);
    b.say("W1", B::Accepted(accepted)).unwrap();
    b.say("W1", B::Used(b.used("draw-2 3500", "T1"))).unwrap();
    let found = forward(&b, "A");
    // All of A is in the draws and in the heel, to the milligram.
    let running = lot_of(&b, "running");
    let heel = running.blend.iter().find(|p| p.lot == b.id("A")).unwrap();
    let drawn = found.edges.iter().filter(|e| e.child_label == "drawn");
    let drawn: i64 = drawn.map(|e| e.share_mg).sum();
    assert_eq!(drawn + heel.gross_mg, 20_000 * KG);
    let of_it = |letter: char, place: &str| -> i64 {
        let at = held(letter, place);
        let here = found
            .held
            .iter()
            .filter(|h| h.account.as_ref() == Some(&at));
        here.map(|h| h.share_mg).sum()
    };
    assert_eq!(of_it('P', "V1"), heel.gross_mg);
    assert_eq!(
        of_it('W', "T1"),
        1500 * KG,
        "3 of 7 parts of what W has left"
    );
    assert!(of_it('P', "T2") > 0);
    // C went in last: W has none of it.
    let of_c = forward(&b, "C");
    let with_w = Some(held('W', "T1"));
    assert!(of_c.held.iter().all(|h| h.account != with_w));
    assert_eq!(on(&running, &held('P', "V1")), 1000 * KG);
}

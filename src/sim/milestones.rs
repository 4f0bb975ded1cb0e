//! What turns the world's course, each once: a mine goes away and is closed, a
//! neighbour joins the ledger, parties merge. They come at parts of the events
//! that the world is to have, whatever is under way just then.
#![expect(
    clippy::unnecessary_wraps,
    reason = "milestones have one type; most of them are always possible"
)]

use super::cases::CASES;
use super::{Issued, World};

/// A thing that turns its course; `None` if there is nobody for it.
type Milestone = fn(&mut World) -> Option<Issued>;

/// After how many thousandths of the world's events, and what.
const MILESTONES: [(u64, Milestone); 6] = [
    (200, a_mine_goes_away),
    (300, the_pits_merge),
    (350, a_neighbour_joins),
    (450, the_hauliers_merge),
    (550, the_plants_merge),
    (700, the_mine_is_succeeded),
];

/// The next of them, or of the cases, if it is due.
pub(super) fn next(world: &mut World) -> Option<Issued> {
    turning(world).or_else(|| world.rule_book.then(|| case(world)).flatten())
}

/// The next case, if it is due: its first statement, with the others behind.
fn case(world: &mut World) -> Option<Issued> {
    let (after, case) = CASES.get(world.case)?;
    let (so_far, all) = world.progress();
    if so_far.saturating_mul(1_000) < all.saturating_mul(*after) {
        return None;
    }
    world.case += 1;
    case(world);
    world.chapter = None;
    // A case may find nothing to tell.
    world.ready.pop_front()
}

fn turning(world: &mut World) -> Option<Issued> {
    let (after, milestone) = MILESTONES.get(world.milestone)?;
    let (so_far, all) = world.progress();
    if so_far.saturating_mul(1_000) < all.saturating_mul(*after) {
        return None;
    }
    world.milestone += 1;
    milestone(world)
}

fn a_mine_goes_away(world: &mut World) -> Option<Issued> {
    let mine = world.cast.gold_mines.last().clone();
    Some(world.close(&mine))
}

fn the_pits_merge(world: &mut World) -> Option<Issued> {
    let pits = &world.cast.open_pits;
    let (from, to) = (pits.last().clone(), pits.first().clone());
    Some(world.merge(&from, &to))
}

fn a_neighbour_joins(world: &mut World) -> Option<Issued> {
    let neighbour = world.cast.neighbours.first().clone();
    Some(world.let_in(&neighbour))
}

fn the_hauliers_merge(world: &mut World) -> Option<Issued> {
    let carriers = &world.cast.carriers;
    let (from, to) = (carriers.last().clone(), carriers.nth(1).clone());
    Some(world.merge(&from, &to))
}

fn the_plants_merge(world: &mut World) -> Option<Issued> {
    let plants = &world.cast.nitrate_plants;
    let (from, to) = (plants.last().clone(), plants.first().clone());
    Some(world.merge(&from, &to))
}

/// Who bought the mine that had gone away takes over what it owned.
fn the_mine_is_succeeded(world: &mut World) -> Option<Issued> {
    let from = world.who_vanished()?;
    let to = world.cast.gold_mines.first().clone();
    Some(world.merge(&from, &to))
}

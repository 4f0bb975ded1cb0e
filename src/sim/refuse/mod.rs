//! Statements that must be refused, each for one reason: what people and
//! systems get wrong, and what they may try. They take turns.

mod bytes;
mod device;
mod goods;
mod letter;
mod limits;
mod orders;
mod registry;
mod rights;

use super::world::Said;
use super::{Expect, Issued, World};
use crate::pb::RefusalCode;

/// Makes a statement that must be refused; `None` if the world has nothing
/// just now that could be got wrong in this way.
type Attempt = fn(&mut World) -> Option<Issued>;

/// The first attempt still owed that is possible now. Each is owed once a
/// round; those that were not possible in their turn come first later.
pub(super) fn any(world: &mut World) -> Option<Issued> {
    let registry = if world.rule_book {
        registry::ATTEMPTS
    } else {
        &[]
    };
    let attempts: Vec<Attempt> = [
        letter::ATTEMPTS,
        rights::ATTEMPTS,
        goods::ATTEMPTS,
        orders::ATTEMPTS,
        device::ATTEMPTS,
        bytes::ATTEMPTS,
        registry,
        limits::ATTEMPTS,
    ]
    .concat();
    if world.owed.len() < attempts.len() {
        world.owed.extend(0..attempts.len());
    }
    for at in 0..world.owed.len() {
        let attempt = world.owed.get(at).and_then(|owed| attempts.get(*owed))?;
        if let Some(issued) = attempt(world) {
            world.owed.remove(at);
            return Some(issued);
        }
    }
    None
}

/// What was said must be refused with this code.
fn refused(said: Said, code: RefusalCode) -> Issued {
    Issued {
        expect: Expect::Refused(code),
        ..said.issued
    }
}

//! Whether a pack refuses what is done with a blacklisted party. That it is
//! found needs no pack: `oversight/blacklist`.

use std::collections::BTreeSet;

use super::{Judged, party_region};
use crate::custody::decide::Case;
use crate::custody::draft::Draft;
use crate::pb::{RuleKind, RuleMode};

/// In a region of one of the parties, at the time claimed or recorded.
pub(in super::super) fn refuses(
    draft: &Draft<'_>,
    case: &Case<'_>,
    parties: &BTreeSet<String>,
) -> bool {
    let regions = parties
        .iter()
        .filter_map(|party| party_region(draft, party));
    let Some(judged) = Judged::act(draft, case, regions.collect()) else {
        return false;
    };
    let lines = judged.lines(RuleKind::Blacklisted, None);
    lines.iter().any(|asked| asked.mode() == RuleMode::Refuse)
}

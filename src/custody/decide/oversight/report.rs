//! To whom goods that are lost, stolen or spilled must be reported at once, by
//! the law itself: no pack can say otherwise, so it is told with the finding.

use crate::pb::{AccountKind, IncidentKind};

/// The agencies by their codes, and the articles of the Law on the Safety of
/// Hazardous Chemicals.
pub(in super::super) fn to_whom(kind: IncidentKind, at: AccountKind) -> &'static str {
    match (kind, at) {
        // On the road the police are told, and they tell the others.
        (_, AccountKind::Aboard) => {
            "to be reported at once to PS 公安机关, which informs MOT 交通运输, EM 应急管理, \
             EE 生态环境 and NHC 卫生健康 (L art 72)"
        }
        (IncidentKind::Missing, _) => "to be reported at once to PS 公安机关 (L arts 40, 52)",
        _ => "to be reported at once",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_told_to_the_police_and_on_the_road_to_those_whom_they_tell() {
        let store = to_whom(IncidentKind::Missing, AccountKind::Held);
        assert!(store.contains("PS") && store.contains("40, 52"), "{store}");
        assert!(!store.contains("EE"), "{store}");
        for kind in [IncidentKind::Missing, IncidentKind::Released] {
            let road = to_whom(kind, AccountKind::Aboard);
            for told in ["PS", "MOT", "EM", "EE", "NHC", "art 72"] {
                assert!(road.contains(told), "{told} is not in: {road}");
            }
        }
        let spilled = to_whom(IncidentKind::Released, AccountKind::Held);
        assert!(spilled.contains("at once"), "{spilled}");
    }
}

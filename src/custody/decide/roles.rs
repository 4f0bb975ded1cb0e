//! What a key with roles may sign.

use crate::pb::{EventKind, KeyRole};

/// The roles of which any may sign an event of this kind.
pub(super) fn roles_for(kind: EventKind) -> &'static [KeyRole] {
    use EventKind as K;
    use KeyRole as R;
    match kind {
        K::Produced | K::Imported | K::Opened | K::Transformed => &[R::Production],
        K::Assayed | K::Sampled => &[R::Production, R::Store],
        K::Arrived
        | K::Moved
        | K::Packed
        | K::Repacked
        | K::Filled
        | K::Drawn
        | K::Cleaned
        | K::Counted
        | K::Aggregated
        | K::Used
        | K::Recovered
        | K::Inherited => &[R::Store],
        K::PackagingTreated => &[R::Store, R::Disposal],
        K::Offered | K::Withdrawn => &[R::Trade, R::Store, R::Transport],
        K::Accepted | K::Declined | K::Incident => &[R::Store, R::Transport, R::Disposal],
        K::Relayed | K::Reported => &[R::Transport],
        K::Traded | K::Exported | K::Departed | K::Confirmed | K::CustomsReported => &[R::Trade],
        K::Settled | K::Corrected => &[R::Production, R::Store, R::Trade, R::Transport],
        K::FindingAnswered => &[
            R::Production,
            R::Store,
            R::Trade,
            R::Transport,
            R::Disposal,
            R::Registry,
            R::Oversight,
        ],
        K::Wasted | K::Disposed => &[R::Disposal, R::Store],
        K::PartyRegistered
        | K::SiteRegistered
        | K::PlaceRegistered
        | K::UnitRegistered
        | K::KeyRegistered
        | K::KeyRevoked
        | K::LedgerKeyRotated
        | K::PermitRegistered
        | K::PermitStated
        | K::VehicleRegistered
        | K::PersonRegistered
        | K::ProductRegistered
        | K::ParkRegistered
        | K::HazardSourceFiled
        | K::AgencyRegistered
        | K::Succeeded => &[R::Registry],
        K::Recalled => &[R::Production, R::Oversight],
        K::Rectified => &[R::Store, R::Production, R::Registry],
        K::RecallAcknowledged => &[R::Store, R::Trade, R::Transport, R::Disposal],
        _ => &[R::Oversight],
    }
}

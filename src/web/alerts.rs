#![doc = include_str!("ALERTS.md")]

/// The page itself, for whoever checks that it says all there is.
pub const PAGE: &str = include_str!("ALERTS.md");

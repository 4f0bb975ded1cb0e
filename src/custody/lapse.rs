//! Parties that nobody can sign for. Told on reading, as of a time that is
//! passed in: the fold has no clock, and a key ends without a record.

use std::collections::BTreeMap;

use crate::pb::KeyState;

/// A party without a valid key for so long is a finding: what stands with it
/// has no voice. 30 days in milliseconds, as long as a statement may be sent
/// late (`ID_WINDOW_MS`): whoever signed with the last key has spoken by then.
pub const NO_KEY_LIMIT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// When a key could sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from_ms: i64,
    until_ms: i64,
    /// Position of its revocation; 0: none.
    revoked_at: u64,
}

/// The keys of parties, by party.
#[derive(Debug, Default)]
pub struct Keys {
    parties: BTreeMap<String, Vec<Span>>,
}

impl Keys {
    /// One more key.
    pub fn add(&mut self, key: &KeyState) {
        let Some(registered) = &key.registered else {
            return;
        };
        let span = Span {
            from_ms: registered.valid_from_ms,
            until_ms: registered.valid_until_ms,
            revoked_at: key.revoked_at,
        };
        self.parties
            .entry(registered.party.clone())
            .or_default()
            .push(span);
    }

    /// How many keys a party has had.
    pub fn count(&self, party: &str) -> usize {
        self.parties.get(party).map_or(0, Vec::len)
    }

    /// Since when a party has had no valid key, if at `at_ms` that is longer
    /// ago than the limit; 0 if it never had one. `recorded_ms` tells when the
    /// record at a position was recorded; it is asked for few.
    pub fn lapsed_since<E>(
        &self,
        party: &str,
        at_ms: i64,
        mut recorded_ms: impl FnMut(u64) -> Result<i64, E>,
    ) -> Result<Option<i64>, E> {
        let Some(spans) = self.parties.get(party) else {
            return Ok(Some(0));
        };
        let limit = at_ms.saturating_sub(NO_KEY_LIMIT_MS);
        let begun = || spans.iter().filter(|span| span.from_ms <= at_ms);
        // Those that need no look into the journal first.
        if begun().any(|span| span.revoked_at == 0 && span.until_ms > limit) {
            return Ok(None);
        }
        let mut since = 0;
        for span in begun() {
            let revoked = match span.revoked_at {
                0 => i64::MAX,
                position => recorded_ms(position)?,
            };
            since = span.until_ms.min(revoked).max(since);
        }
        Ok((since <= limit).then_some(since))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::convert::Infallible;

    use super::*;
    use crate::pb::KeyRegistered;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    /// Keys, the day they are looked at, since when there is none.
    type Case = (&'static [(i64, i64, u64)], i64, Option<i64>);

    /// Since when, on a day, with keys of (from day, until day, revoked at):
    /// the record at position n was recorded on day n.
    fn since(keys: &[(i64, i64, u64)], on_day: i64) -> Option<i64> {
        let mut all = Keys::default();
        for (from, until, revoked_at) in keys {
            all.add(&KeyState {
                registered: Some(KeyRegistered {
                    party: "P".to_owned(),
                    valid_from_ms: from * DAY,
                    valid_until_ms: until * DAY,
                    ..KeyRegistered::default()
                }),
                revoked_at: *revoked_at,
                ..KeyState::default()
            });
        }
        let day = |position: u64| Ok::<_, Infallible>(i64::try_from(position).unwrap() * DAY);
        let since = all.lapsed_since("P", on_day * DAY, day).unwrap();
        since.map(|ms| ms / DAY)
    }

    #[test]
    fn a_party_lapses_30_days_after_its_last_key_has_ended() {
        let cases: [Case; 12] = [
            (&[], 100, Some(0)),
            (&[(0, 400, 0)], 100, None),
            (&[(0, 50, 0)], 79, None),
            (&[(0, 50, 0)], 80, Some(50)),
            (&[(0, 50, 0), (40, 60, 0)], 89, None),
            (&[(0, 50, 0), (40, 60, 0)], 90, Some(60)),
            // Revoked on day 20, in the record at position 20.
            (&[(0, 400, 20)], 49, None),
            (&[(0, 400, 20)], 50, Some(20)),
            // Revoked after it had expired anyway.
            (&[(0, 50, 70)], 80, Some(50)),
            (&[(0, 400, 20), (0, 400, 0)], 100, None),
            // A key that is not yet valid is none; before the revocation there was one.
            (&[(0, 50, 0), (200, 400, 0)], 100, Some(50)),
            (&[(0, 400, 90)], 100, None),
        ];
        for (keys, on_day, wanted) in cases {
            assert_eq!(since(keys, on_day), wanted, "{keys:?} on day {on_day}");
        }
    }
}

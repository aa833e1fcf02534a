//! The generic cell rate algorithm (GCRA), exact and without I/O.
//!
//! 1. A quota of N per T drains at one unit every T/N, and holds N units at most.
//! 2. The whole state of a bucket is one number: the instant at which it will be empty (the
//!    theoretical arrival time of ATM Forum TM 4.0, annex C).
//! 3. That instant is kept in ticks of 1/N ns, so that no division, and no rounding, takes place:
//!    taking n units adds n × T ticks, whatever N is.
//!
//! Does not catch: a client that spends its whole quota at once right before and then evenly after
//! an instant gets up to 2 N units in the T around it, as with every bucket.

use std::time::Duration;

use aegis_core::Rate;

/// The largest count a rate may have; keeps every product below within 128 bits.
pub const COUNT_MAX: u64 = 1_000_000_000_000;

/// N units per T.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    count: u64,
    per_ns: u64,
}

/// The instant a bucket is empty, in the ticks of its quota; 0 for one never used.
pub type Ticks = u128;

/// A bucket at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The quota's N.
    pub limit: u64,
    /// Units that could be taken at once.
    pub remaining: u64,
    /// How long until the whole quota is there again.
    pub reset: Duration,
}

/// Why an amount can't be taken; the longer wait is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortage {
    /// It can, after this long.
    Until(Duration),
    /// It is more than the quota ever holds.
    Never,
}

// === impl Quota ===

impl Quota {
    /// The quota of a policy's rate; `None` where the count is 0 or above [`COUNT_MAX`].
    #[must_use]
    pub fn new(rate: Rate) -> Option<Self> {
        let per_ns = u64::try_from(rate.per.as_nanos()).ok()?;
        let sound = (1..=COUNT_MAX).contains(&rate.count) && per_ns > 0;
        sound.then_some(Self {
            count: rate.count,
            per_ns,
        })
    }

    /// N.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.count
    }

    /// T.
    #[must_use]
    pub const fn per(self) -> Duration {
        Duration::from_nanos(self.per_ns)
    }

    /// The bucket's state after taking `amount` at `now`.
    ///
    /// # Errors
    /// When the bucket has no room for it.
    pub fn take(self, empty_at: Ticks, now: Duration, amount: u64) -> Result<Ticks, Shortage> {
        if amount > self.count {
            return Err(Shortage::Never);
        }
        let after = self.charge(empty_at, now, amount);
        let level = after - self.ticks(now);
        match level.checked_sub(self.window()) {
            None | Some(0) => Ok(after),
            Some(excess) => Err(Shortage::Until(self.span(excess))),
        }
    }

    /// The bucket's state after `amount` more at `now`, whether it has room or not.
    #[must_use]
    pub fn charge(self, empty_at: Ticks, now: Duration, amount: u64) -> Ticks {
        empty_at
            .max(self.ticks(now))
            .saturating_add(self.cost(amount))
    }

    /// What `amount` units weigh.
    #[must_use]
    pub fn cost(self, amount: u64) -> Ticks {
        u128::from(amount) * u128::from(self.per_ns)
    }

    /// `now` on the quota's own clock.
    #[must_use]
    pub fn ticks(self, now: Duration) -> Ticks {
        now.as_nanos().saturating_mul(u128::from(self.count))
    }

    /// The bucket at `now`.
    #[must_use]
    pub fn standing(self, empty_at: Ticks, now: Duration) -> Standing {
        let level = empty_at.saturating_sub(self.ticks(now));
        let room = self.window().saturating_sub(level) / u128::from(self.per_ns);
        Standing {
            limit: self.count,
            remaining: u64::try_from(room).unwrap_or(u64::MAX),
            reset: self.span(level),
        }
    }

    fn window(self) -> Ticks {
        self.cost(self.count)
    }

    /// Ticks as time, rounded up: who waits that long is let in.
    fn span(self, ticks: Ticks) -> Duration {
        let nanos = ticks.div_ceil(u128::from(self.count));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(count: u64, secs: u64) -> Quota {
        let per = Duration::from_secs(secs);
        Quota::new(Rate { count, per }).unwrap()
    }

    #[test]
    fn the_whole_quota_at_once_and_not_one_more() {
        for count in [1, 2, 3, 7, 60, 999_983] {
            let quota = quota(count, 1);
            let now = Duration::from_secs(5);
            let mut at = 0;
            for taken in 0..count.min(1_000) {
                assert_eq!(quota.standing(at, now).remaining, count - taken);
                at = quota.take(at, now, 1).unwrap();
            }
            at = quota.take(at, now, count - count.min(1_000)).unwrap();
            assert!(quota.take(at, now, 1).is_err(), "{count}");
        }
    }

    #[test]
    fn the_stated_wait_is_exact() {
        let quota = quota(7, 1);
        let now = Duration::from_secs(1);
        let full = quota.take(0, now, 7).unwrap();
        let Err(Shortage::Until(wait)) = quota.take(full, now, 1) else {
            panic!("the bucket is empty");
        };
        assert!(
            quota
                .take(full, now + wait - Duration::from_nanos(1), 1)
                .is_err()
        );
        assert!(quota.take(full, now + wait, 1).is_ok());
    }

    #[test]
    fn more_than_the_quota_never_fits() {
        assert_eq!(
            quota(5, 60).take(0, Duration::ZERO, 6),
            Err(Shortage::Never)
        );
        assert!(quota(5, 60).take(0, Duration::ZERO, 5).is_ok());
    }

    #[test]
    fn counts_are_bounded() {
        let per = Duration::from_secs(86_400);
        let rate = |count| Quota::new(Rate { count, per });
        assert!(rate(COUNT_MAX).is_some());
        assert!(rate(COUNT_MAX + 1).is_none());
        assert!(rate(0).is_none());
        let quota = rate(COUNT_MAX).unwrap();
        let century = Duration::from_secs(100 * 365 * 86_400);
        assert!(quota.take(0, century, COUNT_MAX).is_ok());
    }
}

//! Wall-clock time, injected so that tests decide what time it is.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Tells the time that `exp`, `nbf` and `iat` are compared with.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Seconds since 1970. A clock before that reads as 1970, where no token is valid yet.
pub(crate) fn unix(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

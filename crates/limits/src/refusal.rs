//! How a limit's refusal reads: 429 with `Retry-After`.

use std::time::Duration;

use aegis_core::{Reason, Rejection};
use http::{HeaderName, HeaderValue};

use crate::quota::{Quota, Shortage};
use crate::store::{Amount, StoreError};

/// What a client waits when the gateway has no room to count it.
const FULL_WAIT: Duration = Duration::from_secs(1);

/// The refusal of a bill because of `amount`.
pub(crate) fn of(amount: Option<Amount>, shortage: Shortage) -> Rejection {
    let (reason, message, period) = match amount {
        Some(Amount::Place { max }) => (
            Reason::ConcurrencyLimited,
            format!("More than {max} requests at once. Wait for one to end."),
            FULL_WAIT,
        ),
        Some(Amount::Request(quota)) => {
            (Reason::RateLimited, used_up("requests", quota), quota.per())
        }
        Some(Amount::Tokens { quota, fits, .. }) => {
            let message = match shortage {
                Shortage::Until(_) => used_up("tokens", quota),
                Shortage::Never => too_many(fits, quota),
            };
            (Reason::RateLimited, message, quota.per())
        }
        None => (
            Reason::RateLimited,
            "A limit is used up.".to_owned(),
            FULL_WAIT,
        ),
    };
    let rejection = Rejection::new(reason, message);
    match shortage {
        Shortage::Until(wait) => rejection.with_retry_after(wait),
        // Waiting won't help: the providers' SDKs are told not to try again by themselves.
        Shortage::Never => rejection.with_retry_after(period).with_header(
            HeaderName::from_static("x-should-retry"),
            HeaderValue::from_static("false"),
        ),
    }
}

/// The refusal of a request that can't be counted.
pub(crate) fn no_room(error: StoreError) -> Rejection {
    let message = "The gateway can't count this request now.";
    Rejection::new(Reason::Overloaded, message)
        .with_detail(error)
        .with_retry_after(FULL_WAIT)
}

fn used_up(unit: &str, quota: Quota) -> String {
    let (count, secs) = (quota.count(), quota.per().as_secs());
    format!("The limit of {count} {unit} per {secs} s is used up.")
}

fn too_many(tokens: u64, quota: Quota) -> String {
    format!(
        "The request may use {tokens} tokens, more than the limit of {} ever allows. Shorten the \
         prompt or lower the output limit.",
        quota.count()
    )
}

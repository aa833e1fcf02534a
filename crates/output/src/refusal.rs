//! Why a reply is not passed on, in words that the client may read.

use std::fmt::Display;

use aegis_core::{BoxError, BrokenOff, Reason, Rejection};

use crate::arguments::ArgumentsError;

/// A reply that can't be read, so not inspected; `detail` is for the audit record.
pub(crate) fn invalid(detail: impl Display) -> Rejection {
    Rejection::new(
        Reason::UpstreamInvalid,
        "The provider's reply could not be read.",
    )
    .with_detail(detail)
}

/// A reply whose tool arguments can't be inspected.
pub(crate) fn malformed_arguments(error: ArgumentsError) -> Rejection {
    match error {
        ArgumentsError::Malformed(error) => {
            invalid(format_args!("a tool call's arguments: {error}"))
        }
        ArgumentsError::NumberTooLong => invalid("a number in a tool call's arguments is too long"),
    }
}

/// A reply that holds a value which the policy blocks.
pub(crate) fn output_blocked() -> Rejection {
    Rejection::new(Reason::OutputBlocked, "The reply was blocked by policy.")
}

/// A reply that ends in the middle.
pub(crate) fn broken_off(how: BrokenOff) -> Rejection {
    match how {
        BrokenOff::Stalled | BrokenOff::TooLong => {
            Rejection::new(Reason::UpstreamTimeout, "The provider took too long.")
        }
        BrokenOff::Failed => Rejection::new(
            Reason::UpstreamUnavailable,
            "The provider broke off the reply.",
        ),
    }
}

/// The same, for the error of a reply's body.
pub(crate) fn broken_off_by(error: &BoxError) -> Rejection {
    broken_off(error.downcast_ref().copied().unwrap_or(BrokenOff::Failed)).with_detail(error)
}

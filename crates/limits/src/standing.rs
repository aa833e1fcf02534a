//! How limits are told to clients: the headers that the providers' own SDKs know.
//!
//! OpenAI's names (`x-ratelimit-*`, a reset as `6m0s`) everywhere but on Anthropic's routes, which
//! get `anthropic-ratelimit-*` with a reset as an RFC 3339 instant. Where several limits apply, the
//! one with the least left is told. They are noted on the exchange, for whatever response follows.

use std::time::{Duration, SystemTime};

use aegis_core::{Api, Exchange};
use http::{HeaderName, HeaderValue};

use crate::quota::Standing;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Requests,
    Tokens,
}

struct Names {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

// === impl Unit ===

impl Unit {
    const fn names(self, api: Api) -> Names {
        match (api, self) {
            (Api::Anthropic, Self::Requests) => Names {
                limit: "anthropic-ratelimit-requests-limit",
                remaining: "anthropic-ratelimit-requests-remaining",
                reset: "anthropic-ratelimit-requests-reset",
            },
            (Api::Anthropic, Self::Tokens) => Names {
                limit: "anthropic-ratelimit-tokens-limit",
                remaining: "anthropic-ratelimit-tokens-remaining",
                reset: "anthropic-ratelimit-tokens-reset",
            },
            (Api::Openai | Api::Huggingface | Api::Generic, Self::Requests) => Names {
                limit: "x-ratelimit-limit-requests",
                remaining: "x-ratelimit-remaining-requests",
                reset: "x-ratelimit-reset-requests",
            },
            (Api::Openai | Api::Huggingface | Api::Generic, Self::Tokens) => Names {
                limit: "x-ratelimit-limit-tokens",
                remaining: "x-ratelimit-remaining-tokens",
                reset: "x-ratelimit-reset-tokens",
            },
        }
    }
}

/// Notes the tightest of `standings` for the response.
pub(crate) fn note(
    exchange: &Exchange,
    api: Api,
    unit: Unit,
    standings: impl Iterator<Item = Standing>,
) {
    let Some(tightest) = standings.min_by_key(|standing| standing.remaining) else {
        return;
    };
    let names = unit.names(api);
    let reset = match api {
        Api::Anthropic => instant(SystemTime::now() + tightest.reset),
        Api::Openai | Api::Huggingface | Api::Generic => duration(tightest.reset),
    };
    let headers = [
        (names.limit, Some(HeaderValue::from(tightest.limit))),
        (names.remaining, Some(HeaderValue::from(tightest.remaining))),
        (names.reset, HeaderValue::try_from(reset).ok()),
    ];
    exchange.note(|trail| {
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            trail.reply_headers.retain(|(other, _)| *other != name);
            trail.reply_headers.extend(value.map(|value| (name, value)));
        }
    });
}

/// `6m0s`, `1.5s`, `17ms`: as OpenAI writes it.
fn duration(span: Duration) -> String {
    let millis = span.as_nanos().div_ceil(1_000_000);
    let (secs, rest) = (millis / 1_000, millis % 1_000);
    let seconds = match rest {
        0 => format!("{}s", secs % 60),
        rest => {
            format!("{}.{rest:03}", secs % 60)
                .trim_end_matches('0')
                .to_owned()
                + "s"
        }
    };
    match (secs / 3_600, secs / 60 % 60) {
        (0, 0) if secs == 0 && rest > 0 => format!("{rest}ms"),
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// RFC 3339 in UTC, whole seconds, rounded up.
fn instant(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let secs = since.as_secs() + u64::from(since.subsec_nanos() > 0);
    i64::try_from(secs)
        .ok()
        .and_then(|secs| jiff::Timestamp::from_second(secs).ok())
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

#[cfg(test)]
mod tests {
    use aegis_core::Peer;

    use super::*;

    #[test]
    fn durations_are_written_as_openai_does() {
        for (millis, text) in [
            (0, "0s"),
            (17, "17ms"),
            (1_000, "1s"),
            (8_640, "8.64s"),
            (60_000, "1m0s"),
            (360_000, "6m0s"),
            (3_661_001, "1h1m1.001s"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(duration(Duration::from_nanos(1)), "1ms");
    }

    #[test]
    fn instants_are_rfc_3339() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_714_564_799_001);
        assert_eq!(instant(at), "2024-05-01T12:00:00Z");
    }

    #[test]
    fn the_tightest_limit_is_told_once() {
        let exchange = Exchange::new(Peer { address: None }, None, "".into());
        let standing = |limit, remaining| Standing {
            limit,
            remaining,
            reset: Duration::from_secs(1),
        };
        let both = [standing(100, 7), standing(10, 9)];
        note(
            &exchange,
            Api::Openai,
            Unit::Requests,
            [both[1]].into_iter(),
        );
        note(&exchange, Api::Openai, Unit::Requests, both.into_iter());
        let headers = exchange.trail().reply_headers;
        let shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("x-ratelimit-limit-requests", "100"),
                ("x-ratelimit-remaining-requests", "7"),
                ("x-ratelimit-reset-requests", "1s"),
            ]
        );
    }
}

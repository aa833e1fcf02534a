//! Quantities as policies write them: `64KiB`, `15m`, `60/m`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A size in bytes: `512B`, `64KiB`, `10MiB`, `1GiB`; kB and MB are powers of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

/// A length of time: `250ms`, `30s`, `15m`, `24h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A count per time: `10/s`, `60/m`, `100k/m`, `5M/d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In what time.
    pub per: Duration,
}

/// Splits `64KiB` into 64 and `KiB`.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim()))
}

impl FromStr for ByteSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a size such as 64KiB, 10MiB or 512B";
        let (number, unit) = number_and_unit(text).ok_or(EXPECTED)?;
        let factor: u64 = match unit {
            "B" | "" => 1,
            "kB" => 1_000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            "GB" => 1_000_000_000,
            "GiB" => 1 << 30,
            _ => return Err(EXPECTED),
        };
        let bytes = number.checked_mul(factor).ok_or(EXPECTED)?;
        usize::try_from(bytes).map(Self).map_err(|_| EXPECTED)
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a length of time such as 250ms, 30s, 15m, 24h or 7d";
        let (number, unit) = number_and_unit(text).ok_or(EXPECTED)?;
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(EXPECTED),
        };
        let millis = number.checked_mul(millis).ok_or(EXPECTED)?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a rate such as 10/s, 60/m, 100k/m or 5M/d";
        let (count, per) = text.split_once('/').ok_or(EXPECTED)?;
        let (number, unit) = number_and_unit(count).ok_or(EXPECTED)?;
        let factor: u64 = match unit {
            "" => 1,
            "k" => 1_000,
            "M" => 1_000_000,
            _ => return Err(EXPECTED),
        };
        let per = match per.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(EXPECTED),
        };
        match number.checked_mul(factor) {
            Some(count) if count > 0 => Ok(Self {
                count,
                per: Duration::from_secs(per),
            }),
            _ => Err(EXPECTED),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0.as_millis())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "m",
            3_600 => "h",
            _ => "d",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

macro_rules! text_unit {
    ($name:ident, $title:literal, $pattern:literal, $example:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse()
                    .map_err(|expected| de::Error::custom(format!("`{text}` is not {expected}")))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "title": $title, "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

text_unit!(
    ByteSize,
    "Size in bytes",
    "^[0-9]+ *(B|kB|KiB|MB|MiB|GB|GiB)?$",
    "64KiB"
);
text_unit!(Span, "Length of time", "^[0-9]+ *(ms|s|m|h|d)$", "15m");
text_unit!(
    Rate,
    "Count per time",
    "^[0-9]+ *(k|M)?/ *(s|m|h|d)$",
    "60/m"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_as_written() {
        assert_eq!("64KiB".parse(), Ok(ByteSize(65_536)));
        assert_eq!("15m".parse(), Ok(Span(Duration::from_secs(900))));
        assert_eq!(
            "100k/m".parse(),
            Ok(Rate {
                count: 100_000,
                per: Duration::from_secs(60)
            })
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "KiB", "-1s", "1 fortnight", "99999999999999999999s"] {
            assert!(
                text.parse::<ByteSize>().is_err() || text.parse::<Span>().is_err(),
                "{text}"
            );
        }
        for text in ["0/s", "60", "60/y", "/m", "k/m"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}

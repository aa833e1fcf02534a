//! Numbers that states give to people.

use aegis_core::Category;

use super::checksum::{digits, luhn, mod11};
use super::shape::at_digit;
use crate::redact::{Canon, Detector, Form, Left, Right};

/// What may stand between a context word and the number: `: `, ` is `, `#`, `" : "`.
macro_rules! after {
    ($word:literal, $number:literal) => {
        concat!(
            $word,
            "[\"']?[ :#=./-]{0,3}(?:(?i-u:is|no|number|num)[ :.]{1,2})?[\"']?",
            $number
        )
    };
}

const SSN: &str = "[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}|[0-8][0-9]{2} [0-9]{2} [0-9]{4}";
const SSN_NAMED: &str = after!(
    "(?:(?i-u:ssn|social[ _-]security(?:[ _-]n(?:umber|o|um))?)|사회보장번호)",
    "[0-8][0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{4}"
);

const EMIRATES_ID: &str = "784-?[12][0-9]{3}-?[0-9]{7}-?[0-9]|784 [12][0-9]{3} [0-9]{7} [0-9]";

const SAUDI_ID: &str = "[12][0-9]{9}";
const SAUDI_ID_NAMED: &str = after!(
    "(?:(?i-u:iqama|saudi(?: national)? id|national[ _-]id|muqeem)|(?:ال)?هوية(?: الوطنية)?|(?:ال)?[إا]قامة)",
    "[12][0-9]{9}"
);

const NHS: &str = "[0-9]{3} [0-9]{3} [0-9]{4}";
const NHS_NAMED: &str = after!(
    "(?i-u:nhs(?:[ _-]n(?:umber|o|um))?)",
    "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}"
);

const NINO: &str = "(?i-u:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])\
    (?: ?[0-9]{2}){3} ?(?i-u:[A-D])";

/// Prefixes that are never given (HMRC NIM39110).
const NINO_NOT_GIVEN: &[&str] = &["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"];

/// Unix times of 2014 to 2030: ten digits that are far more often a time than a Saudi number,
/// which begin with 10, 11 and 20 to 25.
const UNIX_TIMES: std::ops::RangeInclusive<&str> = "1400000000"..="1899999999";

/// US social security numbers: area, group and serial as they are given; without separators only
/// after a word that says so.
pub(super) fn ssn() -> Detector {
    Detector::new("ssn", Category::Pii, 42)
        .canon(Canon::Compact)
        .form(number(SSN).accept(is_ssn))
        .form(
            number(SSN_NAMED)
                .left(Left::Word)
                .accept(is_ssn)
                .lead(at_digit),
        )
}

/// Emirates ID: `784-YYYY-NNNNNNN-C` with its check digit, with or without separators.
pub(super) fn emirates_id() -> Detector {
    Detector::new("emirates_id", Category::Pii, 46)
        .canon(Canon::Compact)
        .form(number(EMIRATES_ID).accept(is_emirates_id))
}

/// Saudi national ID and Iqama numbers with their check digit; what may be a Unix time of these
/// years only after a word that says so.
pub(super) fn saudi_id() -> Detector {
    Detector::new("saudi_id", Category::Pii, 41)
        .canon(Canon::Compact)
        .form(number(SAUDI_ID).accept(is_saudi_id))
        .form(
            number(SAUDI_ID_NAMED)
                .left(Left::Word)
                .accept(is_named_saudi_id)
                .lead(at_digit),
        )
}

/// UK NHS numbers with their check digit: grouped `943 476 5919`, or after a word that says so.
pub(super) fn nhs() -> Detector {
    Detector::new("nhs", Category::Pii, 39)
        .canon(Canon::Compact)
        .form(number(NHS).accept(is_nhs))
        .form(
            number(NHS_NAMED)
                .left(Left::Word)
                .accept(is_nhs)
                .lead(at_digit),
        )
}

/// UK national insurance numbers: two letters that are given, six digits, A to D.
pub(super) fn nino() -> Detector {
    Detector::new("nino", Category::Pii, 43)
        .canon(Canon::Compact)
        .form(Form::new(NINO).accept(is_nino))
}

fn number(core: &'static str) -> Form {
    Form::new(core).left(Left::Group).right(Right::Group)
}

fn is_ssn(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let part = |range| digits.get(range).unwrap_or_default();
    !matches!(part(0..3), "000" | "666") && part(3..5) != "00" && part(5..9) != "0000"
        // Printed on sample cards; never anybody's.
        && !matches!(&*digits, "078051120" | "219099999")
}

fn is_emirates_id(text: &str) -> bool {
    let digits = digits(text);
    let year = digits.iter().skip(3).take(4);
    let year = year.fold(0, |year, &digit| year * 10 + u32::from(digit));
    (1900..=2099).contains(&year) && luhn(&digits)
}

fn is_saudi_id(text: &str) -> bool {
    !UNIX_TIMES.contains(&text) && is_named_saudi_id(text)
}

fn is_named_saudi_id(text: &str) -> bool {
    let digits = digits(text);
    super::shape::distinct(text.get(at_digit(text)..).unwrap_or_default()) > 2 && luhn(&digits)
}

fn is_nhs(text: &str) -> bool {
    let digits = digits(text);
    digits.iter().any(|digit| Some(digit) != digits.first()) && mod11(&digits)
}

fn is_nino(text: &str) -> bool {
    let prefix = text.get(..2).unwrap_or_default().to_ascii_uppercase();
    !NINO_NOT_GIVEN.contains(&&*prefix)
}

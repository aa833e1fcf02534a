//! Payment cards and bank accounts.

use aegis_core::Category;

use super::checksum::{digits, luhn, mod97};
use super::shape::Groups;
use crate::redact::{Canon, Detector, Form, Left, Right};

const CARD: &str = "[1-9](?:[ -]?[0-9]){11,18}";

const IBAN: &str = "[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?";

/// Issuer ranges in use: first and last prefix (of equal length), least and most digits.
const ISSUERS: &[(&str, &str, usize, usize)] = &[
    ("4", "4", 13, 13),       // Visa, old
    ("4", "4", 16, 16),       // Visa
    ("4", "4", 19, 19),       // Visa
    ("51", "55", 16, 16),     // Mastercard
    ("2221", "2720", 16, 16), // Mastercard
    ("2200", "2204", 16, 19), // Mir
    ("34", "34", 15, 15),     // American Express
    ("37", "37", 15, 15),     // American Express
    ("300", "305", 14, 14),   // Diners Club
    ("300", "305", 16, 16),   // Diners Club
    ("36", "36", 14, 16),     // Diners Club
    ("38", "39", 14, 16),     // Diners Club
    ("35", "35", 16, 19),     // JCB
    ("1800", "1800", 15, 15), // JCB, old
    ("2131", "2131", 15, 15), // JCB, old
    ("60", "60", 16, 19),     // Discover, RuPay, Hipercard
    ("636", "636", 16, 19),   // InterPayment
    ("644", "659", 16, 19),   // Discover, RuPay, Verve
    ("62", "62", 16, 19),     // UnionPay
    ("81", "82", 16, 19),     // UnionPay, RuPay
    ("50", "50", 12, 19),     // Maestro, RuPay, Verve
    ("56", "58", 12, 19),     // Maestro
    ("6304", "6304", 12, 19), // Maestro
    ("6390", "6390", 12, 19), // Maestro
    ("67", "67", 12, 19),     // Maestro
    ("9792", "9792", 16, 16), // Troy
];

/// Countries with their IBAN length (SWIFT IBAN registry).
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

/// Payment card numbers: 12 to 19 digits of an issuer in use, with their check digit; together, in
/// groups of at least three, or one by one.
pub(super) fn card() -> Detector {
    Detector::new("card", Category::Pii, 44)
        .canon(Canon::Compact)
        .form(
            Form::new(CARD)
                .left(Left::Number)
                .right(Right::Number)
                .accept(is_card),
        )
}

/// International bank account numbers: country, length and check digits.
pub(super) fn iban() -> Detector {
    Detector::new("iban", Category::Pii, 45)
        .canon(Canon::Compact)
        .form(Form::new(IBAN).accept(is_iban))
}

fn is_card(text: &str) -> bool {
    let digits = digits(text);
    let issued = ISSUERS.iter().any(|&(first, last, min, max)| {
        let prefix = text.bytes().filter(u8::is_ascii_digit).take(first.len());
        (min..=max).contains(&digits.len())
            && prefix.clone().ge(first.bytes())
            && prefix.le(last.bytes())
    });
    issued && is_grouped(text) && luhn(&digits)
}

fn is_grouped(text: &str) -> bool {
    let lens = Groups::of(text).lens;
    let Some((last, rest)) = lens.split_last() else {
        return false;
    };
    rest.iter().all(|&len| len >= 3) || (*last == 1 && rest.iter().all(|&len| len == 1))
}

fn is_iban(text: &str) -> bool {
    let marks = text.bytes().filter(u8::is_ascii_alphanumeric).count();
    let country = text.get(..2).unwrap_or_default().to_ascii_uppercase();
    IBAN_LENGTHS.contains(&(&*country, marks)) && mod97(text)
}

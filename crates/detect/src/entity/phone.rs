//! Telephone numbers.
//!
//! A number is one by its form: a `+` or `00` with a country code, brackets or a trunk zero with
//! groups, three groups of 3, 3 and 4 digits, or a word beside it. Plain runs of digits are none;
//! nor are dates, times, versions, amounts, or parts of longer numbers.

use aegis_core::Category;

use super::checksum::digits;
use super::shape::{Groups, at_number};
use crate::redact::{Canon, Detector, Form, Left, Right};

/// An extension behind a number.
macro_rules! extended {
    ($number:literal) => {
        concat!($number, "(?: ?(?i-u:x|ext\\.?) ?[0-9]{1,5})?")
    };
}

/// `+44 (0)20 7946 0958`, `(+971) 50-123-4567`.
const INTERNATIONAL: &str = extended!("\\(?\\+ ?\\(?[1-9](?:[ ()./-]{0,3}[0-9]){6,14}");

/// `00971 50 123 4567`.
const WITH_ZEROS: &str = extended!("00[1-9](?:[ ()./-]{0,3}[0-9]){7,14}");

/// `(415) 555-2671`, `415-555-2671`, `1-800-555-0199`, `415.555.2671`, `415 555 2671`.
const THREE_GROUPS: &str =
    extended!("(?:1[ .-])?(?:\\([0-9]{3}\\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}");

/// `020 7946 0958`, `(030) 123456`, `050-123 4567`, `0 532 123 45 67`.
const WITH_TRUNK_ZERO: &str = "(?:0[1-9][0-9]{0,3}|\\(0[1-9][0-9]{0,4}\\)|0 \\(?[1-9][0-9]{2}\\)?[ -])\
    (?: [/-] |[ ./-]{0,2})[0-9](?:[ .-]?[0-9]){4,9}";

/// `01 23 45 67 89`, `532 123 45 67`.
const IN_PAIRS: &str = "0[1-9](?: [0-9]{2}){4}|0[1-9](?:\\.[0-9]{2}){4}|0[1-9](?:-[0-9]{2}){4}\
    |[1-9][0-9]{2} [0-9]{3} [0-9]{2} [0-9]{2}";

/// `(11) 4706-6184`.
const WITH_AREA: &str = "\\([1-9][0-9]{1,3}\\) ?[0-9]{3,5}[ -][0-9]{3,4}";

/// `Phone: 5321234567`, `手机号13812345678`, `جوال 0501234567`.
const NAMED: &str = "(?:(?i-u:(?:tele)?phone|mobile|telefon(?:e|o|en)?|telefoon|tel|cell|celular|cellulare|whatsapp|\
    fax|call(?: (?:me|us|him|her))?(?: (?:at|on))?|cep)(?i-u:[ _-]?(?:number|num|no))?|t[ée]l[ée](?:phone|fono)|тел(?:ефон)?|\
    手机号?码?|电话号?码?|電話番?号?|전화(?:번호)?|(?:ال)?هاتف|(?:ال)?جوال|(?:ال)?موبايل|تلفن|موبایل)\
    [\"']?\\.?[ :：=#\n]{0,3}(?:is )?[\"']?[(]?[0-9](?:[ ()./-]{0,2}[0-9]){6,14}";

/// Country calling codes with the least and most digits of a whole number.
const COUNTRIES: &[(&str, usize, usize)] = &[
    ("1", 11, 11),
    ("7", 11, 11),
    ("20", 10, 12),
    ("27", 11, 11),
    ("30", 10, 12),
    ("31", 10, 12),
    ("32", 10, 11),
    ("33", 11, 11),
    ("34", 11, 11),
    ("36", 10, 11),
    ("39", 8, 13),
    ("40", 11, 11),
    ("41", 11, 11),
    ("43", 8, 15),
    ("44", 11, 12),
    ("45", 10, 10),
    ("46", 9, 12),
    ("47", 10, 10),
    ("48", 11, 11),
    ("49", 9, 14),
    ("52", 12, 13),
    ("55", 12, 13),
    ("60", 10, 12),
    ("61", 11, 11),
    ("62", 10, 14),
    ("63", 11, 12),
    ("64", 10, 12),
    ("65", 10, 10),
    ("66", 10, 11),
    ("81", 11, 12),
    ("82", 10, 12),
    ("84", 11, 12),
    ("86", 12, 13),
    ("90", 12, 12),
    ("91", 12, 12),
    ("92", 11, 12),
    ("351", 12, 12),
    ("353", 10, 12),
    ("358", 8, 13),
    ("852", 11, 11),
    ("886", 11, 12),
    ("961", 10, 11),
    ("962", 11, 12),
    ("965", 11, 11),
    ("966", 12, 12),
    ("968", 11, 11),
    ("971", 11, 12),
    ("972", 11, 12),
    ("973", 11, 11),
    ("974", 11, 11),
];

/// The other calling codes that are given: two digits, and the first two of three.
const CODES_OF_TWO: &[&str] = &["51", "53", "54", "56", "57", "58", "93", "94", "95", "98"];
const CODES_OF_THREE: &[&str] = &[
    "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69",
    "80", "85", "87", "88", "96", "97", "99",
];

/// What may stand between two digits of a number.
const GAPS: &[&str] = &[
    "", " ", "-", ".", "/", " (", ") ", ")", "(", ")-", " - ", " / ", "/ ", " /", ") / ", ")/",
    ". ",
];

/// Telephone numbers.
pub(super) fn phone() -> Detector {
    let grouped = |core| Form::new(core).left(Left::Group).right(Right::Group);
    let named = Form::new(NAMED).right(Right::Group);
    Detector::new("phone", Category::Pii, 30)
        .canon(Canon::Compact)
        .form(
            Form::new(INTERNATIONAL)
                .right(Right::Group)
                .accept(is_international),
        )
        .form(grouped(WITH_ZEROS).accept(is_international_with_zeros))
        .form(grouped(THREE_GROUPS).accept(is_three_groups))
        .form(grouped(WITH_TRUNK_ZERO).accept(is_national))
        .form(grouped(WITH_AREA))
        .form(grouped(IN_PAIRS).right(Right::Row))
        .form(named.accept(is_named).lead(at_number))
}

/// The number without its extension.
fn number(text: &str) -> &str {
    let end = text.find(|c: char| c.is_ascii_alphabetic());
    end.map_or(text, |end| text.get(..end).unwrap_or_default())
}

/// Whether the gaps are those of a telephone number, dots not mixed with dashes.
fn is_spaced(groups: &Groups<'_>) -> bool {
    let known = groups.gaps.iter().all(|gap| GAPS.contains(gap));
    let has = |mark| groups.gaps.iter().any(|gap| gap.contains(mark));
    known && !(has('.') && (has('-') || has('/') || has(' ')))
}

/// Whether `digits` begin with a calling code that is given, and are as many as it says; `None`
/// if the code is given and its lengths are not known.
fn fits_country(digits: &str) -> Option<bool> {
    let known = COUNTRIES.iter().find(|(code, ..)| digits.starts_with(code));
    match known {
        Some((_, min, max)) => Some((*min..=*max).contains(&digits.len())),
        None => {
            let head = digits.get(..2).unwrap_or_default();
            let given = CODES_OF_TWO.contains(&head) || CODES_OF_THREE.contains(&head);
            (!given).then_some(false)
        }
    }
}

fn is_international(text: &str) -> bool {
    let text = number(text);
    let groups = Groups::of(text);
    let plain: String = text
        .replace("(0)", "")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let enough = if groups.gaps.is_empty() { 10 } else { 8 };
    (enough..=15).contains(&plain.len())
        && is_spaced(&groups)
        && fits_country(&plain).unwrap_or(true)
}

fn is_international_with_zeros(text: &str) -> bool {
    let text = number(text);
    let groups = Groups::of(text);
    let plain: String = text.chars().filter(char::is_ascii_digit).skip(2).collect();
    // Numbers padded with zeros look the same: only a known length tells.
    is_spaced(&groups) && plain.len() >= 10 && fits_country(&plain) == Some(true)
}

/// Brackets say enough; dashes do with an area code that may be given (or 123, as in examples);
/// dots and spaces only with area and exchange codes by the rules of the plan.
fn is_three_groups(text: &str) -> bool {
    let text = number(text);
    let groups = Groups::of(text);
    let all = digits(text);
    let area = all.len().saturating_sub(10);
    let at = |index: usize| all.get(index).copied().unwrap_or(0);
    let given = |from: usize| at(from) >= 2 && !(at(from + 1) == 1 && at(from + 2) == 1);
    let varied = all.iter().skip(area).any(|&digit| digit != at(area));
    if text.contains('(') {
        return varied;
    }
    let dashed = groups.gaps.contains(&"-");
    let sample = all
        .get(area..)
        .is_some_and(|all| all.starts_with(&[1, 2, 3]));
    let planned = given(area) && at(area + 1) != 9 && given(area + 3);
    varied && groups.uniform() && (planned || dashed && (at(area) >= 2 || sample))
}

fn is_national(text: &str) -> bool {
    let groups = Groups::of(text);
    let (lens, gaps) = (&*groups.lens, &*groups.gaps);
    let count: usize = lens.iter().sum();
    let rest = lens.get(1..).unwrap_or_default();
    // Lists of numbers, pairs (a form of their own), US postcodes, part numbers.
    let list = lens.iter().all(|&len| len == 3) && gaps.contains(&" ");
    let other = list || rest.iter().all(|&len| len == 2) && lens.starts_with(&[2]);
    let other = other || (lens == [5, 4] && gaps == ["-"]) || lens.starts_with(&[6]);
    (9..=12).contains(&count)
        && !rest.is_empty()
        && is_spaced(&groups)
        && !is_date(&groups)
        && !other
        && rest.iter().all(|&len| len >= 2)
}

/// Whether the groups begin like a date: two, two and four digits.
fn is_date(groups: &Groups<'_>) -> bool {
    groups.lens.starts_with(&[2, 2, 4])
}

fn is_named(text: &str) -> bool {
    let number = text.get(at_number(text)..).unwrap_or_default();
    let groups = Groups::of(number);
    let count: usize = groups.lens.iter().sum();
    let dated = is_date(&groups) || groups.lens.starts_with(&[4, 2, 2]);
    let fraction = groups.gaps.as_slice() == ["."];
    !fraction && (7..=15).contains(&count) && is_spaced(&groups) && !dated
}

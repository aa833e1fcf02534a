//! Check digits.

use smallvec::SmallVec;

/// The ASCII digits of a text, as numbers.
pub(super) type Digits = SmallVec<[u8; 24]>;

/// The ASCII digits of `text`.
pub(super) fn digits(text: &str) -> Digits {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    digits.map(|byte| byte - b'0').collect()
}

/// Whether the last digit is the check digit of the others by Luhn's rule (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| {
            let digit = u32::from(digit);
            match at % 2 {
                0 => digit,
                _ => digit * 2 - if digit > 4 { 9 } else { 0 },
            }
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Whether `text` (letters and digits; others are skipped) leaves 1 modulo 97 with its first four
/// characters moved to the end and letters counted from 10 (ISO 7064 MOD 97-10, ISO 13616).
pub(super) fn mod97(text: &str) -> bool {
    let marks = text.chars().filter_map(|c| c.to_digit(36));
    let moved = marks.clone().skip(4).chain(marks.take(4));
    let rest = moved.fold(0, |sum, mark| {
        (sum * if mark > 9 { 100 } else { 10 } + mark) % 97
    });
    rest == 1
}

/// Whether the tenth digit checks the other nine, weighted 10 to 2 (NHS data dictionary).
pub(super) fn mod11(digits: &[u8]) -> bool {
    let Some((&check, rest)) = digits.split_last() else {
        return false;
    };
    let weighted = rest.iter().zip((2..=10_u32).rev());
    let sum: u32 = weighted
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum();
    // 10 is no digit: such numbers are not issued.
    digits.len() == 10 && (11 - sum % 11) % 11 == u32::from(check)
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a slip fails the test")]
mod tests {
    use super::*;

    #[test]
    fn luhn_knows_its_vectors() {
        for valid in [
            "4111111111111111",
            "5555555555554444",
            "378282246310005",
            "6011111111111117",
            "3530111333300000",
            "30569309025904",
            "79927398713",
        ] {
            assert!(luhn(&digits(valid)), "{valid}");
            let last = valid.chars().last().and_then(|c| c.to_digit(10)).unwrap();
            for other in (0..10).filter(|&other| other != last) {
                let wrong = format!("{}{other}", &valid[..valid.len() - 1]);
                assert!(!luhn(&digits(&wrong)), "{wrong}");
            }
        }
        assert!(!luhn(&[]));
    }

    #[test]
    fn mod97_knows_its_vectors() {
        for valid in [
            "GB82 WEST 1234 5698 7654 32",
            "DE89370400440532013000",
            "AE070331234567890123456",
            "SA0380000000608010167519",
            "FR1420041010050500013M02606",
            "NO9386011117947",
        ] {
            assert!(mod97(valid), "{valid}");
            assert!(!mod97(&valid.replacen(['2', '7'], "1", 1)), "{valid}");
        }
        assert!(!mod97("") && !mod97("GB8"));
    }

    #[test]
    fn mod11_knows_its_vectors() {
        for valid in ["9434765919", "4010232137", "2213951837", "0032698674"] {
            assert!(mod11(&digits(valid)), "{valid}");
        }
        for wrong in ["9434765918", "943476591", "94347659190", "1234567890"] {
            assert!(!mod11(&digits(wrong)), "{wrong}");
        }
    }
}

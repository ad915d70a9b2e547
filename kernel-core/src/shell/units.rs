//! Amounts as they are typed: durations, sizes, lists of numbers.

use crate::mem::FRAME_SIZE;

/// Splits `1.5ms` into a number of thousandths and the unit.
fn thousandths(word: &str) -> Option<(u64, &str)> {
    let end = word.find(|c: char| c != '.' && !c.is_ascii_digit());
    let (number, unit) = word.split_at(end.unwrap_or(word.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 3 || (number.contains('.') && fraction.is_empty()) {
        return None;
    }
    let mut thousandths = whole.parse::<u64>().ok()?.checked_mul(1000)?;
    let mut weight = 100;
    for digit in fraction.bytes() {
        thousandths += weight * u64::from(digit.checked_sub(b'0')?);
        weight /= 10;
    }
    Some((thousandths, unit))
}

/// Nanoseconds: a number with up to three decimals and `ns`, `us`, `ms`, `s`, `m`, `h` or `d`; seconds
/// without a unit. At most a hundred years.
pub(super) fn duration(word: &str) -> Option<u64> {
    let (thousandths, unit) = thousandths(word)?;
    let nanoseconds: u64 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "" | "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    };
    let duration = u128::from(thousandths) * u128::from(nanoseconds) / 1000;
    const CENTURY: u128 = 36_525 * 86_400_000_000_000;
    (duration <= CENTURY).then_some(duration as u64)
}

/// Pages that so many bytes need: a number with up to three decimals and `k`, `M` or `G`; bytes without
/// a unit.
pub(super) fn pages(word: &str) -> Option<u32> {
    let (thousandths, unit) = thousandths(word)?;
    let bytes: u64 = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" | "m" => 1 << 20,
        "G" | "g" => 1 << 30,
        _ => return None,
    };
    let bytes = u128::from(thousandths) * u128::from(bytes) / 1000;
    u32::try_from(bytes.div_ceil(FRAME_SIZE as u128)).ok()
}

/// The bits of a list like `0-2,5`; numbers are below `end`. Empty is no list.
pub(super) fn mask(word: &str, end: u32) -> Option<u32> {
    let mut mask = 0;
    for part in word.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= end.min(32) {
            return None;
        }
        for number in first..=last {
            mask |= 1 << number;
        }
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (word, expected) in [
            ("1", Some(1_000_000_000)),
            ("0", Some(0)),
            ("1.5", Some(1_500_000_000)),
            ("0.25ms", Some(250_000)),
            ("100us", Some(100_000)),
            ("1.001ns", Some(1)),
            ("2m", Some(120_000_000_000)),
            ("1h", Some(3_600_000_000_000)),
            ("36525d", Some(3_155_760_000_000_000_000)),
            ("36526d", None),
            ("99999999999999999999", None),
            ("18446744073709551", None),
            ("1.", None),
            (".5", None),
            ("1.2.3", None),
            ("1.2345", None),
            ("", None),
            ("-1", None),
            ("1x", None),
            ("ms", None),
        ] {
            assert_eq!(duration(word), expected, "{word}");
        }
    }

    #[test]
    fn sizes() {
        for (word, expected) in [
            ("1", Some(1)),
            ("4096", Some(1)),
            ("4097", Some(2)),
            ("1.5M", Some(384)),
            ("64k", Some(16)),
            ("1G", Some(262_144)),
            ("16384G", None),
            ("0", Some(0)),
            ("1T", None),
        ] {
            assert_eq!(pages(word), expected, "{word}");
        }
    }

    #[test]
    fn lists() {
        assert_eq!(mask("0", 2), Some(1));
        assert_eq!(mask("0-2,5", 8), Some(0b10_0111));
        for word in ["", "2", "1-0", "0,", "-1", "a", "0-99999999999"] {
            assert_eq!(mask(word, 2), None, "{word}");
        }
    }
}

//! Disk sizes in the format of Proxmox.

const UNITS: [(char, u64); 4] = [
    ('K', 1 << 10),
    ('M', 1 << 20),
    ('G', 1 << 30),
    ('T', 1 << 40),
];

/// Formats bytes with the largest unit that yields an integer. Zero is `0T`, as observed.
pub(crate) fn format(bytes: u64) -> String {
    let unit = UNITS
        .iter()
        .rev()
        .find(|(_, size)| bytes.is_multiple_of(*size));
    match unit {
        Some((letter, size)) => format!("{}{letter}", bytes / size),
        None => bytes.to_string(),
    }
}

/// Parses `8G`, `512M`, `1.5G`, `4096` and so on to bytes.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let text = text.strip_suffix("iB").unwrap_or(text);
    let (number, factor) = match text.chars().last() {
        Some(last) if last.is_ascii_alphabetic() => {
            let (_, factor) = UNITS.iter().find(|(letter, _)| *letter == last)?;
            (text.strip_suffix(last)?, *factor)
        }
        _ => (text, 1),
    };
    scale(number, factor)
}

/// `number` × `factor`, where the number may have a fraction.
pub(crate) fn scale(number: &str, factor: u64) -> Option<u64> {
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let fraction: f64 = number.parse().ok()?;
    let bytes = fraction * factor as f64;
    (bytes.is_finite() && bytes >= 0.0).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_formatted_with_largest_integer_unit() {
        assert_eq!(format(1 << 30), "1G");
        assert_eq!(format(512 << 20), "512M");
        assert_eq!(format(0), "0T");
        assert_eq!(format(1000), "1000");
    }

    #[test]
    fn sizes_are_parsed_with_and_without_units() {
        assert_eq!(parse("8G"), Some(8 << 30));
        assert_eq!(parse("1.5G"), Some(3 << 29));
        assert_eq!(parse("4096"), Some(4096));
        assert_eq!(parse("1X"), None);
        assert_eq!(parse(""), None);
    }
}

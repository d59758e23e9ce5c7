//! Cores, memory, disk and bytes.

use std::sync::LazyLock;

use model::sizes::{Bytes, Cores, DiskGib, MemoryMib};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use regex::Regex;

use crate::{grammar, round_trip, texts};

static AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    grammar(
        r"(?i-u)(?<whole>0|[1-9][0-9]*)(\.(?<part>[0-9]{1,19}))?[ \t\n\r\x0C]*(?<unit>|[mgt](ib)?)",
    )
});

/// The MiB of an amount, computed with 128-bit integers; `None` unless whole.
fn mib(text: &str, bare: u128) -> Option<u128> {
    let captures = AMOUNT.captures(text)?;
    let unit = match captures["unit"]
        .bytes()
        .next()
        .map(|b| b.to_ascii_lowercase())
    {
        None => bare,
        Some(b'm') => 1,
        Some(b'g') => 1 << 10,
        Some(_) => 1 << 20,
    };
    let whole: u128 = captures["whole"].parse().ok()?;
    let part = captures.name("part").map_or("", |part| part.as_str());
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let part: u128 = if part.is_empty() {
        0
    } else {
        part.parse().ok()?
    };
    let parts = (whole.checked_mul(scale)? + part).checked_mul(unit)?;
    (parts % scale == 0).then_some(parts / scale)
}

proptest! {
    #[test]
    fn memory_is_whole_mib(text in texts(r"[1-9][0-9]{0,6}(\.[05]{1,3})?[ ]?(|[MGTmgt](i[Bb])?)", "[0-9.MGTiB +-]{1,9}")) {
        let expected = mib(text.trim_ascii(), 1).filter(|n| (64..=1 << 20).contains(n));
        let parsed = text.parse::<MemoryMib>();
        prop_assert_eq!(parsed.as_ref().ok().map(|m| u128::from(m.get())), expected, "{:?}", text);
        if let Ok(memory) = parsed {
            round_trip(&memory)?;
        }
    }

    #[test]
    fn disk_is_whole_gib(text in texts(r"[1-9][0-9]{0,4}(\.[05]{1,3})?[ ]?(|[MGTmgt](i[Bb])?)", "[0-9.MGTiB +-]{1,9}")) {
        let expected = mib(text.trim_ascii(), 1 << 10)
            .filter(|n| n % 1024 == 0)
            .map(|n| n / 1024)
            .filter(|n| (1..=16_384).contains(n));
        let parsed = text.parse::<DiskGib>();
        prop_assert_eq!(parsed.as_ref().ok().map(|d| u128::from(d.get())), expected, "{:?}", text);
        if let Ok(disk) = parsed {
            round_trip(&disk)?;
        }
    }

    #[test]
    fn sizes_round_trip_through_text(mib in 64_u32..=1 << 20, gib in 1_u32..=16_384, n in 1_u32..=128) {
        round_trip(&MemoryMib::try_from(mib).unwrap())?;
        round_trip(&DiskGib::try_from(gib).unwrap())?;
        round_trip(&Cores::try_from(n).unwrap())?;
    }

    #[test]
    fn cores_have_digits_only(text in texts("[1-9][0-9]{0,2}", "[0-9+. -]{1,5}")) {
        let expected = (1..=128_u32).find(|n| n.to_string() == text.trim_ascii());
        prop_assert_eq!(text.parse::<Cores>().ok().map(Cores::get), expected);
    }

    #[test]
    fn displayed_bytes_are_within_a_twentieth_of_the_unit(n in any::<u64>(), shift in 0_u32..64) {
        let n = n >> shift;
        let shown = Bytes(n).to_string();
        let (number, unit) = shown.split_once(' ').unwrap();
        let exponent = ["B", "KiB", "MiB", "GiB", "TiB"].iter().position(|u| *u == unit).unwrap();
        let number: f64 = number.parse().unwrap();
        prop_assert!(number < 1024.0 || unit == "TiB", "{}", shown);
        prop_assert!(number >= 1.0 || n == 0, "{}", shown);
        let exact = n as f64 / 1024_f64.powi(exponent as i32);
        prop_assert!((number - exact).abs() <= 0.050_001, "{} for {}", shown, n);
    }
}

#[test]
fn memory_size_parses_units_and_rejects_values_out_of_bounds() {
    for (text, mib, shown) in [
        ("512", 512, "512 MiB"),
        ("512M", 512, "512 MiB"),
        (" 2G ", 2048, "2 GiB"),
        ("1.5 GiB", 1536, "1536 MiB"),
        ("0.5g", 512, "512 MiB"),
        ("64", 64, "64 MiB"),
        ("1T", 1 << 20, "1 TiB"),
    ] {
        let memory: MemoryMib = text.parse().unwrap();
        assert_eq!(
            (memory.get(), memory.to_string().as_str()),
            (mib, shown),
            "for {text:?}"
        );
    }
    for bad in [
        "",
        "63",
        "1048577",
        "1.1G",
        "2GB",
        "2 MB",
        "1,5G",
        "1.G",
        ".5G",
        "-512",
        "1e3",
        "G",
        "99999999999999999999T",
    ] {
        assert!(bad.parse::<MemoryMib>().is_err(), "{bad:?} was accepted");
    }
    assert!(serde_json::from_str::<MemoryMib>("63").is_err());
    assert_eq!(
        serde_json::to_string(&MemoryMib::try_from(512).unwrap()).unwrap(),
        "512"
    );
}

#[test]
fn disk_size_parses_units_and_rejects_values_out_of_bounds() {
    for (text, gib, shown) in [
        ("8", 8, "8 GiB"),
        ("8G", 8, "8 GiB"),
        ("2048 MiB", 2, "2 GiB"),
        ("1T", 1024, "1 TiB"),
        ("1.5T", 1536, "1536 GiB"),
        ("16T", 16_384, "16 TiB"),
    ] {
        let disk: DiskGib = text.parse().unwrap();
        assert_eq!(
            (disk.get(), disk.to_string().as_str()),
            (gib, shown),
            "for {text:?}"
        );
    }
    for bad in ["", "0", "512M", "1.5", "16385", "17T", "8 bytes"] {
        assert!(bad.parse::<DiskGib>().is_err(), "{bad:?} was accepted");
    }
    assert!(serde_json::from_str::<DiskGib>("0").is_err());
}

#[test]
fn bytes_are_displayed_with_binary_units() {
    for (n, shown) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - 1, "1 MiB"),
        (5 << 30, "5 GiB"),
        (3 << 39, "1.5 TiB"),
        (u64::MAX, "16777216 TiB"),
    ] {
        assert_eq!(Bytes(n).to_string(), shown);
    }
}

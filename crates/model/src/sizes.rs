//! Amounts: CPU cores, memory, disk, bytes. Binary units throughout, because Proxmox VE counts
//! memory in MiB and disks in GiB. Must not know the limits of users.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// Common methods and conversions of a tuple struct around an integer within bounds.
macro_rules! number_value {
    ($name:ident, $int:ty, $bounds:expr, $sentence:literal) => {
        impl $name {
            /// The number.
            pub fn get(self) -> $int {
                self.0
            }

            fn invalid() -> $crate::error::Invalid {
                $crate::error::Invalid::new($sentence)
            }
        }

        impl TryFrom<$int> for $name {
            type Error = $crate::error::Invalid;

            fn try_from(number: $int) -> Result<Self, Self::Error> {
                if ($bounds).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(Self::invalid())
                }
            }
        }

        impl From<$name> for $int {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}
pub(crate) use number_value;

/// Parses a whole number of digits only: no sign, no leading zero.
pub(crate) fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// Parses amounts such as `512`, `512M` or `1.5 GiB` as MiB. A number without a unit counts in
/// units of `bare` MiB. `None` unless the amount is a whole number of MiB.
fn parse_mib(text: &str, bare: u64) -> Option<u64> {
    let text = text.trim_ascii();
    let number = text
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .trim_ascii_end();
    let unit = text.strip_prefix(number)?.trim_ascii_start();
    let unit_mib = match unit.to_ascii_lowercase().as_str() {
        "" => bare,
        "m" | "mib" => 1,
        "g" | "gib" => 1 << 10,
        "t" | "tib" => 1 << 20,
        _ => return None,
    };
    let Some((whole, fraction)) = number.split_once('.') else {
        return whole_number::<u64>(number)?.checked_mul(unit_mib);
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Integer arithmetic, so that 1.1 GiB is rejected rather than rounded.
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = whole_number::<u64>(whole)?
        .checked_mul(scale)?
        .checked_add(fraction.parse().ok()?)?
        .checked_mul(unit_mib)?;
    (parts % scale == 0).then_some(parts / scale)
}

/// Writes MiB in the largest unit that needs no fraction.
fn write_mib(f: &mut fmt::Formatter<'_>, mib: u64) -> fmt::Result {
    match mib {
        _ if mib.is_multiple_of(1 << 20) => write!(f, "{} TiB", mib >> 20),
        _ if mib.is_multiple_of(1 << 10) => write!(f, "{} GiB", mib >> 10),
        _ => write!(f, "{mib} MiB"),
    }
}

/// CPU cores of a container, 1 to 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Cores(u32);
number_value!(
    Cores,
    u32,
    1..=128,
    "Enter a whole number of cores from 1 to 128."
);

impl FromStr for Cores {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        whole_number::<u32>(text.trim_ascii())
            .ok_or_else(Self::invalid)?
            .try_into()
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Memory of a container in MiB: 64 MiB to 1 TiB. A number without a unit means MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MemoryMib(u32);
number_value!(
    MemoryMib,
    u32,
    64..=1 << 20,
    "Enter a size from 64 MiB to 1 TiB in whole MiB, such as 512 MiB or 2 GiB."
);

impl FromStr for MemoryMib {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mib = parse_mib(text, 1).and_then(|mib| u32::try_from(mib).ok());
        mib.ok_or_else(Self::invalid)?.try_into()
    }
}

impl fmt::Display for MemoryMib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_mib(f, self.0.into())
    }
}

/// Disk size of a container in GiB: 1 GiB to 16 TiB. A number without a unit means GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct DiskGib(u32);
number_value!(
    DiskGib,
    u32,
    1..=16_384,
    "Enter a size from 1 GiB to 16 TiB in whole GiB, such as 8 GiB."
);

impl FromStr for DiskGib {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let gib = parse_mib(text, 1 << 10)
            .filter(|mib| mib % (1 << 10) == 0)
            .and_then(|mib| u32::try_from(mib >> 10).ok());
        gib.ok_or_else(Self::invalid)?.try_into()
    }
}

impl fmt::Display for DiskGib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_mib(f, u64::from(self.0) << 10)
    }
}

/// A number of bytes. Displayed with at most one decimal, so the text cannot be parsed back.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let tenths_of = |shift: u32| (u128::from(self.0) * 10 + (1 << (shift - 1))) >> shift;
        // The first unit in which the rounded number stays below 1024.
        let (unit, tenths) = [("KiB", 10), ("MiB", 20), ("GiB", 30)]
            .map(|(unit, shift)| (unit, tenths_of(shift)))
            .into_iter()
            .find(|(_, tenths)| *tenths < 10_240)
            .unwrap_or_else(|| ("TiB", tenths_of(40)));
        match tenths % 10 {
            0 => write!(f, "{} {unit}", tenths / 10),
            tenth => write!(f, "{}.{tenth} {unit}", tenths / 10),
        }
    }
}

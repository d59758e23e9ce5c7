//! The limits of a user's containers, and their usage.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    Error, Fields, Invalid,
    sizes::{Cores, DiskGib, MemoryMib},
};

/// The limits on a user's containers together; `None` means unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The number of containers.
    pub containers: Option<u32>,
    /// CPU cores in total.
    pub cores: Option<u32>,
    /// Memory in total, in MiB.
    pub memory_mib: Option<u32>,
    /// Disk in total, in GiB.
    pub disk_gib: Option<u32>,
}

/// The usage of a user's containers together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The number of containers.
    pub containers: u32,
    /// CPU cores in total.
    pub cores: u32,
    /// Memory in total, in MiB.
    pub memory_mib: u32,
    /// Disk in total, in GiB.
    pub disk_gib: u32,
}

impl Limits {
    /// The first limit that `usage` exceeds, as an error of its form field. The number of
    /// containers has no field.
    pub fn exceeded(&self, usage: &Usage) -> Option<Error> {
        let over = |limit: Option<u32>, used: u32| limit.filter(|limit| used > *limit);
        let at = |field: &str, message: String| Some(Error::invalid_field(field, message));
        if let Some(limit) = over(self.containers, usage.containers) {
            let noun = if limit == 1 {
                "container"
            } else {
                "containers"
            };
            return Some(Error::conflict(format!(
                "You have reached your limit of {limit} {noun}. Delete a container, or ask an administrator to raise the limit."
            )));
        }
        if let Some(limit) = over(self.cores, usage.cores) {
            let used = usage.cores;
            return at(
                "cores",
                format!("The total would be {used} cores; the limit is {limit}."),
            );
        }
        if let Some(limit) = over(self.memory_mib, usage.memory_mib) {
            let used = usage.memory_mib;
            return at(
                "memory",
                format!("The total would be {used} MiB; the limit is {limit} MiB."),
            );
        }
        let limit = over(self.disk_gib, usage.disk_gib)?;
        let used = usage.disk_gib;
        at(
            "disk",
            format!("The total would be {used} GiB; the limit is {limit} GiB."),
        )
    }
}

/// The fields of limits in a form. Empty fields mean no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitFields {
    /// The number of containers.
    #[serde(default)]
    pub containers: String,
    /// CPU cores in total.
    #[serde(default)]
    pub cores: String,
    /// Memory in total, such as `16 GiB`.
    #[serde(default)]
    pub memory: String,
    /// Disk in total, such as `100 GiB`.
    #[serde(default)]
    pub disk: String,
}

/// A limit of containers: a whole number from 0 to 100000.
struct Count(u32);

impl FromStr for Count {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.trim().parse() {
            Ok(count @ 0..=100_000) => Ok(Self(count)),
            _ => Err(Invalid::new(
                "Enter a whole number from 0 to 100000, or leave the field empty.",
            )),
        }
    }
}

impl LimitFields {
    /// Parses the fields; `None` if one of them is invalid.
    pub(crate) fn parse(&self, fields: &mut Fields) -> Option<Limits> {
        let containers = fields.optional::<Count>("containers", &self.containers);
        let cores = fields.optional::<Cores>("cores", &self.cores);
        let memory = fields.optional::<MemoryMib>("memory", &self.memory);
        let disk = fields.optional::<DiskGib>("disk", &self.disk);
        Some(Limits {
            containers: containers?.map(|count| count.0),
            cores: cores?.map(Cores::get),
            memory_mib: memory?.map(MemoryMib::get),
            disk_gib: disk?.map(DiskGib::get),
        })
    }
}

impl From<&Limits> for LimitFields {
    /// The limits as users type them: `4 GiB` and not `4096`.
    fn from(limits: &Limits) -> Self {
        let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let memory = limits.memory_mib.map(|mib| {
            MemoryMib::try_from(mib).map_or(mib.to_string(), |memory| memory.to_string())
        });
        let disk = limits
            .disk_gib
            .map(|gib| DiskGib::try_from(gib).map_or(gib.to_string(), |disk| disk.to_string()));
        Self {
            containers: number(limits.containers),
            cores: number(limits.cores),
            memory: memory.unwrap_or_default(),
            disk: disk.unwrap_or_default(),
        }
    }
}

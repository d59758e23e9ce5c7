//! Users: accounts, roles and limits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Error, FieldError, Fields, Invalid, Timestamp, UserId,
    names::{EmailAddress, Username},
    sizes::{Cores, DiskGib, MemoryMib},
    text::{Password, debug_only_fields},
};

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Own containers only, within limits.
    Member,
    /// All containers and the clusters under them; no users and no sites.
    Operator,
    /// Everything.
    Administrator,
}

impl Role {
    /// Every role, from least to most powerful.
    pub const ALL: [Self; 3] = [Self::Member, Self::Operator, Self::Administrator];

    /// The name in forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// Whether the role sees the containers and jobs of all users, and the clusters under them.
    pub fn can_see_all(self) -> bool {
        self >= Self::Operator
    }

    /// Whether the role manages users and sites.
    pub fn is_administrator(self) -> bool {
        self == Self::Administrator
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text.trim())
            .ok_or(Invalid::new("Enter member, operator or administrator."))
    }
}

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

/// A user, for lists and the user's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// The user.
    pub id: UserId,
    /// The username.
    pub name: Username,
    /// The email address.
    pub email: EmailAddress,
    /// The role.
    pub role: Role,
    /// The limits of the user's containers.
    pub limits: Limits,
    /// The usage of the user's containers.
    pub usage: Usage,
    /// When the user was created.
    pub created: Timestamp,
}

/// The desired state of a user, new or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpec {
    /// The username.
    pub name: Username,
    /// The email address.
    pub email: EmailAddress,
    /// The role.
    pub role: Role,
    /// The limits of the user's containers.
    pub limits: Limits,
    /// The new password; `None` keeps the stored one.
    pub password: Option<Password>,
}

/// The form of a user.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserForm {
    /// The username.
    pub name: String,
    /// The email address.
    pub email: String,
    /// `member`, `operator` or `administrator`.
    pub role: String,
    /// The password; on a change, empty keeps the stored one.
    #[serde(default)]
    pub password: String,
    /// The limit of containers; empty means none.
    #[serde(default)]
    pub containers: String,
    /// The limit of cores; empty means none.
    #[serde(default)]
    pub cores: String,
    /// The limit of memory; empty means none.
    #[serde(default)]
    pub memory: String,
    /// The limit of disk; empty means none.
    #[serde(default)]
    pub disk: String,
}

debug_only_fields!(UserForm { name, role });

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

impl UserForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<UserSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.add_error("name", "The name new is reserved. Enter another name.");
        }
        let email = fields.parse("email", &self.email);
        let role = fields.parse("role", &self.role);
        let password = if self.password.is_empty() {
            Some(None)
        } else {
            fields.parse("password", &self.password).map(Some)
        };
        let containers = fields.optional::<Count>("containers", &self.containers);
        let cores = fields.optional::<Cores>("cores", &self.cores);
        let memory = fields.optional::<MemoryMib>("memory", &self.memory);
        let disk = fields.optional::<DiskGib>("disk", &self.disk);
        let spec = (|| {
            let limits = Limits {
                containers: containers?.map(|c| c.0),
                cores: cores?.map(Cores::get),
                memory_mib: memory?.map(MemoryMib::get),
                disk_gib: disk?.map(DiskGib::get),
            };
            Some(UserSpec {
                name: name?,
                email: email?,
                role: role?,
                limits,
                password: password?,
            })
        })();
        fields.finish(spec)
    }
}

impl From<&UserRow> for UserForm {
    fn from(user: &UserRow) -> Self {
        let text = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
        Self {
            name: user.name.to_string(),
            email: user.email.to_string(),
            role: user.role.to_string(),
            password: String::new(),
            containers: text(user.limits.containers),
            cores: text(user.limits.cores),
            memory: text(user.limits.memory_mib),
            disk: text(user.limits.disk_gib),
        }
    }
}

//! JSON representation of faults and containers. Times are in milliseconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cluster::container_view::ContainerView;
use crate::faults;

/// The maximum time: one day.
const LONGEST: u64 = 24 * 3600 * 1000;

/// A time in milliseconds, at most one day.
pub(super) fn time(milliseconds: u64) -> Result<Duration, String> {
    if milliseconds > LONGEST {
        return Err(format!("{milliseconds} ms is more than a day"));
    }
    Ok(Duration::from_millis(milliseconds))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A fault for the next matching request.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    method: String,
    path: String,
    effect: Effect,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Effect {
    Respond { status: u16, message: String },
    Delay { ms: u64 },
    Drop,
    DropResponse,
    Hang,
    FailTask { message: String },
    StorageFull,
    LockTimeout,
}

impl TryFrom<Fault> for faults::Fault {
    type Error = String;

    fn try_from(fault: Fault) -> Result<Self, String> {
        if !matches!(fault.method.as_str(), "GET" | "POST" | "PUT" | "DELETE") {
            return Err(format!("`{}` is not a method of the API", fault.method));
        }
        if !fault.path.starts_with('/') || fault.path.starts_with("/api2") {
            let path = fault.path;
            return Err(format!(
                "`{path}` is not a path below /api2/json, such as /nodes/{{node}}/lxc"
            ));
        }
        Ok(Self {
            method: fault.method,
            path: fault.path,
            effect: fault.effect.try_into()?,
        })
    }
}

impl TryFrom<Effect> for faults::Effect {
    type Error = String;

    fn try_from(effect: Effect) -> Result<Self, String> {
        Ok(match effect {
            Effect::Respond { status, .. } if !(200..600).contains(&status) => {
                return Err(format!("{status} is not a valid response status"));
            }
            Effect::Respond { status, message } => Self::Respond { status, message },
            Effect::Delay { ms } => Self::Delay(time(ms)?),
            Effect::Drop => Self::Drop,
            Effect::DropResponse => Self::DropResponse,
            Effect::Hang => Self::Hang,
            Effect::FailTask { message } => Self::FailTask(message),
            Effect::StorageFull => Self::StorageFull,
            Effect::LockTimeout => Self::LockTimeout,
        })
    }
}

impl From<faults::Fault> for Fault {
    fn from(fault: faults::Fault) -> Self {
        Self {
            method: fault.method,
            path: fault.path,
            effect: fault.effect.into(),
        }
    }
}

impl From<faults::Effect> for Effect {
    fn from(effect: faults::Effect) -> Self {
        match effect {
            faults::Effect::Respond { status, message } => Self::Respond { status, message },
            faults::Effect::Delay(time) => Self::Delay {
                ms: milliseconds(time),
            },
            faults::Effect::Drop => Self::Drop,
            faults::Effect::DropResponse => Self::DropResponse,
            faults::Effect::Hang => Self::Hang,
            faults::Effect::FailTask(message) => Self::FailTask { message },
            faults::Effect::StorageFull => Self::StorageFull,
            faults::Effect::LockTimeout => Self::LockTimeout,
        }
    }
}

/// DHCP behavior.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum Dhcp {
    Normal,
    Late { ms: u64 },
    Never,
}

impl TryFrom<Dhcp> for crate::Dhcp {
    type Error = String;

    fn try_from(dhcp: Dhcp) -> Result<Self, String> {
        Ok(match dhcp {
            Dhcp::Normal => Self::Normal,
            Dhcp::Late { ms } => Self::Late(time(ms)?),
            Dhcp::Never => Self::Never,
        })
    }
}

impl From<crate::Dhcp> for Dhcp {
    fn from(dhcp: crate::Dhcp) -> Self {
        match dhcp {
            crate::Dhcp::Normal => Self::Normal,
            crate::Dhcp::Late(time) => Self::Late {
                ms: milliseconds(time),
            },
            crate::Dhcp::Never => Self::Never,
        }
    }
}

/// The JSON of a container.
pub(super) fn container(view: &ContainerView) -> Value {
    json!({
        "vmid": view.vmid,
        "node": view.node,
        "hostname": view.name,
        "running": view.running,
        "lock": view.lock,
        "options": view.options,
        "leases": view.leases,
        "pid": view.pid,
        "template_or_image": view.template_or_image,
    })
}

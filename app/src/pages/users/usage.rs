//! The resources that the containers of a user occupy, and the limits.

use model::{sizes::Bytes, users::UserRow};

use crate::pages::prelude::*;

/// The usage of a resource, and its limit.
pub struct Amount {
    /// The resource.
    pub label: &'static str,
    used: u32,
    limit: Option<u32>,
    format: fn(u32) -> String,
}

/// The usage of all resources, in the order of the columns.
pub fn amounts(user: &UserRow) -> [Amount; 4] {
    let UserRow { usage, limits, .. } = user;
    let amount = |label, used, limit, format| Amount {
        label,
        used,
        limit,
        format,
    };
    let plain = |count: u32| count.to_string();
    let memory = |mib: u32| Bytes(u64::from(mib) << 20).to_string();
    let disk = |gib: u32| Bytes(u64::from(gib) << 30).to_string();
    [
        amount(
            "Containers",
            usage.containers,
            limits.containers,
            plain as _,
        ),
        amount("Cores", usage.cores, limits.cores, plain),
        amount("Memory", usage.memory_mib, limits.memory_mib, memory),
        amount("Disk", usage.disk_gib, limits.disk_gib, disk),
    ]
}

/// `3 of 5`; without a limit only the usage.
pub fn limited(amount: &Amount) -> String {
    let used = (amount.format)(amount.used);
    match amount.limit {
        Some(limit) => format!("{used} of {}", (amount.format)(limit)),
        None => used,
    }
}

/// The card with the usage of all resources.
pub fn usage(user: &UserRow) -> AnyView {
    let line = |amount: Amount| {
        let text = limited(&amount);
        match amount.limit {
            Some(limit) => usage_bar(amount.label, amount.used.into(), limit.into(), text),
            None => view! {
                <div class="usage">
                    <span class="usage-label">
                        <span>{amount.label}</span>
                        <span class="muted num">{format!("{text}, no limit")}</span>
                    </span>
                </div>
            }
            .erase(),
        }
    };
    let bars = amounts(user).map(line).into_iter().collect::<Vec<_>>();
    tight_card("Usage", bars.erase())
}

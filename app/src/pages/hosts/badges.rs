//! Badges of a host: its roles, whether it is online, and whether its configuration is current.

use model::hosts::{HostPublishingState, HostRole, HostRow, UNREACHABLE_AFTER_MS};

use crate::{
    clock::{self, Clock},
    pages::prelude::*,
};

/// Whether a host is online. The server sends when its agent last polled; the host counts as
/// unreachable after a period without polls, regardless of the browser's clock.
pub fn contact_badge(host: Memo<Option<HostRow>>) -> AnyView {
    let seen = Memo::new(move |_| host.with(|host| host.as_ref().and_then(|row| row.last_seen)));
    let since = RwSignal::new(clock::now());
    Effect::new(move |_| {
        // Not `track`, which does not compute a memo that nothing has read.
        seen.get();
        since.set(clock::now());
    });
    let state = Memo::new(move |_| {
        let is_fresh = Clock::read().0 - since.get().0 < UNREACHABLE_AFTER_MS;
        host.with(|host| {
            let host = host.as_ref()?;
            Some(match (&host.facts, host.join_expires_at) {
                (None, _) => ("not joined", Tone::Info, "circle-dashed"),
                (Some(_), Some(_)) => ("key revoked", Tone::Warning, "circle-dashed"),
                (Some(_), None) if host.is_online && is_fresh => {
                    ("online", Tone::Good, "circle-check")
                }
                (Some(_), None) => ("unreachable", Tone::Warning, "unplug"),
            })
        })
    });
    reactive(move || {
        state
            .get()
            .map(|(label, tone, icon_name)| badge(label, tone, icon_name))
    })
}

/// Whether the host has applied the current configuration; nothing before it joined.
pub fn configuration_badge(host: &HostRow) -> AnyView {
    match host.publishing_state() {
        None => ().erase(),
        Some(HostPublishingState::Live) => badge("live", Tone::Good, "circle-check"),
        Some(HostPublishingState::Publishing) => badge("publishing", Tone::Info, "circle-dashed"),
        Some(HostPublishingState::Blocked) => badge("blocked", Tone::Danger, "ban"),
    }
}

pub fn role_badges(host: &HostRow) -> AnyView {
    let badges = host.roles().iter().map(|role| match role {
        HostRole::Edge => badge(role.name(), Tone::Plain, "network"),
    });
    badges.collect::<Vec<_>>().erase()
}

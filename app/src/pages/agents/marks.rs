//! Badges of an agent: whether it is online, and whether its configuration is current.

use leptos::prelude::*;
use model::agents::{AgentRow, PublishingState, UNREACHABLE_AFTER_MS};

use crate::{
    clock::{self, Clock},
    components::badge::{Tone, badge},
    erase::{Erase as _, reactive},
};

/// Whether an agent is online. The server sends when it last received a report; the agent counts as
/// unreachable after a period without reports, regardless of the browser's clock.
pub fn contact(agent: Memo<Option<AgentRow>>) -> AnyView {
    let seen = Memo::new(move |_| agent.with(|agent| agent.as_ref().and_then(|row| row.seen)));
    let since = RwSignal::new(clock::now());
    Effect::new(move |_| {
        seen.track();
        since.set(clock::now());
    });
    let words = Memo::new(move |_| {
        let is_fresh = Clock::read().0 - since.get().0 < UNREACHABLE_AFTER_MS;
        agent.with(|agent| {
            let agent = agent.as_ref()?;
            Some(match (&agent.about, agent.invited_until) {
                (None, _) => ("invited", Tone::Info, "circle-dashed"),
                (Some(_), Some(_)) => ("invited again", Tone::Warning, "circle-dashed"),
                (Some(_), None) if agent.in_contact && is_fresh => {
                    ("in contact", Tone::Good, "circle-check")
                }
                (Some(_), None) => ("silent", Tone::Warning, "unplug"),
            })
        })
    });
    reactive(move || {
        words
            .get()
            .map(|(word, tone, shape)| badge(word, tone, shape))
    })
}

/// Whether the agent has applied the current configuration; nothing before it joined.
pub fn configuration_badge(agent: &AgentRow) -> AnyView {
    match agent.publishing_state() {
        None => ().erase(),
        Some(PublishingState::Live) => badge("live", Tone::Good, "circle-check"),
        Some(PublishingState::Publishing) => badge("publishing", Tone::Info, "circle-dashed"),
        Some(PublishingState::Blocked) => badge("blocked", Tone::Danger, "ban"),
    }
}

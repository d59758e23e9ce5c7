//! Badges for states, ages and counts.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    Timestamp,
    certificates::CertificateState,
    containers::Status,
    jobs::{JobState, StepState},
    users::AccountState,
};

use super::icon::icon;
use crate::clock::{Clock, format_relative};

/// The color of a badge. A text and an icon always accompany the color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Neutral.
    Plain,
    /// In progress.
    Info,
    /// Healthy.
    Good,
    /// Needs attention.
    Warning,
    /// Failed.
    Danger,
}

impl Tone {
    /// The CSS class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "tone-plain",
            Self::Info => "tone-info",
            Self::Good => "tone-good",
            Self::Warning => "tone-warning",
            Self::Danger => "tone-danger",
        }
    }
}

/// A badge with text, icon and color.
pub fn badge(label: &'static str, tone: Tone, icon_name: &'static str) -> AnyView {
    view! { <span class=format!("badge {}", tone.class())>{icon(icon_name)} {label}</span> }.erase()
}

/// A container's status.
pub fn status_badge(status: Status) -> AnyView {
    let (tone, icon_name) = match status {
        Status::Creating => (Tone::Info, "circle-dashed"),
        Status::Running => (Tone::Good, "circle-play"),
        Status::Stopped => (Tone::Plain, "circle-stop"),
        Status::Failed => (Tone::Danger, "circle-x"),
        Status::Missing => (Tone::Warning, "circle-question-mark"),
        Status::Unreachable => (Tone::Warning, "unplug"),
    };
    badge(status.as_str(), tone, icon_name)
}

/// A job's state.
pub fn job_badge(state: JobState) -> AnyView {
    let (tone, icon_name) = match state {
        JobState::Queued => (Tone::Plain, "circle-dashed"),
        JobState::Running => (Tone::Info, "circle-play"),
        JobState::Done => (Tone::Good, "circle-check"),
        JobState::Failed => (Tone::Danger, "circle-x"),
        JobState::Canceled => (Tone::Warning, "ban"),
    };
    badge(state.as_str(), tone, icon_name)
}

/// A certificate's state.
pub fn certificate_badge(state: CertificateState) -> AnyView {
    let (tone, icon_name) = match state {
        CertificateState::Waiting => (Tone::Info, "circle-dashed"),
        CertificateState::Failed => (Tone::Danger, "circle-x"),
        CertificateState::Issued => (Tone::Good, "circle-check"),
        CertificateState::Renewing => (Tone::Info, "rotate-cw"),
        CertificateState::Expiring => (Tone::Warning, "triangle-alert"),
        CertificateState::Expired => (Tone::Danger, "ban"),
    };
    badge(state.as_str(), tone, icon_name)
}

/// An account's state.
pub fn account_badge(state: AccountState) -> AnyView {
    let (tone, icon_name) = match state {
        AccountState::Pending => (Tone::Info, "circle-dashed"),
        AccountState::Active => (Tone::Good, "circle-check"),
        AccountState::Suspended => (Tone::Warning, "ban"),
        AccountState::Expired => (Tone::Warning, "circle-stop"),
    };
    badge(state.as_str(), tone, icon_name)
}

/// The tone and icon of a step's state.
pub fn step_mark(state: StepState) -> (Tone, &'static str) {
    match state {
        StepState::Waiting => (Tone::Plain, "circle"),
        StepState::Running => (Tone::Info, "circle-dashed"),
        StepState::Done => (Tone::Good, "circle-check"),
        StepState::Failed => (Tone::Danger, "circle-x"),
        StepState::Skipped => (Tone::Plain, "minus"),
        StepState::Undone => (Tone::Warning, "undo-2"),
    }
}

/// A time as a text that depends on the current time and stays current; the exact time on hover and
/// for screen readers.
pub fn time(at: Timestamp, text: impl Fn(Timestamp) -> String + Send + Sync + 'static) -> AnyView {
    let exact = at.rfc3339();
    let text = reactive(move || text(Clock::read()));
    view! { <time datetime=exact.clone() title=exact>{text}</time> }.erase()
}

/// A time as an age.
pub fn ago(at: Timestamp) -> AnyView {
    time(at, move |now| at.format_age(now))
}

/// A time, past or future, relative to now.
pub fn when(at: Timestamp) -> AnyView {
    time(at, move |now| format_relative(at, now))
}

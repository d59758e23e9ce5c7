//! Cards, and panels with a notice.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;

use super::{badge::Tone, icon::icon};

pub fn card(title: &'static str, content: AnyView) -> AnyView {
    view! { <section class="card"><h2 class="card-title">{title}</h2>{content}</section> }.erase()
}

/// A card with a title, its content close together.
pub fn tight_card(title: &'static str, content: AnyView) -> AnyView {
    view! { <section class="card stack-tight"><h2 class="card-title">{title}</h2>{content}</section> }.erase()
}

pub fn group(title: &'static str, fields: AnyView) -> AnyView {
    view! { <fieldset class="card group"><legend class="card-title">{title}</legend>{fields}</fieldset> }.erase()
}

/// A panel: an icon, a title, and what to do.
pub fn panel(tone: Tone, icon_name: &'static str, title: AnyView, rest: AnyView) -> AnyView {
    view! {
        <section class=panel_class(tone)>
            <p class="panel-title">{icon(icon_name)} {title}</p>
            {rest}
        </section>
    }
    .erase()
}

/// The classes of a panel.
pub fn panel_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "panel",
        Tone::Info => "panel panel-info",
        Tone::Good => "panel panel-good",
        Tone::Warning => "panel panel-warning",
        Tone::Danger => "panel panel-danger",
    }
}

/// A panel for each message.
pub fn panels(tone: Tone, icon_name: &'static str, messages: Memo<Vec<String>>) -> AnyView {
    reactive(move || {
        let panel = |message: String| panel(tone, icon_name, message.erase(), ().erase());
        messages.get().into_iter().map(panel).collect::<Vec<_>>()
    })
}

//! Short notes at the edge of the page, with a way back where there is one.

use crate::solid::{Solid as _, act, reactive};
use std::time::Duration;

use leptos::prelude::*;

use super::icon::icon;

/// How long a way back is offered.
const UNDO: Duration = Duration::from_secs(10);
/// How long a note without one stays.
const NOTE: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Toast {
    id: u32,
    text: String,
    undo: Option<Callback<()>>,
    bad: bool,
}

/// The notes that are shown now.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    /// Makes the notes known to all parts of the page.
    pub fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        });
    }

    /// The notes of this page. Ask for it while a component is made, not later.
    pub fn here() -> Self {
        expect_context()
    }

    /// Tells what happened.
    pub fn tell(self, text: impl Into<String>) {
        self.push(text.into(), None, false);
    }

    /// Tells what went wrong with something that has no place of its own on the page.
    pub fn warn(self, text: impl Into<String>) {
        self.push(text.into(), None, true);
    }

    /// Tells what happened, and offers for ten seconds to undo it.
    pub fn undoable(self, text: impl Into<String>, undo: Callback<()>) {
        self.push(text.into(), Some(undo), false);
    }

    fn push(self, text: String, undo: Option<Callback<()>>, bad: bool) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        let stays = if undo.is_some() || bad { UNDO } else { NOTE };
        self.shown.update(|shown| {
            shown.push(Toast {
                id,
                text,
                undo,
                bad,
            })
        });
        set_timeout(move || self.close(id), stays);
    }

    fn close(self, id: u32) {
        self.shown
            .update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// The place of the notes.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = Toasts::here();
    let notes = reactive(move || {
        let shown = toasts.shown.get();
        let notes = shown.into_iter().map(|toast| one(toasts, toast));
        notes.collect::<Vec<_>>()
    });
    view! {
        <div class="toasts" role="status" aria-live="polite">
            {notes}
        </div>
    }
    .solid()
}

fn one(toasts: Toasts, toast: Toast) -> AnyView {
    let id = toast.id;
    let undo = toast.undo.map(|undo| {
        let back = move |_| {
            toasts.close(id);
            undo.run(());
        };
        view! { <button class="btn btn-small" on:click=act(back)>"Undo"</button> }.solid()
    });
    view! {
        <div class="toast" class:toast-bad=toast.bad>
            <span class="grow">{toast.text}</span>
            {undo}
            <button class="btn btn-quiet btn-icon" aria-label="Close this note" on:click=act(move |_| toasts.close(id))>
                {icon("x")}
            </button>
        </div>
    }
    .solid()
}

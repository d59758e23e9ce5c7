//! Toasts: short messages at the edge of the page, optionally with an undo button.

use crate::erase::{Erase as _, act, reactive};
use std::time::Duration;

use leptos::prelude::*;

use super::icon::icon;

/// How long undo is offered.
const UNDO_DURATION: Duration = Duration::from_secs(10);
/// How long a toast without undo is shown.
const NOTICE_DURATION: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Toast {
    id: u32,
    text: String,
    undo: Option<Callback<()>>,
    is_error: bool,
}

/// The toasts that are shown now.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    /// Adds the toasts to the context.
    pub fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        });
    }

    /// The toasts of this page. Call while a component is created, not later.
    pub fn here() -> Self {
        expect_context()
    }

    /// Shows that an action succeeded.
    pub fn notify(self, text: impl Into<String>) {
        self.push(text.into(), None, false);
    }

    /// Shows an error that has no other place on the page.
    pub fn warn(self, text: impl Into<String>) {
        self.push(text.into(), None, true);
    }

    /// Shows that an action succeeded, and offers to undo it for ten seconds.
    pub fn undoable(self, text: impl Into<String>, undo: Callback<()>) {
        self.push(text.into(), Some(undo), false);
    }

    fn push(self, text: String, undo: Option<Callback<()>>, is_error: bool) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        let duration = if undo.is_some() || is_error {
            UNDO_DURATION
        } else {
            NOTICE_DURATION
        };
        self.shown.update(|shown| {
            shown.push(Toast {
                id,
                text,
                undo,
                is_error,
            })
        });
        set_timeout(move || self.close(id), duration);
    }

    fn close(self, id: u32) {
        self.shown
            .update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// The container of the toasts.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = Toasts::here();
    let notes = reactive(move || {
        let shown = toasts.shown.get();
        let notes = shown.into_iter().map(|toast| toast_view(toasts, toast));
        notes.collect::<Vec<_>>()
    });
    view! {
        <div class="toasts" role="status" aria-live="polite">
            {notes}
        </div>
    }
    .erase()
}

fn toast_view(toasts: Toasts, toast: Toast) -> AnyView {
    let id = toast.id;
    let undo = toast.undo.map(|undo| {
        let back = move |_| {
            toasts.close(id);
            undo.run(());
        };
        view! { <button class="btn btn-small" on:click=act(back)>"Undo"</button> }.erase()
    });
    view! {
        <div class="toast" class:toast-danger=toast.is_error>
            <span class="grow">{toast.text}</span>
            {undo}
            <button class="btn btn-quiet btn-icon" aria-label="Dismiss" on:click=act(move |_| toasts.close(id))>
                {icon("x")}
            </button>
        </div>
    }
    .erase()
}

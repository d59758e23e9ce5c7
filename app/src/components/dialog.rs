//! Dialogs, and the one that stands before every irreversible step.

use crate::solid::{Solid as _, act, reactive};
use leptos::{html, prelude::*};

use super::{failure::FailureLine, icon::icon};
use crate::api::Failure;

/// A modal dialog that is open while `open` is. The browser keeps the focus inside, closes it on
/// Escape, and gives the focus back.
#[component]
pub fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its title.
    #[prop(into)]
    title: Signal<String>,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let wanted = open.get();
        if let Some(dialog) = dialog.get()
            && wanted != dialog.open()
        {
            if wanted {
                let _ = dialog.show_modal();
            } else {
                dialog.close();
            }
        }
    });
    view! {
        <dialog class="dialog" node_ref=dialog aria-label=title on:close=act(move |_| open.set(false))>
            <h2 class="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
    .solid()
}

/// The state of a deletion.
#[derive(Clone, Copy)]
pub struct Deletion {
    /// Whether its dialog is open.
    pub open: RwSignal<bool>,
    /// Whether it is on its way.
    pub busy: RwSignal<bool>,
    /// Why it was refused.
    pub failure: RwSignal<Option<Failure>>,
}

impl Default for Deletion {
    fn default() -> Self {
        Self {
            open: RwSignal::new(false),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }
}

/// What is asked before a step that cannot be undone, in words.
#[derive(Clone, Copy)]
pub struct Question {
    /// The question itself.
    pub title: Signal<String>,
    /// What stands before the list.
    pub lead: &'static str,
    /// The safe answer.
    pub keep: Signal<String>,
    /// The other one.
    pub go: Signal<String>,
    /// The icon of that.
    pub shape: &'static str,
}

/// Asks before something is lost for good: lists what, wants the name typed, and has the safe
/// button focused.
#[component]
pub fn DeleteDialog(
    /// The deletion.
    deletion: Deletion,
    /// The name of what is deleted.
    #[prop(into)]
    name: Signal<String>,
    /// What will be lost, an entry each.
    #[prop(into)]
    losses: Signal<Vec<String>>,
    /// Does it; gets the name as it was typed.
    delete: Callback<String>,
) -> impl IntoView {
    let question = Question {
        title: Signal::derive(move || format!("Delete {}?", name.get())),
        lead: "This cannot be undone. It will be lost:",
        keep: Signal::derive(move || format!("Keep {}", name.get())),
        go: Signal::derive(move || format!("Delete {}", name.get())),
        shape: "trash-2",
    };
    view! { <ConfirmDialog deletion name losses question delete /> }.solid()
}

/// Asks before any step that cannot be undone: lists what comes of it, wants the name typed, and
/// has the safe button focused.
#[component]
pub fn ConfirmDialog(
    /// The step.
    deletion: Deletion,
    /// The name that is to be typed.
    #[prop(into)]
    name: Signal<String>,
    /// What comes of it, an entry each.
    #[prop(into)]
    losses: Signal<Vec<String>>,
    /// What is asked.
    question: Question,
    /// Does it; gets the name as it was typed.
    delete: Callback<String>,
) -> impl IntoView {
    let Question {
        title,
        lead,
        keep,
        go,
        shape,
    } = question;
    let typed = RwSignal::new(String::new());
    Effect::new(move |_| {
        if deletion.open.get() {
            typed.set(String::new());
            deletion.failure.set(None);
        }
    });
    let locked = Signal::derive(move || {
        deletion.busy.get() || typed.with(|typed| typed.trim() != name.get())
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        deletion.busy.set(true);
        deletion.failure.set(None);
        delete.run(typed.get_untracked());
    };
    let lost = reactive(move || {
        losses
            .get()
            .into_iter()
            .map(|loss| view! { <li>{loss}</li> }.solid())
            .collect::<Vec<_>>()
    });
    view! {
        <Dialog open=deletion.open title=title>
            <form class="stack" on:submit=act(submit)>
                <p>{lead}</p>
                <ul class="bullets">{lost}</ul>
                <label class="label">
                    "Type " <strong class="mono">{name}</strong> " to go on"
                    <input
                        class="input mono"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        prop:value=typed
                        on:input=act(move |ev| typed.set(event_target_value(&ev)))
                    />
                </label>
                <FailureLine failure=deletion.failure />
                <div class="actions actions-end">
                    <button type="button" class="btn" autofocus on:click=act(move |_| deletion.open.set(false))>
                        {keep}
                    </button>
                    <button type="submit" class="btn btn-danger" disabled=locked class:btn-busy=deletion.busy>
                        {icon(shape)} {go}
                    </button>
                </div>
            </form>
        </Dialog>
    }
    .solid()
}

//! Dialogs, including the confirmation before every irreversible action.

use std::future::Future;

use crate::erase::{Erase as _, act, reactive};
use leptos::{ev, html, prelude::*, task::spawn_local};

use super::{failure::FailureLine, icon::icon, noun::Noun};
use crate::server_fns::RequestError;

/// A modal dialog that is shown while `open` is true. The browser traps and restores the focus and
/// closes the dialog on Escape.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// The content.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let should_open = open.get();
        if let Some(dialog) = dialog.get()
            && should_open != dialog.open()
        {
            if should_open {
                let _ = dialog.show_modal();
            } else {
                dialog.close();
            }
        }
    });
    view! {
        <dialog class="dialog" node_ref=dialog aria-label=title on:close=act(on_close(dialog, open))>
            <h2 class="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
    .erase()
}

/// Handles the event that follows the closing of `dialog`, also when the browser closed the dialog.
/// The browser sends the event later: a dialog that was opened again meanwhile stays open.
pub fn on_close(
    dialog: NodeRef<html::Dialog>,
    open: RwSignal<bool>,
) -> impl Fn(ev::Event) + 'static {
    move |_| {
        if dialog.get_untracked().is_none_or(|dialog| !dialog.open()) {
            open.set(false);
        }
    }
}

/// The state of an action that a dialog confirms.
#[derive(Clone, Copy)]
pub struct ConfirmedAction {
    pub open: RwSignal<bool>,
    /// Whether the request is in flight.
    pub busy: RwSignal<bool>,
    /// Why the server refused.
    pub failure: RwSignal<Option<RequestError>>,
}

impl Default for ConfirmedAction {
    fn default() -> Self {
        Self {
            open: RwSignal::new(false),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }
}

impl ConfirmedAction {
    /// Sends the request, and closes the dialog when it has succeeded; `done` receives the
    /// response.
    pub fn send<T: 'static>(
        self,
        request: impl Future<Output = Result<T, RequestError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        spawn_local(async move {
            let result = request.await;
            self.busy.try_set(false);
            match result {
                Ok(response) => {
                    self.open.try_set(false);
                    done(response);
                }
                Err(failure) => {
                    self.failure.try_set(Some(failure));
                }
            }
        });
    }
}

/// The texts of a confirmation dialog.
#[derive(Clone, Copy)]
pub struct Question {
    /// The question, as the dialog's title.
    pub title: Signal<String>,
    /// The text before the consequences.
    pub lead: &'static str,
    /// The label of the button that cancels.
    pub cancel_label: Signal<String>,
    /// The label of the button that confirms.
    pub confirm_label: Signal<String>,
    /// The icon of the button that confirms.
    pub icon_name: &'static str,
}

/// Confirms a deletion: lists what is lost, requires the name to be typed, and focuses the cancel
/// button.
#[component]
pub fn DeleteDialog(
    action: ConfirmedAction,
    /// The kind of object, whose verb the dialog uses.
    noun: Noun,
    /// The name of the object to delete.
    #[prop(into)]
    name: Signal<String>,
    /// The objects that are lost, and other consequences as sentences.
    #[prop(into)]
    consequences: Signal<Vec<String>>,
    /// Deletes the object; receives the typed name.
    on_confirm: Callback<String>,
) -> impl IntoView {
    let verb = noun.delete;
    let question = Question {
        title: Signal::derive(move || format!("{verb} {}?", name.get())),
        lead: "This cannot be undone.",
        cancel_label: Signal::derive(move || format!("Keep {}", name.get())),
        confirm_label: Signal::derive(move || format!("{verb} {}", name.get())),
        icon_name: "trash-2",
    };
    view! { <ConfirmDialog action name consequences question on_confirm /> }.erase()
}

/// Confirms an irreversible action: lists the consequences, requires the name to be typed, and
/// focuses the cancel button.
#[component]
pub fn ConfirmDialog(
    /// The state of the action.
    action: ConfirmedAction,
    /// The name to type.
    #[prop(into)]
    name: Signal<String>,
    /// The objects that are lost, and other consequences as sentences.
    #[prop(into)]
    consequences: Signal<Vec<String>>,
    /// The texts of the dialog.
    question: Question,
    /// Performs the action; receives the typed name.
    on_confirm: Callback<String>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    Effect::new(move |_| {
        if action.open.get() {
            typed.set(String::new());
            action.failure.set(None);
        }
    });
    let locked =
        Signal::derive(move || action.busy.get() || typed.with(|typed| typed.trim() != name.get()));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        action.busy.set(true);
        action.failure.set(None);
        on_confirm.run(typed.get_untracked());
    };
    view! {
        <Dialog open=action.open title=question.title>
            <form class="stack" on:submit=act(submit)>
                <p>{question.lead}</p>
                {consequence_list(consequences)}
                {name_field(name, typed)}
                <FailureLine failure=action.failure />
                <div class="actions actions-end">
                    <button type="button" class="btn" autofocus on:click=act(move |_| action.open.set(false))>
                        {question.cancel_label}
                    </button>
                    <button type="submit" class="btn btn-danger" disabled=locked class:btn-busy=action.busy>
                        {icon(question.icon_name)} {question.confirm_label}
                    </button>
                </div>
            </form>
        </Dialog>
    }
    .erase()
}

/// The objects that are lost as a list, and below them the consequences that are sentences.
fn consequence_list(consequences: Signal<Vec<String>>) -> AnyView {
    reactive(move || {
        let is_sentence = |text: &String| text.ends_with('.');
        let (sentences, lost): (Vec<_>, Vec<_>) =
            consequences.get().into_iter().partition(is_sentence);
        let lost = (!lost.is_empty()).then(|| {
            let item = |item| view! { <li>{item}</li> }.erase();
            let items = lost.into_iter().map(item).collect::<Vec<_>>();
            view! { <div><p>"You will lose:"</p><ul class="bullets">{items}</ul></div> }.erase()
        });
        let sentence = |text| view! { <p>{text}</p> }.erase();
        let sentences = sentences.into_iter().map(sentence).collect::<Vec<_>>();
        view! { {lost} {sentences} }.erase()
    })
}

/// The field that the name has to be typed into.
fn name_field(name: Signal<String>, typed: RwSignal<String>) -> AnyView {
    view! {
        <label class="label">
            "Type " <strong class="mono">{name}</strong> " to confirm"
            <input
                class="input mono"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                prop:value=typed
                on:input=act(move |ev| typed.set(event_target_value(&ev)))
            />
        </label>
    }
    .erase()
}

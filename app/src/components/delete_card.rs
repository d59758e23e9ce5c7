//! The card at the end of an object's page that deletes the object.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

use super::{
    dialog::{DeleteDialog, Deletion},
    icon::icon,
    toast::Toasts,
};
use crate::{live::Live, server_fns::Failure};

/// Calls the server to delete the object; receives the typed name.
type Ask =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync>;

/// The contents of a delete card.
pub struct DeleteCard {
    /// The action: `Delete`, or `Remove` if the object continues to exist outside Holdfast.
    pub verb: &'static str,
    /// The kind of object, such as `site`.
    pub what: &'static str,
    /// The name of the object.
    pub name: Memo<String>,
    /// The objects that are deleted along with the object, one entry per item.
    pub losses: Signal<Vec<String>>,
    /// A note above the button, such as the data that is kept.
    pub note: Signal<&'static str>,
    /// Why the object cannot be deleted now; replaces the button.
    pub blocked: Callback<(), Option<AnyView>>,
    /// The path of the list to return to.
    pub list: &'static str,
    /// Deletes the object.
    pub ask: Ask,
}

/// Boxes a server call for [`DeleteCard::ask`].
pub fn delete_call<F>(ask: impl Fn(String) -> F + Send + Sync + 'static) -> Ask
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Arc::new(move |typed| Box::pin(ask(typed)))
}

/// The card with the button and its confirmation dialog.
pub fn delete_card(card: DeleteCard) -> AnyView {
    let deletion = Deletion::default();
    let delete = delete(deletion, &card);
    let DeleteCard {
        verb,
        what,
        name,
        losses,
        note,
        blocked,
        ..
    } = card;
    let button = move || {
        let note = reactive(move || {
            let note = note.get();
            (!note.is_empty()).then(|| view! { <p>{note}</p> }.erase())
        });
        view! {
            {note}
            <div><button type="button" class="btn btn-danger" on:click=act(move |_| deletion.open.set(true))>
                {icon("trash-2")} {reactive(move || format!("{verb} {}", name.get()))}
            </button></div>
        }
        .erase()
    };
    let action = reactive(move || blocked.run(()).unwrap_or_else(button));
    view! {
        <section class="card card-danger stack-tight">
            <h2 class="card-title">{format!("{verb} {what}")}</h2>
            {action}
        </section>
        <DeleteDialog deletion name losses delete />
    }
    .erase()
}

fn delete(deletion: Deletion, card: &DeleteCard) -> Callback<String> {
    let DeleteCard {
        verb,
        what,
        name,
        list,
        ..
    } = *card;
    let ask = card.ask.clone();
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let live = use_context::<Live>();
    on_cleanup(move || live.map(Live::end_deletion).unwrap_or_default());
    Callback::new(move |typed: String| {
        live.map(Live::begin_deletion).unwrap_or_default();
        let answer = ask(typed);
        let name = name.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            match answer.await {
                Ok(()) => {
                    toasts.notify(format!("{verb}d {what} {name}."));
                    navigate(list, Default::default());
                }
                Err(failure) => {
                    live.map(Live::cancel_deletion).unwrap_or_default();
                    deletion.busy.try_set(false);
                    deletion.failure.try_set(Some(failure));
                }
            }
        });
    })
}

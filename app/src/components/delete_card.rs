//! The card at the end of an object's page that deletes the object.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::Kind;

use super::{
    dialog::{ConfirmedAction, DeleteDialog},
    icon::icon,
    noun::Noun,
    toast::Toasts,
};
use crate::{live::Live, server_fns::RequestError};

/// Calls the server to delete the object; receives the typed name.
type DeleteCall = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<(), RequestError>> + Send>> + Send + Sync,
>;

/// A card that deletes an object.
pub struct DeleteCard {
    noun: Noun,
    name: Memo<String>,
    consequences: Signal<Vec<String>>,
    note: Signal<&'static str>,
    blocked: Callback<(), Option<AnyView>>,
    delete: DeleteCall,
}

/// A card that deletes the object `name`. `consequences` are the objects that are deleted along
/// with it, one entry per item; `delete` calls the server and receives the typed name.
pub fn delete_card<F>(
    kind: Kind,
    name: Memo<String>,
    consequences: impl Fn() -> Vec<String> + Send + Sync + 'static,
    delete: impl Fn(String) -> F + Send + Sync + 'static,
) -> DeleteCard
where
    F: Future<Output = Result<(), RequestError>> + Send + 'static,
{
    DeleteCard {
        noun: Noun::of(kind),
        name,
        consequences: Signal::derive(consequences),
        note: Signal::stored(""),
        blocked: Callback::new(|()| None),
        delete: Arc::new(move |typed| Box::pin(delete(typed))),
    }
}

impl DeleteCard {
    /// A note above the button, such as the data that is kept.
    pub fn note(self, note: impl Into<Signal<&'static str>>) -> Self {
        let note = note.into();
        Self { note, ..self }
    }

    /// Why the object cannot be deleted now; replaces the button.
    pub fn blocked(self, blocked: impl Fn() -> Option<AnyView> + Send + Sync + 'static) -> Self {
        let blocked = Callback::new(move |()| blocked());
        Self { blocked, ..self }
    }

    /// As [`DeleteCard::blocked`] while `is_needed` is true: a text before a link, the link, and a
    /// text after it.
    pub fn blocked_while(
        self,
        is_needed: Memo<bool>,
        before: &'static str,
        (href, link): (&'static str, &'static str),
        after: &'static str,
    ) -> Self {
        let reason =
            move || view! { <p>{before} <a class="link" href=href>{link}</a> {after}</p> }.erase();
        self.blocked(move || is_needed.get().then(reason))
    }

    /// The card with the button and its confirmation dialog.
    pub fn view(self) -> AnyView {
        let Self {
            noun,
            name,
            consequences,
            note,
            blocked,
            delete,
        } = self;
        let deletion = ConfirmedAction::default();
        let verb = noun.delete;
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
        let delete = send(deletion, noun, name, delete);
        view! {
            <section class="card card-danger stack-tight">
                <h2 class="card-title">{format!("{verb} {}", noun.name)}</h2>
                {action}
            </section>
            <DeleteDialog action=deletion noun name consequences on_confirm=delete />
        }
        .erase()
    }
}

/// Deletes the object, and returns to the list.
fn send(
    deletion: ConfirmedAction,
    noun: Noun,
    name: Memo<String>,
    delete: DeleteCall,
) -> Callback<String> {
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let live = use_context::<Live>();
    on_cleanup(move || live.map(Live::end_change).unwrap_or_default());
    Callback::new(move |typed: String| {
        live.map(Live::begin_change).unwrap_or_default();
        let response = delete(typed);
        let name = name.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            match response.await {
                Ok(()) => {
                    toasts.notify(format!("{}d {} {name}.", noun.delete, noun.name));
                    navigate(noun.list, Default::default());
                }
                Err(failure) => {
                    live.map(Live::resume_refreshes).unwrap_or_default();
                    deletion.busy.try_set(false);
                    deletion.failure.try_set(Some(failure));
                }
            }
        });
    })
}

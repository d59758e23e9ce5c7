//! The end of a page about one thing: taking that away for good.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::solid::{Solid as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

use super::{
    dialog::{DeleteDialog, Deletion},
    icon::icon,
    toast::Toasts,
};
use crate::{api::Failure, live::Live};

/// Asks the server to take it away, with the name as it was typed.
type Ask =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync>;

/// What is taken away, and what there is to say about that.
pub struct Ending {
    /// What happens: `Delete`, or `Remove` where the thing itself goes on elsewhere.
    pub verb: &'static str,
    /// What it is, such as `site`.
    pub what: &'static str,
    /// Its name.
    pub name: Memo<String>,
    /// What goes with it, an entry each.
    pub losses: Signal<Vec<String>>,
    /// What to know before, such as what stays.
    pub note: Signal<&'static str>,
    /// Why it cannot be now, in place of the button.
    pub held: Callback<(), Option<AnyView>>,
    /// The list that it is gone from.
    pub list: &'static str,
    /// Does it.
    pub ask: Ask,
}

/// A call to the server as [`Ending`] keeps it.
pub fn asked<F>(ask: impl Fn(String) -> F + Send + Sync + 'static) -> Ask
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Arc::new(move |typed| Box::pin(ask(typed)))
}

/// The card with the button, and the dialog behind that.
pub fn danger(ending: Ending) -> AnyView {
    let deletion = Deletion::default();
    let delete = delete(deletion, &ending);
    let Ending {
        verb,
        what,
        name,
        losses,
        note,
        held,
        ..
    } = ending;
    let button = move || {
        let note = reactive(move || {
            let note = note.get();
            (!note.is_empty()).then(|| view! { <p>{note}</p> }.solid())
        });
        view! {
            {note}
            <div><button type="button" class="btn btn-danger" on:click=act(move |_| deletion.open.set(true))>
                {icon("trash-2")} {reactive(move || format!("{verb} {}", name.get()))}
            </button></div>
        }
        .solid()
    };
    let action = reactive(move || held.run(()).unwrap_or_else(button));
    view! {
        <section class="card card-danger stack-tight">
            <h2 class="card-title">{format!("{verb} the {what}")}</h2>
            {action}
        </section>
        <DeleteDialog deletion name losses delete />
    }
    .solid()
}

fn delete(deletion: Deletion, ending: &Ending) -> Callback<String> {
    let Ending {
        verb,
        what,
        name,
        list,
        ..
    } = *ending;
    let ask = ending.ask.clone();
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let live = use_context::<Live>();
    on_cleanup(move || live.map(Live::parted).unwrap_or_default());
    Callback::new(move |typed: String| {
        live.map(Live::part).unwrap_or_default();
        let answer = ask(typed);
        let name = name.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            match answer.await {
                Ok(()) => {
                    toasts.tell(format!("{verb}d the {what} {name}."));
                    navigate(list, Default::default());
                }
                Err(failure) => {
                    live.map(Live::stay).unwrap_or_default();
                    deletion.busy.try_set(false);
                    deletion.failure.try_set(Some(failure));
                }
            }
        });
    })
}

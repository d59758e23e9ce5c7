//! What went wrong, beside where it went wrong.

use crate::solid::{Solid as _, act, reactive};
use leptos::prelude::*;
use leptos_router::{components::Redirect, hooks::use_location, location::Url};
use model::Error;

use super::icon::icon;
use crate::api::{self, Failure};

/// What a failure stands in the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A whole page, whose heading it is then.
    Page,
    /// A part of a page.
    Part,
    /// Something small that every page has: not worth a word while it is away.
    Frame,
}

/// A failure in the place of what was asked for, with a button to try again where that may help.
/// When nobody is signed in any more, leads to the sign-in page and back.
pub fn failure_panel(failure: Failure, again: Option<Callback<()>>, place: Place) -> AnyView {
    let Failure(error) = failure;
    if error == Error::Unauthenticated {
        return to_sign_in();
    }
    if place == Place::Frame {
        return ().solid();
    }
    crate::status::set(api::status(&error));
    let title = match error {
        Error::NotFound { .. } => "Not found",
        Error::Forbidden { .. } => "Not allowed",
        Error::Unavailable { .. } => "Not reachable",
        Error::Throttled { .. } => "Too many tries",
        _ => "That did not work",
    };
    let useful = matches!(
        error,
        Error::Unavailable { .. } | Error::Internal { .. } | Error::Throttled { .. }
    );
    let button = again.filter(|_| useful).map(|again| {
        view! { <button class="btn" on:click=act(move |_| again.run(()))>"Try again"</button> }
            .solid()
    });
    let title = view! { {icon("circle-alert")} {title} }.solid();
    let heading = match place {
        Place::Page => view! { <h1 class="panel-title">{title}</h1> }.solid(),
        Place::Part | Place::Frame => view! { <h2 class="panel-title">{title}</h2> }.solid(),
    };
    view! {
        <section class="panel panel-danger" role="alert">
            {heading}
            <p>{error.to_string()}</p>
            {button}
        </section>
    }
    .solid()
}

/// A failure of an action, in one line beside its button.
#[component]
pub fn FailureLine(
    /// What went wrong, if anything did.
    failure: RwSignal<Option<Failure>>,
) -> impl IntoView {
    view! {
        <div class="failure-line" aria-live="assertive">
            {reactive(move || {
                failure
                    .get()
                    .map(|failure| {
                        view! { <p class="refusal">{icon("circle-alert")} {failure.to_string()}</p> }.solid()
                    })
            })}
        </div>
    }.solid()
}

fn to_sign_in() -> AnyView {
    let location = use_location();
    let here = location.pathname.get_untracked();
    let search = location.search.get_untracked();
    let next = if search.is_empty() {
        here
    } else {
        format!("{here}?{search}")
    };
    view! { <Redirect path=format!("/sign-in?next={}", Url::escape(&next)) /> }.solid()
}

//! Error messages, displayed where the error occurred.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use leptos_router::{components::Redirect, hooks::use_location, location::Url};
use model::{Error, Kind};

use super::{icon::icon, noun::Noun, page::PageHead};
use crate::server_fns::RequestError;

/// What the error message replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureScope {
    /// A whole page; the message becomes the page's heading.
    Page,
    /// A section of a page.
    Section,
    /// A small element of the frame, for which no message is displayed.
    Frame,
}

/// An error message in place of the data, with a retry button where a retry can help. Redirects to
/// the sign-in page, and back afterwards, if the session has ended.
pub fn failure_panel(
    failure: RequestError,
    retry: Option<Callback<()>>,
    scope: FailureScope,
) -> AnyView {
    let RequestError(error) = failure;
    if error == Error::Unauthenticated {
        return to_sign_in();
    }
    if scope == FailureScope::Frame {
        return ().erase();
    }
    crate::status::set(error.http_status());
    match (&error, scope) {
        (Error::NotFound { kind }, FailureScope::Page) => {
            let noun = Noun::of(*kind);
            let text = format!(
                "This {} does not exist, or you have no access to it.",
                noun.name
            );
            return unavailable_page(noun.not_found_title(), text, noun);
        }
        (Error::Forbidden { message }, FailureScope::Page) => {
            let title = "Not allowed".to_owned();
            return unavailable_page(title, message.clone(), Noun::of(Kind::Container));
        }
        _ => {}
    }
    let title = match error {
        Error::NotFound { .. } => "Not found",
        Error::Forbidden { .. } => "Not allowed",
        Error::Unavailable { .. } => "Unreachable",
        Error::TooManyRequests { .. } => "Too many requests",
        _ => "Request failed",
    };
    let can_retry = matches!(
        error,
        Error::Unavailable { .. } | Error::Internal { .. } | Error::TooManyRequests { .. }
    );
    let button = retry.filter(|_| can_retry).map(|retry| {
        view! { <button class="btn" on:click=act(move |_| retry.run(()))>"Retry"</button> }.erase()
    });
    let title = view! { {icon("circle-alert")} {title} }.erase();
    let heading = match scope {
        FailureScope::Page => view! { <h1 class="panel-title">{title}</h1> }.erase(),
        FailureScope::Section | FailureScope::Frame => {
            view! { <h2 class="panel-title">{title}</h2> }.erase()
        }
    };
    view! {
        <section class="panel panel-danger" role="alert">
            {heading}
            <p>{error.to_string()}</p>
            {button}
        </section>
    }
    .erase()
}

/// A page that has nothing to show, with a link to a list.
fn unavailable_page(title: String, text: String, noun: Noun) -> AnyView {
    view! {
        <PageHead title />
        <section class="empty" role="alert">
            {icon("circle-question-mark")}
            <p class="muted">{text}</p>
            <a class="btn btn-primary" href=noun.list>{icon("arrow-right")} {format!("Go to {}", noun.plural)}</a>
        </section>
    }
    .erase()
}

/// The error of an action, in one line beside its button.
#[component]
pub fn FailureLine(
    /// The error, if any.
    failure: RwSignal<Option<RequestError>>,
) -> impl IntoView {
    view! {
        <div class="form-error" aria-live="assertive">
            {reactive(move || {
                failure
                    .get()
                    .map(|failure| {
                        view! { <p class="error-message">{icon("circle-alert")} {failure.to_string()}</p> }.erase()
                    })
            })}
        </div>
    }.erase()
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
    view! { <Redirect path=format!("/sign-in?next={}", Url::escape(&next)) /> }.erase()
}

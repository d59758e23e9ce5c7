//! The sign-in page: an ordinary HTML form, so that it works without WebAssembly.

use crate::erase::Erase as _;
use leptos::prelude::*;
use model::Error;
use serde::{Deserialize, Serialize};

use crate::components::{icon::icon, list::current_parameter, title::title};

/// Why the last attempt failed; the server renders it into the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFailure {
    /// The error message.
    pub error: Error,
    /// The submitted name.
    pub name: String,
    /// The path to redirect to after sign-in.
    pub next: String,
}

pub fn page() -> AnyView {
    // Serialized into the page, so that the browser hydrates the same view as the server rendered.
    let failure = SharedValue::new_str(|| {
        serde_json::to_string(&use_context::<SignInFailure>()).unwrap_or_default()
    });
    let failure = serde_json::from_slice(failure.into_inner().as_bytes()).unwrap_or_default();
    title(Signal::stored("Sign in · Holdfast".to_owned()));
    view! {
        <div class="sign-in">
            <p class="brand brand-large">{icon("shield")} "Holdfast"</p>
            {form(failure)}
        </div>
    }
    .erase()
}

fn form(failure: Option<SignInFailure>) -> AnyView {
    let next = current_parameter("next");
    let (error, name, next) = match failure {
        Some(failure) => (Some(failure.error), failure.name, failure.next),
        None => (None, String::new(), next),
    };
    let has_failed = error.is_some();
    let is_wrong = matches!(error, Some(Error::WrongCredentials));
    // The submitted name is kept. Without one, as after a sign-in link, the name field gets the
    // focus.
    let has_name = !name.is_empty();
    let error_text = error.map(|error| {
        view! { <p class="error-message" id="sign-in-error" role="alert">{icon("circle-alert")} {error.to_string()}</p> }.erase()
    });
    let described_by = has_failed.then_some("sign-in-error");
    view! {
        <form class="card stack" method="post" action="/sign-in">
            <input type="hidden" name="next" value=next />
            <h1 class="card-title">"Sign in"</h1>
            <div class="field">
                <label class="label" for="name">"Username"</label>
                <input id="name" class="input" name="name" value=name required autocomplete="username" autocapitalize="none" spellcheck="false" autofocus=!has_name aria-describedby=described_by />
            </div>
            <div class="field">
                <label class="label" for="password">"Password"</label>
                <input id="password" class="input" type="password" name="password" required autocomplete="current-password" autofocus=has_name aria-invalid=is_wrong.then_some("true") aria-describedby=described_by />
            </div>
            {error_text}
            <button class="btn btn-primary">"Sign in"</button>
        </form>
    }
    .erase()
}

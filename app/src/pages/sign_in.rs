//! Signing in: an ordinary form to the server, so that it works without the program.

use crate::solid::Solid as _;
use leptos::prelude::*;
use model::Error;
use serde::{Deserialize, Serialize};

use crate::components::{icon::icon, list::current_parameter, title::title};

/// Why the last try failed; the server puts it beside the page that it makes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFailure {
    /// What was wrong.
    pub error: Error,
    /// The name as it was typed.
    pub name: String,
    /// Where to go afterwards.
    pub next: String,
}

/// The page.
pub fn page() -> AnyView {
    // Shared, so that the browser takes over the same page as the server made.
    let failure = SharedValue::new_str(|| {
        serde_json::to_string(&use_context::<SignInFailure>()).unwrap_or_default()
    });
    let failure = serde_json::from_slice(failure.into_inner().as_bytes()).unwrap_or_default();
    title(Signal::stored("Sign in · Holdfast".to_owned()));
    view! {
        <div class="sign-in">
            <h1 class="brand brand-large">{icon("shield")} "Holdfast"</h1>
            {form(failure)}
        </div>
    }
    .solid()
}

fn form(failure: Option<SignInFailure>) -> AnyView {
    let next = current_parameter("next");
    let (error, name, next) = match failure {
        Some(failure) => (Some(failure.error), failure.name, failure.next),
        None => (None, String::new(), next),
    };
    let again = error.is_some();
    let is_wrong = matches!(error, Some(Error::WrongCredentials));
    // A name that was typed is kept; without one, as after a sign-in link, the form begins there.
    let has_name = !name.is_empty();
    let told = error.map(|error| {
        view! { <p class="refusal" id="sign-in-error" role="alert">{icon("circle-alert")} {error.to_string()}</p> }.solid()
    });
    let describes = again.then_some("sign-in-error");
    view! {
        <form class="card stack" method="post" action="/sign-in">
            <input type="hidden" name="next" value=next />
            <div class="field">
                <label class="label" for="name">"Name"</label>
                <input id="name" class="input" name="name" value=name required autocomplete="username" autocapitalize="none" spellcheck="false" autofocus=!has_name aria-describedby=describes />
            </div>
            <div class="field">
                <label class="label" for="password">"Password"</label>
                <input id="password" class="input" type="password" name="password" required autocomplete="current-password" autofocus=has_name aria-invalid=is_wrong.then_some("true") aria-describedby=describes />
            </div>
            {told}
            <button class="btn btn-primary">"Sign in"</button>
        </form>
    }
    .solid()
}

//! Who is signed in, asked once for the whole page.

use leptos::prelude::*;
use model::session::Me;

use crate::api::{self, Failure};

/// The answer to who is signed in.
#[derive(Clone, Copy)]
pub struct Session(Resource<Result<Option<Me>, Failure>>);

impl Session {
    /// Asks, and makes the answer known to all parts of the page.
    pub fn provide() {
        provide_context(Self(Resource::new_blocking(
            || (),
            |()| api::session::me(),
        )));
    }

    /// Shows `view` for the person, nothing while nobody is signed in. `view` is called once.
    pub fn signed_in(view: fn(Me) -> AnyView) -> AnyView {
        let Self(me) = expect_context();
        let show = move || {
            Suspend::new(async move {
                match me.await {
                    Ok(Some(me)) => view(me),
                    _ => ().into_any(),
                }
            })
        };
        view! { <Suspense>{show}</Suspense> }.into_any()
    }
}

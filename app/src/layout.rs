//! The frame around every page: navigation, header and toasts.

mod header;
pub mod jobs;
mod nav;
pub mod palette;
mod sites;

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use model::session::CurrentUser;

use crate::{
    components::{icon::icon, toast::ToastRegion},
    live::Live,
    session::Session,
};

/// The frame around the pages. The sign-in page has no frame.
#[component]
pub fn Frame(
    /// The pages.
    children: Children,
) -> impl IntoView {
    let path = use_location().pathname;
    let bare = Memo::new(move |_| path.with(|path| path.starts_with("/sign-in")));
    let around = reactive(move || {
        (!bare.get()).then(|| {
            view! {
                {Session::signed_in(nav::rail)}
                {Session::signed_in(header::header)}
                {Session::signed_in(listen)}
            }
            .erase()
        })
    });
    view! {
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <div class="frame" class:frame-bare=bare>
            {around}
            <main class="main" id="main" tabindex="-1">{children()}</main>
        </div>
        <ToastRegion />
    }
    .erase()
}

/// Connects to the event stream, and shows when the connection is lost.
fn listen(_me: CurrentUser) -> AnyView {
    Effect::new(|_| Live::listen());
    let lost = reactive(move || {
        Live::is_disconnected().then(|| {
            view! { <p class="strip">{icon("unplug")} "Live updates lost. Reconnecting."</p> }
                .erase()
        })
    });
    view! { <div class="strip-area" role="status">{lost}</div> }.erase()
}

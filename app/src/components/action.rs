//! A request that a button sends.

use std::future::Future;

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};

use super::{icon::icon, toast::Toasts};
use crate::server_fns::RequestError;

/// Whether a request is in flight, and why the last request failed.
#[derive(Clone, Copy)]
pub struct Action {
    /// Whether the request is in flight.
    pub busy: RwSignal<bool>,
    /// Why the server refused.
    pub failure: RwSignal<Option<RequestError>>,
}

impl Default for Action {
    fn default() -> Self {
        Self {
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }
}

impl Action {
    /// Sends the request; `done` receives the response.
    pub fn send<T: 'static>(
        self,
        request: impl Future<Output = Result<T, RequestError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            match request.await {
                Ok(response) => done(response),
                Err(failure) => {
                    self.failure.try_set(Some(failure));
                }
            }
            self.busy.try_set(false);
        });
    }

    /// Shows failures as toasts.
    pub fn warn_on_failure(self, toasts: Toasts) {
        Effect::new(move |_| {
            if let Some(failure) = self.failure.get() {
                toasts.warn(failure.to_string());
            }
        });
    }

    /// The button; it is disabled while the request is in flight.
    pub fn button(
        self,
        icon_name: &'static str,
        label: &'static str,
        click: impl Fn() + 'static,
    ) -> AnyView {
        view! {
            <button type="button" class="btn" class:btn-busy=self.busy disabled=self.busy on:click=act(move |_| click())>
                {icon(icon_name)} {label}
            </button>
        }
        .erase()
    }
}

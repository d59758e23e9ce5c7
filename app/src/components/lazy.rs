//! A view whose code is loaded on demand.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use leptos::{prelude::*, reactive::computed::ScopedFuture, task::spawn_local};

use super::toast::Toasts;
use crate::erase::reactive;

/// Renders the view that `load` returns, once `wanted` is true. A failed load shows a toast and is
/// retried when `wanted` becomes true again.
pub fn lazy<F, E>(wanted: Signal<bool>, load: impl Fn() -> F + 'static) -> AnyView
where
    F: Future<Output = Result<AnyView, E>> + 'static,
    E: 'static,
{
    let toasts = Toasts::here();
    let owner = Owner::current();
    let requested = StoredValue::new(false);
    let view = StoredValue::new(Mutex::new(None::<AnyView>));
    let arrived = Trigger::new();
    Effect::new(move |_| {
        if !wanted.get() || requested.get_value() {
            return;
        }
        requested.set_value(true);
        let Some(owner) = owner.clone() else { return };
        // The view's owner is the place where it is mounted, not this effect, which may run again.
        let coming = owner.with(|| ScopedFuture::new(load()));
        spawn_local(async move {
            match coming.await {
                Ok(shown) => {
                    view.set_value(Mutex::new(Some(shown)));
                    arrived.notify();
                }
                Err(_) => {
                    requested.set_value(false);
                    toasts.warn("Loading failed. Check your connection and try again.");
                }
            }
        });
    });
    reactive(move || {
        arrived.track();
        view.with_value(|view| view.lock().unwrap_or_else(PoisonError::into_inner).take())
    })
}

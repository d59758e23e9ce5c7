//! A view whose code is loaded on demand.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use leptos::{prelude::*, reactive::computed::ScopedFuture, task::spawn_local};

use super::toast::Toasts;
use crate::erase::reactive;

/// Renders the view that `load` returns, once `is_needed` is true. A failed load shows a toast and
/// is retried when `is_needed` becomes true again.
pub fn lazy<F, E>(is_needed: Signal<bool>, load: impl Fn() -> F + 'static) -> AnyView
where
    F: Future<Output = Result<AnyView, E>> + 'static,
    E: 'static,
{
    let toasts = Toasts::here();
    let owner = Owner::current();
    let requested = StoredValue::new(false);
    let view = StoredValue::new(Mutex::new(None::<AnyView>));
    let loaded = Trigger::new();
    Effect::new(move |_| {
        if !is_needed.get() || requested.get_value() {
            return;
        }
        requested.set_value(true);
        let Some(owner) = owner.clone() else { return };
        // The view belongs to the owner of this call, not to this effect, which may run again.
        let loading = owner.with(|| ScopedFuture::new(load()));
        spawn_local(async move {
            match loading.await {
                Ok(loaded_view) => {
                    view.set_value(Mutex::new(Some(loaded_view)));
                    loaded.notify();
                }
                Err(_) => {
                    requested.set_value(false);
                    toasts.warn("Loading failed. Check your connection and try again.");
                }
            }
        });
    });
    reactive(move || {
        loaded.track();
        view.with_value(|view| view.lock().unwrap_or_else(PoisonError::into_inner).take())
    })
}

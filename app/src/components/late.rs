//! A part of the page whose code is loaded when somebody wants it.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use leptos::{prelude::*, reactive::computed::ScopedFuture, task::spawn_local};

use super::toast::Toasts;
use crate::solid::reactive;

/// Shows what `load` brings, from the moment when it is first `wanted`. A load that fails is told,
/// and tried again when it is wanted again.
pub fn late<F, E>(wanted: Signal<bool>, load: impl Fn() -> F + 'static) -> AnyView
where
    F: Future<Output = Result<AnyView, E>> + 'static,
    E: 'static,
{
    let toasts = Toasts::here();
    let owner = Owner::current();
    let asked = StoredValue::new(false);
    let view = StoredValue::new(Mutex::new(None::<AnyView>));
    let arrived = Trigger::new();
    Effect::new(move |_| {
        if !wanted.get() || asked.get_value() {
            return;
        }
        asked.set_value(true);
        let Some(owner) = owner.clone() else { return };
        // What is shown lives as long as its place, not until this effect runs again.
        let coming = owner.with(|| ScopedFuture::new(load()));
        spawn_local(async move {
            match coming.await {
                Ok(shown) => {
                    view.set_value(Mutex::new(Some(shown)));
                    arrived.notify();
                }
                Err(_) => {
                    asked.set_value(false);
                    toasts.warn("This could not be loaded. Check your connection and try again.");
                }
            }
        });
    });
    reactive(move || {
        arrived.track();
        view.with_value(|view| view.lock().unwrap_or_else(PoisonError::into_inner).take())
    })
}

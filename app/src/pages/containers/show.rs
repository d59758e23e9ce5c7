//! t
use leptos::prelude::*;
pub fn page() -> AnyView {
    ().into_any()
}

//! Views that are not pages, in a separate WebAssembly module that the browser loads when one of
//! them is first opened. This module contains only the split points; the views are defined in the
//! modules that they are named after.

use leptos::{prelude::*, wasm_split::SplitLoaderError};
use model::users::Role;

use crate::{
    layout::{jobs, palette},
    pages::containers::selection,
};

/// The list of running jobs in the header.
#[leptos::wasm_split::wasm_split(
    extras,
    wasm_split_path = leptos::wasm_split,
    fallible,
    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
)]
pub fn running_jobs() -> AnyView {
    jobs::list_view()
}

/// The command palette.
#[leptos::wasm_split::wasm_split(
    extras,
    wasm_split_path = leptos::wasm_split,
    preload(load),
    fallible,
    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
)]
pub fn palette(role: Role, state: palette::State) -> AnyView {
    palette::dialog(role, state)
}

/// The dialog that confirms the deletion of a container in the list.
#[leptos::wasm_split::wasm_split(
    extras,
    wasm_split_path = leptos::wasm_split,
    fallible,
    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
)]
pub fn delete_dialog(state: selection::Selection) -> AnyView {
    selection::delete_dialog(state)
}

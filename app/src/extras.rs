//! Views that are not pages, in a part of the program that the browser loads when one of them is first
//! opened. They are made where their names say; here is only where the program is split.

use leptos::{prelude::*, wasm_split::SplitLoaderError};
use model::users::Role;

use crate::{
    layout::{jobs, palette},
    pages::containers::list,
};

/// The running jobs in the header.
#[leptos::wasm_split::wasm_split(
    extras,
    wasm_split_path = leptos::wasm_split,
    fallible,
    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
)]
pub fn running_jobs() -> AnyView {
    jobs::list_view()
}

/// The palette.
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

/// Asks before a container in the list is deleted.
#[leptos::wasm_split::wasm_split(
    extras,
    wasm_split_path = leptos::wasm_split,
    fallible,
    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
)]
pub fn delete_dialog(chosen: list::Chosen) -> AnyView {
    list::delete_dialog(chosen)
}

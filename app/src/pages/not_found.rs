//! The page for unknown paths.

use crate::erase::Erase as _;
use leptos::prelude::*;

use crate::components::page::{PageHead, empty, main_link};

/// The page, with status 404.
pub fn not_found() -> AnyView {
    crate::status::set(404);
    let home = main_link("/containers", "arrow-right", "Go to containers");
    view! {
        <PageHead title="Not found" />
        {empty("circle-question-mark", "Nothing exists at this address", "It may be mistyped, or the page was removed.", home)}
    }
    .erase()
}

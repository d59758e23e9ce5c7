//! Thin wrappers of browser APIs. Called from event handlers and effects only, never on the server.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

pub fn element(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Focuses the element with this id.
pub fn focus(id: &str) {
    if let Some(element) = element(id) {
        let _ = element.focus();
    }
}

/// Closes the popover with this id, if it is open.
pub fn close_popover(id: &str) {
    if let Some(element) = element(id) {
        let _ = element.hide_popover();
    }
}

/// The elements that match a selector, in document order.
pub fn elements(selector: &str) -> Vec<HtmlElement> {
    let Ok(nodes) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    (0..nodes.length())
        .filter_map(|index| nodes.item(index)?.dyn_into().ok())
        .collect()
}

/// Copies text to the clipboard. Returns false if the browser refuses.
pub async fn copy(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Browsers offer no clipboard outside of a secure context.
    if clipboard.is_undefined() {
        return false;
    }
    wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text))
        .await
        .is_ok()
}

/// Whether keyboard focus is in a text field, or a dialog or popover is open.
pub fn is_typing() -> bool {
    let in_field = document().active_element().is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
            && element.get_attribute("type").as_deref() != Some("checkbox")
    });
    let in_dialog = document().query_selector("dialog[open], [popover]:popover-open");
    in_field || matches!(in_dialog, Ok(Some(_)))
}

/// Waits for `ms` milliseconds.
pub async fn pause(ms: i32) {
    let wait = js_sys::Promise::new(&mut |resolve, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(wait).await;
}

/// Loads a page of this server, with everything that belongs to the session.
pub fn load(path: &str) {
    let _ = window().location().set_href(path);
}

/// Scheme, host and port of this server, such as `https://cloud.example.org`.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

//! The HTTP status of the current response; a no-op in the browser.

/// Sets the status, such as 404.
#[cfg(feature = "ssr")]
pub fn set(status: u16) {
    let options = leptos::prelude::use_context::<leptos_axum::ResponseOptions>();
    if let (Some(options), Ok(status)) = (options, axum::http::StatusCode::from_u16(status)) {
        options.set_status(status);
    }
}

/// Sets the status, such as 404.
#[cfg(not(feature = "ssr"))]
pub fn set(_status: u16) {}

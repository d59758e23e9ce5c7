//! Renders pages of the application on the server.

use std::sync::Arc;

use app::{SessionCookies, shell};
use axum::{extract::Request, http::header, response::Response};
use leptos::{
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::ResponseOptions;

use crate::{headers, session, state::AppState};

/// Provides the Leptos context for pages and server functions.
pub fn page_context(state: &AppState) -> impl Fn() + Clone + Send + Sync + use<> {
    let (control, web_assets) = (state.control.clone(), state.web_assets.clone());
    let public = state.public.clone();
    let cookies = SessionCookies(Arc::new(move |session| {
        session::session_cookies(&public.url, session)
    }));
    move || {
        provide_context(cookies.clone());
        provide_context(app::EventPosition(control.event_position().to_string()));
        provide_context(control.clone());
        provide_context(web_assets.current().page_urls());
        let policy = use_nonce().and_then(|nonce| headers::page_policy(&nonce).ok());
        let response = use_context::<ResponseOptions>();
        if let (Some(policy), Some(response)) = (policy, response) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Renders the application for a request, with additional context.
pub async fn render(
    state: &AppState,
    request: Request,
    additional_context: impl Fn() + Clone + Send + Sync + 'static,
) -> Response {
    let (context, web_assets) = (page_context(state), state.web_assets.clone());
    let handler = leptos_axum::render_app_async_with_context(
        move || {
            context();
            additional_context();
        },
        move || shell(web_assets.current().page_urls()),
    );
    handler(request).await
}

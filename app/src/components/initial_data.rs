//! The data of the first render: the server waits for it and writes it into the page, the browser
//! reads it from there.
//!
//! Server and browser number the data in the order in which it is requested: one number for the
//! data, and one for each section that displays it.

/// The data of the first render.
pub use imp::InitialData;

#[cfg(feature = "ssr")]
mod imp {
    use std::time::Duration;

    use leptos::{prelude::*, server::codee::string::FromToStringCodec};
    use model::Error;

    use crate::{
        components::{
            erased_value::{EmbeddedResponse, ErasedValue},
            live_resource::{PendingResponse, Section, render_live},
        },
        erase::Erase as _,
        server_fns::{RequestError, into_request_error},
    };

    /// How long the server waits for the data of one section of a page.
    const BUDGET: Duration = Duration::from_secs(4);

    #[derive(Clone, Copy)]
    pub struct InitialData(Resource<EmbeddedResponse, FromToStringCodec>);

    impl InitialData {
        /// Starts the request.
        pub fn of(section: &Section) -> Self {
            let fetch = section.fetch.clone();
            let fetch = move |()| {
                let request = untrack(|| fetch());
                async move { EmbeddedResponse(in_time(request).await) }
            };
            Self(Resource::new_str(|| (), fetch))
        }

        /// Renders the section once the response has arrived.
        pub fn render(self, section: Section, skeleton: fn() -> AnyView) -> AnyView {
            let content = move || {
                let section = section.clone();
                Suspend::new(async move {
                    let EmbeddedResponse(response) = self.0.await;
                    render_live(&section, response, Callback::new(|()| ()))
                })
            };
            view! { <Suspense fallback=skeleton>{content}</Suspense> }.erase()
        }
    }

    async fn in_time(request: PendingResponse) -> Result<ErasedValue, RequestError> {
        if let Ok(response) = tokio::time::timeout(BUDGET, request).await {
            return response;
        }
        let message = "The server is slow to respond. Try again in a moment.".to_owned();
        Err(into_request_error(Error::Unavailable { message }))
    }
}

#[cfg(not(feature = "ssr"))]
mod imp {
    use leptos::prelude::*;

    use crate::components::{
        erased_value::EmbeddedResponse,
        live_resource::{Section, render_or_fetch},
    };

    #[derive(Clone, Copy)]
    pub struct InitialData(StoredValue<Option<EmbeddedResponse>>);

    impl InitialData {
        /// Reads the data from the page; `None` after hydration.
        pub fn of(_section: &Section) -> Self {
            let context = Owner::current_shared_context();
            let data = context.and_then(|context| {
                let id = context.next_id();
                let text = context
                    .during_hydration()
                    .then(|| context.read_data(&id))??;
                text.parse().ok()
            });
            Self(StoredValue::new(data))
        }

        /// Renders the section from the data in the page, or fetches the data.
        pub fn render(self, section: Section, skeleton: fn() -> AnyView) -> AnyView {
            if let Some(context) = Owner::current_shared_context() {
                context.next_id();
            }
            let data = self
                .0
                .get_value()
                .map(|EmbeddedResponse(response)| response);
            render_or_fetch(section, data, skeleton)
        }
    }
}

//! The data of the first render: the server waits for it and writes it into the page, the browser
//! reads it from there.
//!
//! Server and browser number the data in the order in which it is requested: one number for the
//! data, and one for each place that displays it.

/// The data of the first render.
pub use imp::InitialData;

#[cfg(feature = "ssr")]
mod imp {
    use std::time::Duration;

    use leptos::{prelude::*, server::codee::string::FromToStringCodec};
    use model::Error;

    use crate::{
        components::{
            erased_value::{ErasedValue, Sent},
            live_resource::{Part, PendingResponse, begin},
        },
        erase::Erase as _,
        server_fns::{Failure, into_failure},
    };

    /// How long the server waits for one part of a page.
    const BUDGET: Duration = Duration::from_secs(4);

    #[derive(Clone, Copy)]
    pub struct InitialData(Resource<Sent, FromToStringCodec>);

    impl InitialData {
        /// Starts the request.
        pub fn of(part: &Part) -> Self {
            let ask = part.ask.clone();
            let fetch = move |()| {
                let request = untrack(|| ask());
                async move { Sent(in_time(request).await) }
            };
            Self(Resource::new_str(|| (), fetch))
        }

        /// Renders the part once the response has arrived.
        pub fn show(self, part: Part, skeleton: fn() -> AnyView) -> AnyView {
            let show = move || {
                let part = part.clone();
                Suspend::new(async move {
                    let Sent(response) = self.0.await;
                    begin(&part, response, Callback::new(|()| ()))
                })
            };
            view! { <Suspense fallback=skeleton>{show}</Suspense> }.erase()
        }
    }

    async fn in_time(request: PendingResponse) -> Result<ErasedValue, Failure> {
        if let Ok(response) = tokio::time::timeout(BUDGET, request).await {
            return response;
        }
        let message = "The server is slow to respond. Try again in a moment.".to_owned();
        Err(into_failure(Error::Unavailable { message }))
    }
}

#[cfg(not(feature = "ssr"))]
mod imp {
    use leptos::prelude::*;

    use crate::components::{
        erased_value::Sent,
        live_resource::{Part, from_here},
    };

    #[derive(Clone, Copy)]
    pub struct InitialData(StoredValue<Option<Sent>>);

    impl InitialData {
        /// Reads the data from the page; `None` after hydration.
        pub fn of(_part: &Part) -> Self {
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

        /// Renders the part from the data in the page, or fetches the data.
        pub fn show(self, part: Part, skeleton: fn() -> AnyView) -> AnyView {
            if let Some(context) = Owner::current_shared_context() {
                context.next_id();
            }
            let data = self.0.get_value().map(|Sent(response)| response);
            from_here(part, data, skeleton)
        }
    }
}

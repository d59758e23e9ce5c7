//! The first answer to what a part of the page asks: the server waits for it and writes it into
//! the page, the browser finds it there.
//!
//! Both halves number what is written by the order in which they come to it: one number for the
//! answer, one for each place that shows it.

/// The first answer.
pub use half::First;

#[cfg(feature = "ssr")]
mod half {
    use std::time::Duration;

    use leptos::{prelude::*, server::codee::string::FromToStringCodec};
    use model::Error;

    use crate::{
        api::{Failure, told},
        components::{
            loaded::{Answer, Part, begin},
            parcel::{Parcel, Sent},
        },
        solid::Solid as _,
    };

    /// How long a page waits for one of its parts.
    const BUDGET: Duration = Duration::from_secs(4);

    #[derive(Clone, Copy)]
    pub struct First(Resource<Sent, FromToStringCodec>);

    impl First {
        /// Asks.
        pub fn of(part: &Part) -> Self {
            let ask = part.ask.clone();
            let answer = move |()| {
                let answer = untrack(|| ask());
                async move { Sent(in_time(answer).await) }
            };
            Self(Resource::new_str(|| (), answer))
        }

        /// Shows the part, once the answer is there.
        pub fn show(self, part: Part, skeleton: fn() -> AnyView) -> AnyView {
            let show = move || {
                let part = part.clone();
                Suspend::new(async move {
                    let Sent(answer) = self.0.await;
                    begin(&part, answer, Callback::new(|()| ()))
                })
            };
            view! { <Suspense fallback=skeleton>{show}</Suspense> }.solid()
        }
    }

    async fn in_time(answer: Answer) -> Result<Parcel, Failure> {
        if let Ok(answer) = tokio::time::timeout(BUDGET, answer).await {
            return answer;
        }
        let message = "This takes longer than usual. Try again in a moment.".to_owned();
        Err(told(Error::Unavailable { message }))
    }
}

#[cfg(not(feature = "ssr"))]
mod half {
    use leptos::prelude::*;

    use crate::components::{
        loaded::{Part, from_here},
        parcel::Sent,
    };

    #[derive(Clone, Copy)]
    pub struct First(StoredValue<Option<Sent>>);

    impl First {
        /// Looks into the page; there is nothing once the application has taken that over.
        pub fn of(_part: &Part) -> Self {
            let context = Owner::current_shared_context();
            let there = context.and_then(|context| {
                let id = context.next_id();
                let text = context
                    .during_hydration()
                    .then(|| context.read_data(&id))??;
                text.parse().ok()
            });
            Self(StoredValue::new(there))
        }

        /// Shows the part with the answer that the page brought, else asks for it.
        pub fn show(self, part: Part, skeleton: fn() -> AnyView) -> AnyView {
            if let Some(context) = Owner::current_shared_context() {
                context.next_id();
            }
            let there = self.0.get_value().map(|Sent(answer)| answer);
            from_here(part, there, skeleton)
        }
    }
}

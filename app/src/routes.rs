//! The application and the addresses of its pages.

use crate::solid::Solid as _;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, LazyRoute, OptionalParamSegment, ParamSegment, SsrMode, StaticSegment,
    components::{FlatRoutes, Redirect, Route, Router},
};

use crate::{
    clock::Clock,
    components::toast::Toasts,
    layout::Frame,
    live::Live,
    pages::{containers, jobs, nodes, not_found::not_found, sign_in, sites, users},
    session::Session,
};

/// Names a page as a unit that can be loaded when it is first needed.
macro_rules! lazy {
    ($($name:ident = $view:path;)*) => {$(
        struct $name;

        impl LazyRoute for $name {
            fn data() -> Self {
                Self
            }

            async fn view(_this: Self) -> AnyView {
                $view()
            }
        }
    )*};
}

lazy! {
    SignIn = sign_in::page;
    Containers = containers::list::page;
    NewContainer = containers::new::page;
    Container = containers::show::page;
    Jobs = jobs::list::page;
    Job = jobs::show::page;
    Nodes = nodes::page;
    Sites = sites::list::page;
    NewSite = sites::new::page;
    Site = sites::show::page;
    Users = users::list::page;
    NewUser = users::new::page;
    User = users::show::page;
}

/// The whole application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Session::provide();
    Live::provide();
    Clock::provide();
    Toasts::provide();
    view! {
        <Title text="Holdfast" />
        <Router>
            <Frame>{pages()}</Frame>
        </Router>
    }
}

fn pages() -> AnyView {
    view! {
        <FlatRoutes fallback=not_found>
            <Route path=StaticSegment("") view=|| view! { <Redirect path="/containers" /> } ssr=SsrMode::Async />
            <Route path=StaticSegment("sign-in") view={Lazy::<SignIn>::new()} ssr=SsrMode::Async />
            <Route path=StaticSegment("containers") view={Lazy::<Containers>::new()} ssr=SsrMode::Async />
            <Route
                path=(StaticSegment("containers"), StaticSegment("new"))
                view={Lazy::<NewContainer>::new()}
                ssr=SsrMode::Async
            />
            <Route
                path=(
                    StaticSegment("sites"),
                    ParamSegment("site"),
                    StaticSegment("containers"),
                    ParamSegment("name"),
                    OptionalParamSegment("tab"),
                )
                view={Lazy::<Container>::new()}
                ssr=SsrMode::Async
            />
            <Route path=StaticSegment("jobs") view={Lazy::<Jobs>::new()} ssr=SsrMode::Async />
            <Route path=(StaticSegment("jobs"), ParamSegment("id")) view={Lazy::<Job>::new()} ssr=SsrMode::Async />
            <Route path=StaticSegment("nodes") view={Lazy::<Nodes>::new()} ssr=SsrMode::Async />
            <Route path=StaticSegment("sites") view={Lazy::<Sites>::new()} ssr=SsrMode::Async />
            <Route path=(StaticSegment("sites"), StaticSegment("new")) view={Lazy::<NewSite>::new()} ssr=SsrMode::Async />
            <Route path=(StaticSegment("sites"), ParamSegment("site")) view={Lazy::<Site>::new()} ssr=SsrMode::Async />
            <Route path=StaticSegment("users") view={Lazy::<Users>::new()} ssr=SsrMode::Async />
            <Route path=(StaticSegment("users"), StaticSegment("new")) view={Lazy::<NewUser>::new()} ssr=SsrMode::Async />
            <Route path=(StaticSegment("users"), ParamSegment("name")) view={Lazy::<User>::new()} ssr=SsrMode::Async />
        </FlatRoutes>
    }
    .solid()
}

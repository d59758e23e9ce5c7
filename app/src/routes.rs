//! The application and the addresses of its pages.
//!
//! Each page is a part of the program that the browser loads when it is first needed. The part of
//! the page that the server has made is loaded before the application takes that over.

use crate::solid::Solid as _;
use leptos::prelude::*;
use leptos_router::{
    Lazy, LazyRoute, OptionalParamSegment, ParamSegment, PossibleRouteMatch, SsrMode,
    StaticSegment,
    components::{FlatRoutes, Redirect, Route, Router},
};

use crate::{
    clock::Clock,
    components::{title::title, toast::Toasts},
    layout::Frame,
    live::Live,
    pages::{
        agents, authorities, certificates, clusters, containers, domains, jobs, nodes,
        not_found::not_found, providers, sign_in, sites, users,
    },
    session::Session,
};

/// The table of pages: a name, the part of the program that it is in, the address, what makes the
/// view. The first that matches is taken. Few parts, since what several of them need is a part of
/// its own for each combination of them.
macro_rules! pages {
    ($($name:ident in $part:ident at $segments:expr => $view:path;)*) => {
        $(
            struct $name {}

            #[cfg(not(feature = "ssr"))]
            const _: () = {
                use leptos::wasm_split::SplitLoaderError;

                #[leptos::wasm_split::wasm_split(
                    $part,
                    wasm_split_path = leptos::wasm_split,
                    preload(load),
                    fallible,
                    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
                )]
                // The name of the code is made of this one and must be no other page's.
                #[allow(non_snake_case)]
                fn $name() -> AnyView {
                    $view()
                }

                impl LazyRoute for $name {
                    fn data() -> Self {
                        Self {}
                    }

                    async fn view(_this: Self) -> AnyView {
                        $name().await.unwrap_or_else(absent::not_loaded)
                    }

                    async fn preload() {
                        // A page whose part did not come says so when it is shown.
                        let _ = load().await;
                    }
                }
            };

            // The server has the whole program. Were it to ask for parts too, the first two who
            // look at a page would meet in the asking, and one of them could wait forever.
            #[cfg(feature = "ssr")]
            impl LazyRoute for $name {
                fn data() -> Self {
                    Self {}
                }

                async fn view(_this: Self) -> AnyView {
                    $view()
                }
            }
        )*

        /// Loads the part of the program that the page at `path` needs.
        pub async fn preload(path: &str) {
            $(if leads(&$segments, path) {
                return <$name as LazyRoute>::preload().await;
            })*
        }

        /// The name of the part that the page at `path` is in.
        #[cfg(feature = "ssr")]
        fn part_at(path: &str) -> Option<&'static str> {
            $(if leads(&$segments, path) {
                return Some(stringify!($part));
            })*
            None
        }

        fn pages() -> AnyView {
            view! {
                <FlatRoutes fallback=not_found>
                    <Route path=StaticSegment("") view=|| view! { <Redirect path="/containers" /> } ssr=SsrMode::Async />
                    $(<Route path={$segments} view={Lazy::<$name>::new()} ssr=SsrMode::Async />)*
                </FlatRoutes>
            }
            .solid()
        }
    };
}

pages! {
    SignIn in sign_in at StaticSegment("sign-in") => sign_in::page;
    Containers in home at StaticSegment("containers") => containers::list::page;
    NewContainer in work at (StaticSegment("containers"), StaticSegment("new")) => containers::new::page;
    Container in work at (
        StaticSegment("sites"),
        ParamSegment("site"),
        StaticSegment("containers"),
        ParamSegment("name"),
        OptionalParamSegment("tab"),
    ) => containers::show::page;
    Jobs in work at StaticSegment("jobs") => jobs::list::page;
    Job in work at (StaticSegment("jobs"), ParamSegment("id")) => jobs::show::page;
    Clusters in house at StaticSegment("clusters") => clusters::list::page;
    NewCluster in house at (StaticSegment("clusters"), StaticSegment("new")) => clusters::new::page;
    Cluster in house at (StaticSegment("clusters"), ParamSegment("cluster")) => clusters::show::page;
    Nodes in house at StaticSegment("nodes") => nodes::page;
    Sites in house at StaticSegment("sites") => sites::list::page;
    NewSite in house at (StaticSegment("sites"), StaticSegment("new")) => sites::new::page;
    Site in house at (StaticSegment("sites"), ParamSegment("site")) => sites::show::page;
    Domains in house at StaticSegment("domains") => domains::list::page;
    NewDomain in house at (StaticSegment("domains"), StaticSegment("new")) => domains::new::page;
    Domain in house at (StaticSegment("domains"), ParamSegment("id")) => domains::show::page;
    Certificates in house at StaticSegment("certificates") => certificates::list::page;
    NewCertificate in house at (StaticSegment("certificates"), StaticSegment("new")) => certificates::new::page;
    Certificate in house at (StaticSegment("certificates"), ParamSegment("id")) => certificates::show::page;
    Authorities in house at StaticSegment("authorities") => authorities::list::page;
    NewAuthority in house at (StaticSegment("authorities"), StaticSegment("new")) => authorities::new::page;
    Authority in house at (StaticSegment("authorities"), ParamSegment("authority")) => authorities::show::page;
    Providers in house at StaticSegment("providers") => providers::list::page;
    NewProvider in house at (StaticSegment("providers"), StaticSegment("new")) => providers::new::page;
    Provider in house at (StaticSegment("providers"), ParamSegment("provider")) => providers::show::page;
    Agents in house at StaticSegment("agents") => agents::list::page;
    NewAgent in house at (StaticSegment("agents"), StaticSegment("new")) => agents::new::page;
    Agent in house at (
        StaticSegment("sites"),
        ParamSegment("site"),
        StaticSegment("agents"),
        ParamSegment("name"),
    ) => agents::show::page;
    AgentFiles in house at (
        StaticSegment("sites"),
        ParamSegment("site"),
        StaticSegment("agents"),
        ParamSegment("name"),
        StaticSegment("files"),
    ) => agents::files::page;
    Users in house at StaticSegment("users") => users::list::page;
    NewUser in house at (StaticSegment("users"), StaticSegment("new")) => users::new::page;
    User in house at (StaticSegment("users"), ParamSegment("name")) => users::show::page;
}

/// Whether the whole of `path` is what the segments mean.
fn leads(segments: &dyn PossibleRouteMatch, path: &str) -> bool {
    segments
        .test(path)
        .is_some_and(|found| matches!(found.remaining(), "" | "/"))
}

/// The name of the part of the program that the page which the server is asked for is in.
#[cfg(feature = "ssr")]
pub fn here() -> Option<&'static str> {
    let url = use_context::<leptos_router::location::RequestUrl>()?;
    part_at(url.parse().ok()?.path())
}

/// The whole application.
#[component]
pub fn App() -> impl IntoView {
    #[cfg(feature = "ssr")]
    leptos_meta::provide_meta_context();
    title(Signal::stored("Holdfast".to_owned()));
    Session::provide();
    Live::provide();
    Clock::provide();
    Toasts::provide();
    view! {
        <Router>
            <Frame>{pages()}</Frame>
        </Router>
    }
}

/// What is shown in the place of a page whose part of the program did not come.
#[cfg(not(feature = "ssr"))]
mod absent {
    use leptos::{prelude::*, wasm_split::SplitLoaderError};
    use model::Error;

    use crate::{
        api::Failure,
        components::failure::{Place, failure_panel},
    };

    /// The server is away, or it is newer than what the browser has.
    pub fn not_loaded(_: SplitLoaderError) -> AnyView {
        let message = "This page could not be loaded. Check your connection, then load it again.";
        let failure = Failure(Error::Unavailable {
            message: message.to_owned(),
        });
        let reload = Callback::new(|()| {
            let _ = window().location().reload();
        });
        failure_panel(failure, Some(reload), Place::Page)
    }
}

//! The application and the addresses of its pages.
//!
//! Each page but the first is in a part of the program that the browser loads when it is first needed.
//! The part of the page that the server has rendered is loaded before the application hydrates it.

mod pattern;

use std::pin::Pin;

use leptos::{children::ToChildren, prelude::*, tachys::view::iterators::StaticVec};
use leptos_router::{
    ChooseView, NestedRoute, SsrMode,
    components::{FlatRoutes, FlatRoutesProps, Redirect, Router},
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
    solid::Solid as _,
};
use pattern::Pattern;

/// A future of the browser's one thread.
type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// How the router comes by a page: the same type for all of them, so that one more page is one more
/// line of data in what every page needs.
#[derive(Clone, Copy)]
struct Page {
    view: fn() -> LocalFuture<AnyView>,
    preload: fn() -> LocalFuture<()>,
}

impl ChooseView for Page {
    async fn choose(self) -> AnyView {
        (self.view)().await
    }

    async fn preload(&self) {
        (self.preload)().await;
    }
}

/// An address, the name of the part of the program that its page is in, and the page.
type Entry = (Pattern, Option<&'static str>, Page);

/// The table of pages: a name, the part of the program that it is in, the address, what makes the
/// view. The first that matches is taken. Few parts, since what several of them need is a part of
/// its own for each combination of them.
macro_rules! pages {
    ($($name:ident in $part:ident at $pattern:literal => $view:path;)*) => {
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

                impl $name {
                    const PAGE: Page = Page {
                        view: || Box::pin(async { $name().await.unwrap_or_else(absent::not_loaded) }),
                        preload: || Box::pin(async {
                            // A page whose part did not come says so when it is shown.
                            let _ = load().await;
                        }),
                    };
                }
            };

            // The server has the whole program. Were it to ask for parts too, the first two who
            // look at a page would meet in the asking, and one of them could wait forever.
            #[cfg(feature = "ssr")]
            impl $name {
                const PAGE: Page = Page {
                    view: || Box::pin(async { $view() }),
                    preload: || Box::pin(async {}),
                };
            }
        )*

        const PAGES: &[Entry] = &[CONTAINERS, $((Pattern($pattern), Some(stringify!($part)), $name::PAGE)),*];
    };
}

/// The page that a visit begins with. It is not split off: a file of its own, and one for what it shares
/// with each combination of other parts, cost a first visit more than they save others.
const CONTAINERS: Entry = (
    Pattern("containers"),
    None,
    Page {
        view: || Box::pin(async { containers::list::page() }),
        preload: || Box::pin(async {}),
    },
);

pages! {
    SignIn in sign_in at "sign-in" => sign_in::page;
    SignInLink in sign_in at "sign-in/link" => sign_in::page;
    NewContainer in work at "containers/new" => containers::new::page;
    Container in work at "sites/:site/containers/:name/:tab?" => containers::show::page;
    Jobs in work at "jobs" => jobs::list::page;
    Job in work at "jobs/:id" => jobs::show::page;
    Clusters in house at "clusters" => clusters::list::page;
    NewCluster in house at "clusters/new" => clusters::new::page;
    Cluster in house at "clusters/:cluster" => clusters::show::page;
    Nodes in house at "nodes" => nodes::page;
    Sites in house at "sites" => sites::list::page;
    NewSite in house at "sites/new" => sites::new::page;
    Site in house at "sites/:site" => sites::show::page;
    Domains in house at "domains" => domains::list::page;
    NewDomain in house at "domains/new" => domains::new::page;
    Domain in house at "domains/:id" => domains::show::page;
    Certificates in house at "certificates" => certificates::list::page;
    NewCertificate in house at "certificates/new" => certificates::new::page;
    Certificate in house at "certificates/:id" => certificates::show::page;
    Authorities in house at "authorities" => authorities::list::page;
    NewAuthority in house at "authorities/new" => authorities::new::page;
    Authority in house at "authorities/:authority" => authorities::show::page;
    Providers in house at "providers" => providers::list::page;
    NewProvider in house at "providers/new" => providers::new::page;
    Provider in house at "providers/:provider" => providers::show::page;
    Agents in house at "agents" => agents::list::page;
    NewAgent in house at "agents/new" => agents::new::page;
    Agent in house at "sites/:site/agents/:name" => agents::show::page;
    AgentFiles in house at "sites/:site/agents/:name/files" => agents::files::page;
    Users in house at "users" => users::list::page;
    NewUser in house at "users/new" => users::new::page;
    User in house at "users/:name" => users::show::page;
}

/// The page at the root.
const ROOT: Page = Page {
    view: || Box::pin(async { view! { <Redirect path="/containers" /> }.solid() }),
    preload: || Box::pin(async {}),
};

fn pages() -> AnyView {
    let routes = || {
        let entries = PAGES.iter().map(|(pattern, _, page)| (*pattern, *page));
        let all = std::iter::once((Pattern(""), ROOT)).chain(entries);
        let routes =
            all.map(|(pattern, page)| NestedRoute::new(pattern, page).ssr_mode(SsrMode::Async));
        StaticVec::from(routes.collect::<Vec<_>>())
    };
    let routes = FlatRoutesProps::builder()
        .fallback(not_found)
        .children(ToChildren::to_children(routes))
        .build();
    FlatRoutes(routes).into_view().solid()
}

/// The line of the table that `path` leads to.
fn entry_at(path: &str) -> Option<&'static Entry> {
    PAGES.iter().find(|(pattern, ..)| pattern.matches(path))
}

/// Loads the part of the program that the page at `path` needs.
pub async fn preload(path: &str) {
    if let Some((_, _, page)) = entry_at(path) {
        (page.preload)().await;
    }
}

/// The name of the part of the program that the page which the server is asked for is in.
#[cfg(feature = "ssr")]
pub fn here() -> Option<&'static str> {
    let url = use_context::<leptos_router::location::RequestUrl>()?;
    let (_, part, _) = entry_at(url.parse().ok()?.path())?;
    *part
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An address that the pattern matches, with all of its parameters.
    fn example(Pattern(pattern): &Pattern) -> String {
        let segments = pattern.split('/');
        let segments = segments.map(|segment| match segment.strip_prefix(':') {
            Some(_) => "example",
            None => segment,
        });
        format!("/{}", segments.collect::<Vec<_>>().join("/"))
    }

    #[test]
    fn no_page_hides_a_later_one() {
        for (pattern, ..) in PAGES {
            let path = example(pattern);
            let (first, ..) = entry_at(&path).expect("its own line matches");
            assert_eq!(first.0, pattern.0, "{path}");
        }
    }

    #[test]
    fn only_the_end_of_an_address_is_optional() {
        for (Pattern(pattern), ..) in PAGES {
            let optional = pattern
                .split('/')
                .skip_while(|segment| !segment.ends_with('?'));
            assert!(
                optional.into_iter().all(|segment| segment.ends_with('?')),
                "{pattern}"
            );
        }
    }
}

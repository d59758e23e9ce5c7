//! The root component and the table of routes.
//!
//! Each page except the list of containers is in a WebAssembly module that the browser loads when
//! it is first needed. The module of the page that the server has rendered is loaded before
//! hydration.

mod pattern;

use std::pin::Pin;

use leptos::{children::ToChildren, prelude::*, tachys::view::iterators::StaticVec};
use leptos_router::{
    ChooseView, NestedRoute, SsrMode,
    components::{FlatRoutes, FlatRoutesProps, Redirect, Router},
};

use crate::{
    clock::Clock,
    components::{
        title::{PageTitle, title},
        toast::Toasts,
    },
    erase::Erase as _,
    layout::Frame,
    live::Live,
    pages::{
        account, authorities, certificates, clusters, containers, domains, hosts, invitations,
        jobs, nodes, not_found::not_found, providers, sign_in, sites, users,
    },
    session::Session,
};
use pattern::Pattern;

/// A future for the browser's single thread.
type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// How the router loads a page. The type is the same for all pages, so that another page adds only
/// a row of data to the main module.
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

/// A path pattern, the name of the WebAssembly module that contains the page, and the page.
type Entry = (Pattern, Option<&'static str>, Page);

/// The table of pages: name, WebAssembly module, path pattern, view function. The first match wins.
/// There are few modules, because code that several of them share is put into one more file for
/// each combination of modules.
macro_rules! pages {
    ($($name:ident in $module:ident at $pattern:literal => $view:path;)*) => {
        $(
            struct $name {}

            #[cfg(not(feature = "ssr"))]
            const _: () = {
                use leptos::wasm_split::SplitLoaderError;

                #[leptos::wasm_split::wasm_split(
                    $module,
                    wasm_split_path = leptos::wasm_split,
                    preload(load),
                    fallible,
                    return_wrapper(let view = _; { Ok(view) } -> Result<AnyView, SplitLoaderError>)
                )]
                // The symbol name of the split function is derived from this name, which must be
                // unique among pages.
                #[allow(non_snake_case)]
                fn $name() -> AnyView {
                    $view()
                }

                impl $name {
                    const PAGE: Page = Page {
                        view: || Box::pin(async { $name().await.unwrap_or_else(load_failure::page) }),
                        preload: || Box::pin(async {
                            // The error is shown when the page is rendered.
                            let _ = load().await;
                        }),
                    };
                }
            };

            // The server contains all pages. Lazy loading there could deadlock the first two
            // requests for a page, which would both wait for the loader.
            #[cfg(feature = "ssr")]
            impl $name {
                const PAGE: Page = Page {
                    view: || Box::pin(async { $view() }),
                    preload: || Box::pin(async {}),
                };
            }
        )*

        const PAGES: &[Entry] = &[CONTAINERS, $((Pattern($pattern), Some(stringify!($module)), $name::PAGE)),*];
    };
}

/// The start page. It is not split off: its own file, and one for the code that it shares with each
/// combination of other modules, would cost a first visit more than other visits save.
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
    AcceptInvitation in sign_in at "sign-in/invitation" => invitations::accept::page;
    Account in work at "account" => account::page;
    NewContainer in work at "containers/new" => containers::new::page;
    Container in work at "sites/:site/containers/:name/:tab?" => containers::show::page;
    SiteContainers in work at "sites/:site/containers" => containers::list::of_site;
    Jobs in work at "jobs" => jobs::list::page;
    Job in work at "jobs/:id" => jobs::show::page;
    Clusters in admin at "clusters" => clusters::list::page;
    NewCluster in admin at "clusters/new" => clusters::new::page;
    Cluster in admin at "clusters/:cluster/:tab?" => clusters::show::page;
    Nodes in admin at "nodes" => nodes::page;
    Sites in admin at "sites" => sites::list::page;
    NewSite in admin at "sites/new" => sites::new::page;
    Site in admin at "sites/:site/:tab?" => sites::show::page;
    Domains in admin at "domains" => domains::list::page;
    NewDomain in admin at "domains/new" => domains::new::page;
    Domain in admin at "domains/:id/:tab?" => domains::show::page;
    Certificates in admin at "certificates" => certificates::list::page;
    NewCertificate in admin at "certificates/new" => certificates::new::page;
    Certificate in admin at "certificates/:id" => certificates::show::page;
    Authorities in admin at "authorities" => authorities::list::page;
    NewAuthority in admin at "authorities/new" => authorities::new::page;
    Authority in admin at "authorities/:authority" => authorities::show::page;
    Providers in admin at "providers" => providers::list::page;
    NewProvider in admin at "providers/new" => providers::new::page;
    Provider in admin at "providers/:provider" => providers::show::page;
    Hosts in admin at "hosts" => hosts::list::page;
    NewHost in admin at "hosts/new" => hosts::new::page;
    HostFiles in admin at "sites/:site/hosts/:name/files" => hosts::files::page;
    Host in admin at "sites/:site/hosts/:name/:tab?" => hosts::show::page;
    Users in admin at "users" => users::list::page;
    NewUser in admin at "users/new" => users::new::page;
    User in admin at "users/:name" => users::show::page;
    Invitations in admin at "invitations" => invitations::list::page;
    NewInvitation in admin at "invitations/new" => invitations::new::page;
}

/// The page at the root.
const ROOT: Page = Page {
    view: || Box::pin(async { view! { <Redirect path="/containers" /> }.erase() }),
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
    FlatRoutes(routes).into_view().erase()
}

/// The row of the table that matches `path`.
fn entry_at(path: &str) -> Option<&'static Entry> {
    PAGES.iter().find(|(pattern, ..)| pattern.matches(path))
}

/// Whether a page has this path.
pub fn exists(path: &str) -> bool {
    path == "/" || entry_at(path).is_some()
}

/// Loads the WebAssembly module of the page at `path`.
pub async fn preload(path: &str) {
    if let Some((_, _, page)) = entry_at(path) {
        (page.preload)().await;
    }
}

/// The name of the WebAssembly module of the requested page.
#[cfg(feature = "ssr")]
pub fn requested_module() -> Option<&'static str> {
    let url = use_context::<leptos_router::location::RequestUrl>()?;
    let (_, module, _) = entry_at(url.parse().ok()?.path())?;
    *module
}

/// The whole application.
#[component]
pub fn App() -> impl IntoView {
    #[cfg(feature = "ssr")]
    leptos_meta::provide_meta_context();
    PageTitle::provide();
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

/// The page that is shown if its WebAssembly module could not be loaded.
#[cfg(not(feature = "ssr"))]
mod load_failure {
    use leptos::{prelude::*, wasm_split::SplitLoaderError};
    use model::Error;

    use crate::{
        components::failure::{FailureScope, failure_panel},
        server_fns::RequestError,
    };

    /// The server is unreachable, or it is newer than the files in the browser.
    pub fn page(_: SplitLoaderError) -> AnyView {
        let message = "This page could not be loaded. Check your connection, then reload the page.";
        let failure = RequestError(Error::Unavailable {
            message: message.to_owned(),
        });
        let reload = Callback::new(|()| {
            let _ = window().location().reload();
        });
        failure_panel(failure, Some(reload), FailureScope::Page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that the pattern matches, with all of its parameters.
    fn example(Pattern(pattern): &Pattern) -> String {
        let segments = pattern.split('/');
        let segments = segments.map(|segment| match segment.strip_prefix(':') {
            Some(_) => "example",
            None => segment,
        });
        format!("/{}", segments.collect::<Vec<_>>().join("/"))
    }

    #[test]
    fn no_pattern_shadows_a_later_one() {
        for (pattern, ..) in PAGES {
            let path = example(pattern);
            let (first, ..) = entry_at(&path).expect("its own line matches");
            assert_eq!(first.0, pattern.0, "{path}");
        }
    }

    #[test]
    fn optional_segments_are_last() {
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

//! The page of one object, with tabs that have their own paths below the object's path.
//!
//! The header stays when the user switches tabs. Each tab fetches only its own data.

use std::future::Future;

use leptos::prelude::*;
use leptos_router::{hooks::use_params_map, params::ParamsMap};
use model::events::Event;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    components::{
        live_resource::{LiveResource, live_resource},
        page::object_skeleton,
    },
    erase::reactive,
    pages::not_found::not_found,
    server_fns::RequestError,
};

/// A tab: its key, its label, and its last path segment, which is empty for the first tab.
pub type Tab<X> = (X, &'static str, &'static str);

/// Renders the data that `fetch` returns for the object and the tab in the URL.
///
/// `view` is called once for each object, with its data and the index of the tab in the URL. When
/// the tab changes, the same [`LiveResource`] receives the data of the other tab.
pub fn tabbed_page<K, X, T, F, Fut>(
    key: fn(&ParamsMap) -> K,
    tabs: &'static [Tab<X>],
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    view: fn(LiveResource<T>, Signal<usize>) -> AnyView,
) -> AnyView
where
    K: Clone + PartialEq + Send + Sync + 'static,
    X: Copy + Default + PartialEq + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn((K, X)) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    let params = use_params_map();
    let object = Memo::new(move |_| params.with(key));
    let current = Memo::new(move |_| {
        params.with(|params| {
            let segment = params.get_str("tab").unwrap_or_default();
            tabs.iter().position(|(.., own)| *own == segment)
        })
    });
    let is_tab = Memo::new(move |_| current.with(Option::is_some));
    // A new page for each object, so that no input is kept across objects.
    reactive(move || {
        let object = object.get();
        if !is_tab.get() {
            return not_found();
        }
        let key = Memo::new(move |_| {
            let tab = current.get().and_then(|index| tabs.get(index));
            let tab = tab.map(|(tab, ..)| *tab).unwrap_or_default();
            (object.clone(), tab)
        });
        let index = Signal::derive(move || current.get().unwrap_or_default());
        live_resource(key.into(), fetch, interests, object_skeleton, move |data| {
            view(data, index)
        })
    })
}

/// Labels and URLs of an object's tabs, for [`crate::components::page::Tabs`].
pub fn tab_links<X>(object: &str, tabs: &[Tab<X>]) -> Vec<(&'static str, String)> {
    let link = |(_, label, segment): &Tab<X>| match *segment {
        "" => (*label, object.to_owned()),
        segment => (*label, format!("{object}/{segment}")),
    };
    tabs.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::tab_links;

    #[test]
    fn first_tab_has_the_path_of_the_object() {
        let tabs = [((), "Overview", ""), ((), "Settings", "settings")];
        assert_eq!(
            tab_links("/sites/lab", &tabs),
            [
                ("Overview", "/sites/lab".to_owned()),
                ("Settings", "/sites/lab/settings".to_owned())
            ]
        );
    }
}

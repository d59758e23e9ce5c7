//! The page of a list, with or without search, filters and pages.

use std::future::Future;

use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use model::{events::Event, page::Page};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    icon::icon,
    list::{Filter, Filters, changed_url, list_keys, list_url},
    live_resource::{LiveResource, live_resource},
    page::{PageHead, Pager, empty, list_skeleton},
    table::{Object, Rows, table},
};
use crate::{
    erase::{Erase as _, reactive},
    server_fns::RequestError,
};

/// What the page of a list displays besides its objects.
pub struct ListPage {
    pub title: &'static str,
    /// The name of one object and of several.
    pub count: (&'static str, &'static str),
    /// The path of the page of a new object, and the label of the link to it; `None` if the user
    /// may not create one.
    pub create: fn() -> Option<(&'static str, &'static str)>,
    /// The actions beside the title, if not the link to create an object.
    pub actions: Option<fn() -> AnyView>,
    /// The tabs below the title.
    pub tabs: fn() -> AnyView,
    /// The search, of a list with pages.
    pub search: Option<Search>,
    /// The icon, title and text of the empty state; without texts if the list is empty for a search
    /// only.
    pub empty: (&'static str, &'static str, &'static str),
    /// The action of the empty state, if not the link to create an object.
    pub first_step: Option<fn() -> AnyView>,
}

/// The search of a list. Its state is in the URL.
pub struct Search {
    pub path: &'static str,
    /// The columns that are searched.
    pub columns: &'static str,
    pub filters: fn() -> Vec<Filter>,
    /// The parameters: `q`, filters, and others such as the order, `sort`.
    pub parameters: &'static [&'static str],
    /// The text of the empty state if no objects match.
    pub no_match: &'static str,
}

impl ListPage {
    /// A page without tabs, search and special actions.
    pub const DEFAULT: Self = Self {
        title: "",
        count: ("", ""),
        create: || None,
        actions: None,
        tabs: || ().erase(),
        search: None,
        empty: ("", "", ""),
        first_step: None,
    };

    /// Starts the keyboard shortcuts.
    pub fn start_keys(&'static self) {
        Effect::new(move |_| list_keys((self.create)().map(|(path, _)| create_address(path))));
    }

    fn create_link(&self) -> AnyView {
        (self.create)()
            .map(|(path, label)| {
                let href = create_address(path);
                view! { <a class="btn btn-primary" href=href>{icon("plus")} {label}</a> }.erase()
            })
            .erase()
    }

    fn empty(&self) -> AnyView {
        let (icon_name, title, text) = self.empty;
        let action = self.first_step.map(|action| action());
        empty(
            icon_name,
            title,
            text,
            action.unwrap_or_else(|| self.create_link()),
        )
    }

    fn no_match(&self, search: &Search) -> AnyView {
        let (_, many) = self.count;
        let all = view! { <a class="btn" href=search.path>{format!("Show all {many}")}</a> };
        empty(
            "search",
            format!("No {many} match"),
            search.no_match,
            all.erase(),
        )
    }
}

/// The URL of the page of a new object, which preselects the site of the list.
fn create_address(path: &'static str) -> Signal<String> {
    let query = use_query_map();
    let site = Memo::new(move |_| {
        query.with(|query| query.get_str("site").unwrap_or_default().to_owned())
    });
    Signal::derive(move || site.with(|site| list_url(path, &[("site", site)])))
}

impl Search {
    /// The URL of the list with the current query, but with another order or page.
    pub fn list_url(&self, query: Memo<ParamsMap>, change: (&str, &str)) -> String {
        query.with(|query| changed_url(self.path, self.parameters, query, change))
    }

    fn form(&self) -> AnyView {
        let (path, search, keep) = (self.path, self.columns, self.parameters);
        view! { <Filters path search filters=(self.filters)() keep /> }.erase()
    }

    fn is_active(&self, query: &ParamsMap) -> bool {
        let value = |name| query.get_str(name).unwrap_or_default().trim();
        let mut selects = self.parameters.iter().filter(|name| **name != "sort");
        selects.any(|name| !value(name).is_empty())
    }
}

/// The objects on a page, the number of objects on all pages, the number of the page, and the
/// number of pages.
pub type Listing<'a, T> = (&'a [T], u64, (u32, u32));

/// A list without pages.
pub fn unpaged<T>(objects: &[T]) -> Listing<'_, T> {
    (objects, objects.len() as u64, (1, 1))
}

pub fn paged<T>(page: &Page<T>) -> Listing<'_, T> {
    let position = (page.page.max(1), page.page_count());
    (&page.rows, page.total, position)
}

/// A list without the type of its objects.
pub struct ListState {
    /// The number of objects on all pages.
    pub total: Memo<u64>,
    /// Whether this page has no objects.
    pub is_empty: Memo<bool>,
    /// The number of this page, and the number of pages.
    pub position: Memo<(u32, u32)>,
    pub table: Box<dyn Fn() -> AnyView + Send + Sync>,
    /// A view above the search.
    pub above: AnyView,
    /// Whether there are no objects regardless of the query, if the data says so. Then there is no
    /// search.
    pub has_no_objects: Option<Memo<bool>>,
}

impl ListState {
    /// The list with the table of these columns.
    pub fn new<L, T>(
        data: LiveResource<L>,
        listing: fn(&L) -> Listing<'_, T>,
        rows: &'static Rows<T>,
    ) -> Self
    where
        L: Send + Sync + 'static,
        T: Object,
    {
        let objects = data.part(move |data| listing(data).0.to_vec());
        Self {
            total: data.part(move |data| listing(data).1),
            is_empty: data.part(move |data| listing(data).0.is_empty()),
            position: data.part(move |data| listing(data).2),
            table: Box::new(move || table(objects, rows)),
            above: ().erase(),
            has_no_objects: None,
        }
    }
}

/// The page of the list that `fetch` returns.
pub fn list_page<Q, L, T, F>(
    list: &'static ListPage,
    query: impl Into<Signal<Q>>,
    fetch: fn(Q) -> F,
    interests: fn(&L) -> Vec<Event>,
    listing: fn(&L) -> Listing<'_, T>,
    rows: &'static Rows<T>,
) -> AnyView
where
    Q: Clone + Send + Sync + 'static,
    L: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    T: Object,
    F: Future<Output = Result<L, RequestError>> + Send + 'static,
{
    list.start_keys();
    live_resource(query.into(), fetch, interests, list_skeleton, move |data| {
        list_view(list, ListState::new(data, listing, rows))
    })
}

/// The contents of the page of a list.
pub fn list_view(list: &'static ListPage, state: ListState) -> AnyView {
    let query = use_query_map();
    let has_no_objects = Memo::new(move |_| {
        state
            .has_no_objects
            .is_some_and(|has_no_objects| has_no_objects.get())
    });
    let is_filtered = move |search: &Search| match state.has_no_objects {
        Some(_) => !has_no_objects.get(),
        None if list.empty.1.is_empty() => true,
        None => query.with(|query| search.is_active(query)),
    };
    let body = reactive(move || match &list.search {
        _ if !state.is_empty.get() => (state.table)(),
        Some(search) if is_filtered(search) => list.no_match(search),
        _ => list.empty(),
    });
    let search = list.search.as_ref().map(|search| {
        let href = move |number: u32| search.list_url(query, ("page", &number.to_string()));
        let href = Callback::new(href);
        let form = reactive(move || (!has_no_objects.get()).then(|| search.form()));
        (
            form,
            view! { <Pager position=state.position href /> }.erase(),
        )
    });
    let (search, pager) = search.unzip();
    let actions = move || {
        list.actions
            .map_or_else(|| list.create_link(), |actions| actions())
    };
    view! {
        <PageHead title=list.title badges=move || count(state.total, list.count) actions=actions />
        {(list.tabs)()}
        {state.above}
        {search}
        {body}
        {pager}
    }
    .erase()
}

/// A number of objects with their name, such as `1 host` or `12 hosts`.
pub fn format_count(total: u64, (one, many): (&str, &str)) -> String {
    match total {
        1 => format!("1 {one}"),
        total => format!("{total} {many}"),
    }
}

/// The number of objects beside the title of a list.
fn count(total: Memo<u64>, names: (&'static str, &'static str)) -> AnyView {
    let count = Signal::derive(move || format_count(total.get(), names));
    view! { <span class="num" role="status">{count}</span> }.erase()
}

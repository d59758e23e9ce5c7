//! Pages of lists: a list that is fetched as a whole, and a list with search, filters and pages.

use std::future::Future;

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use model::{events::Event, page::Page};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    list::{Filter, Filters, changed_address, list_keys},
    live_resource::{LiveResource, live_resource},
    page::{PageHead, Pager, empty, list_skeleton, main_link, place},
    table::{Rows, table},
};
use crate::server_fns::Failure;

/// The page of a list, without the type of its objects.
#[derive(Clone, Copy)]
pub struct ListHead {
    /// The title.
    pub title: &'static str,
    /// The name of one object and of several, for the count.
    pub count: (&'static str, &'static str),
    /// The path of the page of a new object, and the label of the link to it; `None` if the user
    /// may not create one.
    pub create: Option<(&'static str, &'static str)>,
    /// The tabs below the title.
    pub tabs: Option<fn() -> AnyView>,
    /// The icon, title and text of the empty state, whose action is to create an object.
    pub empty: (&'static str, &'static str, &'static str),
}

impl ListHead {
    fn create_link(self) -> AnyView {
        self.create
            .map(|(path, label)| main_link(path, "plus", label))
            .erase()
    }
}

/// The page of a list that is fetched as a whole.
pub fn list_page<T, F>(
    head: ListHead,
    fetch: fn() -> F,
    interests: fn(&Vec<T>) -> Vec<Event>,
    rows: &'static Rows<T>,
) -> AnyView
where
    T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<Vec<T>, Failure>> + Send + 'static,
{
    Effect::new(move |_| list_keys(head.create.map(|(path, _)| path)));
    live_resource(
        Signal::from(()),
        move |()| fetch(),
        interests,
        list_skeleton,
        move |data: LiveResource<Vec<T>>| {
            let show = move || table(data, Vec::as_slice, rows);
            list_view(head, data.part(Vec::len), Box::new(show))
        },
    )
}

fn list_view(
    head: ListHead,
    total: Memo<usize>,
    table: Box<dyn Fn() -> AnyView + Send + Sync>,
) -> AnyView {
    let none = Memo::new(move |_| total.get() == 0);
    let body = reactive(move || {
        if none.get() {
            let (shape, title, text) = head.empty;
            return empty(shape, title, text, head.create_link());
        }
        table()
    });
    let total = Signal::derive(move || total.get() as u64);
    view! {
        <PageHead
            title=head.title
            badges=move || count(total, head.count)
            actions=move || head.create_link()
        />
        {head.tabs.map(|tabs| tabs())}
        {body}
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
fn count(total: Signal<u64>, names: (&'static str, &'static str)) -> AnyView {
    let count = Signal::derive(move || format_count(total.get(), names));
    view! { <span class="num" role="status">{count}</span> }.erase()
}

/// The page of a list with search, filters and pages, without the type of its objects.
pub struct PagedList {
    /// The title.
    pub title: &'static str,
    /// The name of one object and of several.
    pub count: (&'static str, &'static str),
    /// The path.
    pub path: &'static str,
    /// The path that the shortcut to create an object opens.
    pub create: &'static str,
    /// The actions beside the title.
    pub actions: fn() -> AnyView,
    /// The columns that are searched.
    pub search: &'static str,
    /// The filters.
    pub filters: fn() -> Vec<Filter>,
    /// The parameters of the query that select objects.
    pub selects: &'static [&'static str],
    /// Parameters without a field in the form, such as the order.
    pub keep: &'static [&'static str],
    /// The empty state without search and filters; `None` if such a list is never empty.
    pub empty: Option<fn() -> AnyView>,
    /// The text of the empty state if no objects match.
    pub no_match: &'static str,
}

impl PagedList {
    /// The URL of the list with the current query, but with another order or page.
    pub fn address(&self, query: Memo<ParamsMap>, changes: &[(&str, &str)]) -> String {
        let order = self.keep.iter().filter(|name| !self.selects.contains(name));
        let names = self
            .selects
            .iter()
            .chain(order)
            .copied()
            .collect::<Vec<_>>();
        query.with(|query| changed_address(self.path, &names, query, changes))
    }

    fn is_filtered(&self, query: Memo<ParamsMap>) -> bool {
        query.with(|query| {
            let value = |name: &&str| query.get_str(name).is_some_and(|it| !it.trim().is_empty());
            self.selects.iter().any(value)
        })
    }

    fn search_form(&self) -> AnyView {
        let (path, search, filters, keep) = (self.path, self.search, self.filters, self.keep);
        view! { <Filters path search filters=filters() keep /> }.erase()
    }

    fn no_match(&self) -> AnyView {
        let (_, many) = self.count;
        let all = format!("Show all {many}");
        let all = view! { <a class="btn" href=self.path>{all}</a> }.erase();
        empty("search", format!("No {many} match"), self.no_match, all)
    }
}

/// The current page of a list, without the type of its objects.
pub struct PagedData {
    total: Memo<u64>,
    is_empty: Memo<bool>,
    place: Memo<(u32, u32)>,
    table: Box<dyn Fn() -> AnyView + Send + Sync>,
    above: AnyView,
    is_bare: Option<Memo<bool>>,
}

impl PagedData {
    /// The page that `page` returns, displayed by `table`.
    pub fn new<L, T>(
        data: LiveResource<L>,
        page: fn(&L) -> &Page<T>,
        table: impl Fn() -> AnyView + Send + Sync + 'static,
    ) -> Self
    where
        L: Send + Sync + 'static,
        T: 'static,
    {
        Self {
            total: data.part(move |data| page(data).total),
            is_empty: data.part(move |data| page(data).rows.is_empty()),
            place: data.part(move |data| place(page(data))),
            table: Box::new(table),
            above: ().erase(),
            is_bare: None,
        }
    }

    /// The same page with a view above the search.
    pub fn with_above(self, above: AnyView) -> Self {
        Self { above, ..self }
    }

    /// The same page without the search while there are no objects, regardless of the query.
    pub fn with_bare(self, is_bare: Memo<bool>) -> Self {
        Self {
            is_bare: Some(is_bare),
            ..self
        }
    }
}

/// The page of a list with search, filters and pages.
pub fn paged_list<Q, T, F>(
    list: &'static PagedList,
    query: Memo<Q>,
    fetch: fn(Q) -> F,
    interests: fn(&Page<T>) -> Vec<Event>,
    rows: &'static Rows<T>,
) -> AnyView
where
    Q: Clone + Send + Sync + 'static,
    T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<Page<T>, Failure>> + Send + 'static,
{
    Effect::new(move |_| list_keys(Some(list.create)));
    live_resource(query.into(), fetch, interests, list_skeleton, move |data| {
        let show = move || table(data, |page: &Page<T>| &page.rows, rows);
        paged_view(list, PagedData::new(data, |page| page, show))
    })
}

/// The contents of the page of a list with search, filters and pages.
pub fn paged_view(list: &'static PagedList, data: PagedData) -> AnyView {
    let PagedData {
        total,
        is_empty,
        place,
        table,
        above,
        is_bare,
    } = data;
    let query = use_query_map();
    let body = reactive(move || {
        if !is_empty.get() {
            return table();
        }
        let is_bare = is_bare.map_or_else(|| !list.is_filtered(query), |is_bare| is_bare.get());
        match list.empty.filter(|_| is_bare) {
            Some(empty) => empty(),
            None => list.no_match(),
        }
    });
    let is_searched = Memo::new(move |_| !is_bare.is_some_and(|is_bare| is_bare.get()));
    let search = reactive(move || is_searched.get().then(|| list.search_form()));
    let href = Callback::new(move |number: u32| {
        let number = (number > 1).then(|| number.to_string());
        list.address(query, &[("page", &number.unwrap_or_default())])
    });
    view! {
        <PageHead title=list.title badges=move || count(total.into(), list.count) actions=list.actions />
        {above}
        {search}
        {body}
        <Pager place href />
    }
    .erase()
}

//! What lists share: keyboard shortcuts, and search and filters in the URL. The filter forms are
//! ordinary GET forms, so that they work without WebAssembly.

use crate::erase::{Erase as _, act, reactive};
use std::time::Duration;

use leptos::{ev, html, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    location::Url,
    params::ParamsMap,
};

use super::icon::icon;

/// The submit button of the filters, shown without JavaScript. It is a string of markup because
/// browsers with JavaScript parse the content of `noscript` as text, which could not be hydrated as
/// elements.
const APPLY: &str = "<button class=\"btn\">Apply</button>";

/// How long the input must pause before the list is searched.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// The id of a list's search field.
const SEARCH: &str = "search";

/// The URL `path` with the parameters that are not empty and not the first page.
pub fn list_url(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    let mut mark = '?';
    let is_default =
        |parameter: &(&str, &str)| parameter.1.is_empty() || *parameter == ("page", "1");
    for (name, value) in parameters.iter().filter(|parameter| !is_default(parameter)) {
        url.push(mark);
        url.push_str(name);
        url.push('=');
        // On the server, `Url::escape` escapes the minus sign of an order; in the browser it does
        // not.
        url.push_str(&Url::escape(value).replace("%2D", "-"));
        mark = '&';
    }
    url
}

/// The URL `path` with the parameters `names` of the current query, but with another value of one
/// parameter. The page is kept only if it is that parameter.
pub fn changed_url(
    path: &str,
    names: &[&str],
    query: &ParamsMap,
    (changed, value): (&str, &str),
) -> String {
    let current = |name| query.get_str(name).unwrap_or_default().trim();
    let kept = names.iter().filter(|name| **name != changed);
    let kept = kept.map(|name| (*name, current(name)));
    list_url(path, &kept.chain([(changed, value)]).collect::<Vec<_>>())
}

/// The parameters of a list in the URL.
pub struct UrlQuery<'a>(&'a ParamsMap);

impl UrlQuery<'_> {
    /// A parameter; empty if absent.
    pub fn text(&self, name: &str) -> String {
        let text = self.0.get_str(name).unwrap_or_default();
        text.trim().to_owned()
    }

    /// The page number, starting at 1.
    pub fn page(&self) -> u32 {
        self.text("page").parse().unwrap_or(1).max(1)
    }
}

/// The query in the URL of a list. Tracked.
pub fn url_query<Q>(parse: fn(&UrlQuery) -> Q) -> Memo<Q>
where
    Q: PartialEq + Send + Sync + 'static,
{
    let parameters = use_query_map();
    Memo::new(move |_| parameters.with(|parameters| parse(&UrlQuery(parameters))))
}

/// A query parameter; empty if absent. Tracked.
pub fn parameter(name: &str) -> String {
    use_query_map().with(|query| query.get_str(name).unwrap_or_default().to_owned())
}

/// The current value of a query parameter; empty if absent. Not tracked: for initial values.
pub fn current_parameter(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get_str(name).unwrap_or_default().to_owned())
}

/// The keyboard shortcuts of a list: `/` focuses the search, `j` and `k` move between the links
/// marked `data-row`, Enter opens (as on any link), `c` creates.
pub fn list_keys(create: Option<Signal<String>>) {
    let navigate = use_navigate();
    let handle = window_event_listener(ev::keydown, move |ev| {
        if ev.ctrl_key() || ev.meta_key() || ev.alt_key() || crate::browser::is_typing() {
            return;
        }
        match ev.key().as_str() {
            "/" => crate::browser::focus(SEARCH),
            "j" => step(1),
            "k" => step(-1),
            "c" => match create {
                Some(create) => navigate(&create.get_untracked(), NavigateOptions::default()),
                None => return,
            },
            _ => return,
        }
        ev.prevent_default();
    });
    on_cleanup(move || handle.remove());
}

fn step(by: isize) {
    let rows = crate::browser::elements("[data-row]");
    let active = document().active_element();
    let current = rows
        .iter()
        .position(|row| Some(row.as_ref()) == active.as_ref());
    let next = match current {
        Some(current) => current
            .saturating_add_signed(by)
            .min(rows.len().saturating_sub(1)),
        None => 0,
    };
    if let Some(row) = rows.get(next) {
        let _ = row.focus();
    }
}

/// A filter: its parameter, its label, and its values with their labels. The empty value means all.
pub struct Filter {
    /// The query parameter.
    pub name: &'static str,
    /// The label for screen readers and for the value "all".
    pub all: &'static str,
    /// Values and labels.
    pub options: Vec<(String, String)>,
}

impl Filter {
    /// A filter whose labels are its values.
    pub fn new<T: ToString>(name: &'static str, all: &'static str, values: &[T]) -> Self {
        let labels = values.iter().map(ToString::to_string);
        let options = labels.map(|label| (label.clone(), label)).collect();
        Self { name, all, options }
    }
}

/// The search field and filters of a list. Every change updates the URL; `keep` names parameters to
/// preserve, such as the order.
#[component]
pub fn Filters(
    /// The list's path.
    #[prop(into)]
    path: String,
    /// The columns that are searched, such as `Name, owner, image or address`.
    search: &'static str,
    #[prop(optional)] filters: Vec<Filter>,
    /// Parameters to preserve, if they are no fields of this form.
    #[prop(optional)]
    keep: &'static [&'static str],
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let mut fields: Vec<&'static str> = vec!["q"];
    fields.extend(filters.iter().map(|filter| filter.name));
    let kept = keep.iter().filter(|name| !fields.contains(name));
    let kept = kept.copied().collect::<Vec<_>>();
    let parameters = [fields.clone(), kept.clone()].concat();
    follow_url(form, fields);
    let go = submit_to_url(form, path.clone(), parameters);
    let soon = debounced(go);
    let kept = kept
        .into_iter()
        .map(|name| {
            view! { <input type="hidden" name=name value=current_parameter(name) /> }.erase()
        })
        .collect::<Vec<_>>();
    let choices = filters
        .into_iter()
        .map(|filter| choice(filter, go))
        .collect::<Vec<_>>();
    view! {
        <form class="filters" method="get" action=path role="search" node_ref=form
            on:submit=act(move |ev: ev::SubmitEvent| { ev.prevent_default(); go.run(()); })>
            <span class="search">
                {icon("search")}
                <input id=SEARCH class="input" type="search" name="q" placeholder=search aria-label=search
                    autocomplete="off" value=current_parameter("q") on:input=act(move |_| soon()) />
                <kbd class="key">"/"</kbd>
            </span>
            {choices} {kept}
            <noscript inner_html=APPLY></noscript>
        </form>
    }
    .erase()
}

/// Copies the query to the fields when the URL changes: links and the back button change it too.
fn follow_url(form: NodeRef<html::Form>, fields: Vec<&'static str>) {
    Effect::new(move |_| {
        let values: Vec<(&str, String)> =
            fields.iter().map(|name| (*name, parameter(name))).collect();
        if let Some(form) = form.get() {
            for (name, value) in values {
                show_value(&form, name, &value);
            }
        }
    });
}

/// Navigates to the URL `path` with the values of the form as `parameters`.
fn submit_to_url(
    form: NodeRef<html::Form>,
    path: String,
    parameters: Vec<&'static str>,
) -> Callback<()> {
    let navigate = use_navigate();
    Callback::new(move |()| {
        let Some(form) = form.get_untracked() else {
            return;
        };
        let values: Vec<(&str, String)> = parameters
            .iter()
            .map(|name| (*name, value_of(&form, name)))
            .collect();
        let parameters: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (*name, value.trim()))
            .collect();
        let options = NavigateOptions {
            replace: true,
            scroll: false,
            ..Default::default()
        };
        navigate(&list_url(&path, &parameters), options);
    })
}

/// Runs `go` once the input has paused, unless the list was left meanwhile.
fn debounced(go: Callback<()>) -> impl Fn() + 'static {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    move || {
        if let Some(earlier) = waiting.get_value() {
            earlier.clear();
        }
        let run = move || {
            go.try_run(());
        };
        waiting.set_value(set_timeout_with_handle(run, DEBOUNCE).ok());
    }
}

fn choice(filter: Filter, go: Callback<()>) -> AnyView {
    let Filter { name, all, options } = filter;
    let choices = reactive(move || {
        let current = parameter(name);
        options
            .clone()
            .into_iter()
            .map(|(value, label)| {
                let selected = value == current;
                view! { <option value=value selected=selected>{label}</option> }.erase()
            })
            .collect::<Vec<_>>()
    });
    view! {
        <select class="input input-auto" name=name aria-label=all on:change=act(move |_| go.run(()))>
            <option value="">{all}</option>
            {choices}
        </select>
    }
    .erase()
}

fn value_of(form: &web_sys::HtmlElement, name: &str) -> String {
    let selector = format!("[name='{name}']");
    let Ok(Some(field)) = form.query_selector(&selector) else {
        return String::new();
    };
    let value = js_sys::Reflect::get(&field, &"value".into());
    value
        .ok()
        .and_then(|value| value.as_string())
        .unwrap_or_default()
}

/// Copies the value in the URL to a field, unless the field has the focus.
fn show_value(form: &web_sys::HtmlElement, name: &str, value: &str) {
    let Ok(Some(field)) = form.query_selector(&format!("[name='{name}']")) else {
        return;
    };
    let entered = document().active_element().as_ref() == Some(&field);
    if !entered && value_of(form, name) != value {
        let _ = js_sys::Reflect::set(&field, &"value".into(), &value.into());
    }
}

/// A column header that sorts by `key`: a link to the same list in another order.
pub fn sort_head(
    label: &'static str,
    key: &'static str,
    sort: Signal<String>,
    href: Callback<String, String>,
) -> AnyView {
    let state = Signal::derive(move || {
        sort.with(|sort| match sort.strip_prefix('-') {
            Some(rest) if rest == key => "descending",
            None if sort == key => "ascending",
            _ => "none",
        })
    });
    let target = Signal::derive(move || {
        href.run(if state.get() == "ascending" {
            format!("-{key}")
        } else {
            key.to_owned()
        })
    });
    let arrow = reactive(move || match state.get() {
        "ascending" => Some(icon("arrow-up")),
        "descending" => Some(icon("arrow-down")),
        _ => None,
    });
    view! {
        <th role="columnheader" scope="col" aria-sort=state>
            <a class="sort" href=target>{label} {arrow}</a>
        </th>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use leptos_router::params::ParamsMap;

    use super::{UrlQuery, changed_url, list_url};

    #[test]
    fn url_omits_empty_parameters() {
        assert_eq!(
            list_url("/containers", &[("q", ""), ("sort", "")]),
            "/containers"
        );
        let filled = list_url(
            "/containers",
            &[("q", "web"), ("status", ""), ("sort", "-created")],
        );
        assert_eq!(filled, "/containers?q=web&sort=-created");
    }

    #[test]
    fn changed_url_keeps_the_query_but_not_the_page() {
        let query = [("q", " web"), ("status", "running"), ("page", "3")];
        let query: ParamsMap = query.into_iter().collect();
        let url = |change| changed_url("/jobs", &["q", "status", "sort"], &query, change);
        assert_eq!(
            url(("sort", "-created")),
            "/jobs?q=web&status=running&sort=-created"
        );
        assert_eq!(url(("page", "4")), "/jobs?q=web&status=running&page=4");
        assert_eq!(url(("page", "1")), "/jobs?q=web&status=running");
        assert_eq!(UrlQuery(&query).page(), 3);
    }

    #[test]
    fn invalid_page_number_is_the_first_page() {
        let query: ParamsMap = [("page", "0")].into_iter().collect();
        assert_eq!(UrlQuery(&query).page(), 1);
    }
}

//! Reusable components. They contain layout and behavior, and do not depend on containers, jobs or
//! sites except for the badges of their states.
//!
//! How to compose a page:
//!
//! - **Data**: `live_resource(key, fetch, interests, skeleton, view)`. `key` is a `Signal` (of URL
//!   parameters), `fetch` a server function such as `server_fns::jobs::list`. `interests` returns
//!   the events after which a value is outdated (`|_| vec![Event::all(Topic::Job)]`). `skeleton` is
//!   `list_skeleton` or `object_skeleton`. `view` is called once with a
//!   [`live_resource::LiveResource`]; read it in closures (`jobs.with(|value| …)`), so that the
//!   page updates without being rebuilt. Keep user input in signals that the page's own function
//!   creates, never in the resource.
//! - **Header**: `<PageHead title badges actions />` also sets the document's title.
//! - **Tabs**: `pages::tabbed_page` for an object whose tabs load their own data; each tab has its
//!   own path.
//! - **Lists**: [`list_page::list_page`] is the page of a list, with or without search, filters and
//!   pages: a const [`list_page::ListPage`] and const [`table::Rows`], whose columns have a header
//!   and a function that renders a cell. The search is a [`list_page::Search`], whose state is in
//!   the URL; `list::url_query` reads it.
//! - **Tables** elsewhere: [`table::table`] with [`table::Rows`]. Rows become cards below 768 px,
//!   where a cell has its column's header as a label, except in `unlabeled`, `main_column`,
//!   `badge_column` and `live_column`. Cells with times, sizes and numbers have the class `num`.
//! - **Forms**: one `RwSignal` of the model's form, a [`form::FormState`] with its parser,
//!   `<Field form name label value=bind!(signal, field) hint />`, `<Choice … />`,
//!   `<Checkbox form name label checked set hint disabled_reason />`, `<Refusals form />` at the
//!   top and `<Submit form label />`. On submission: if `form.submit()`, call the server, and
//!   `form.refuse(failure)` on failure.
//! - **Forms of objects**: [`object_form::create_form`] is the page of a new object,
//!   [`object_form::settings_form`] the settings of an existing object. Both receive the fields and
//!   one server call (`save` or `save_call`), and do the rest. [`noun::Noun`] has the texts of each
//!   kind of object.
//! - **Details**: [`facts::Facts`] is a definition list, [`panel::card`] a card,
//!   [`panel::panel`] a notice, [`action::Action`] a button that sends a request.
//! - **Deletion**: [`delete_card::delete_card`] at the end of a page; elsewhere
//!   [`dialog::ConfirmedAction`] and `<DeleteDialog action noun name consequences on_confirm />`.
//!   Within such a view use only `live_resource_within`.
//! - **Jobs**: `job_view::job_view(job)` shows the failure and the steps of a
//!   `LiveResource<JobView>`, `job_view::job_actions(job)` the buttons to cancel and retry,
//!   `log::job_log` the log.
//! - **Small elements**: `icon(name)`, `status_badge`, `job_badge`,
//!   `badge(label, tone, icon_name)`, `certificate_badge`, `ago(moment)`, `when(moment)` for past
//!   or future times, `<Copy text label />`, `usage_bar`, `host(name)`, `<Menu id label>` with
//!   `<MenuItem …/>`, and `Toasts::here()` with `notify`, `warn` and `undoable`.
//!
//! Classes (see `style/tailwind.css`): `card`, `card-title`, `stack`, `facts` (a `dl`), `actions`,
//! `btn btn-primary btn-danger btn-quiet btn-small btn-icon`, `muted`, `mono`, `num`, `panel`,
//! `form` (one column), `fold` (a `details`). No inline styles: the CSP blocks them.

pub mod action;
pub mod badge;
pub mod checkbox;
pub mod delete_card;
pub mod dialog;
mod erased_value;
pub mod facts;
pub mod failure;
pub mod form;
pub mod form_values;
pub mod host;
pub mod icon;
mod initial_data;
pub mod job_view;
pub mod lazy;
pub mod list;
pub mod list_page;
pub mod live_resource;
pub mod log;
pub mod menu;
pub mod meter;
pub mod noun;
pub mod object_form;
pub mod page;
pub mod panel;
pub mod steps;
pub mod table;
pub mod title;
pub mod toast;

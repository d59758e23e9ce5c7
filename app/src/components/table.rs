//! Tables of objects, and the page of a list that is fetched as a whole. Rows become cards below
//! 768 px, which requires explicit roles and labels.

use std::{future::Future, sync::Arc};

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::events::Event;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    list::list_keys,
    live_resource::{LiveResource, live_resource},
    page::{PageHead, empty, list_skeleton, main_link},
};
use crate::server_fns::Failure;

/// A column of a table, after the first.
pub struct Column<T: 'static> {
    head: &'static str,
    /// The label of the cells of a card.
    label: Option<&'static str>,
    class: Option<&'static str>,
    cell: fn(&T) -> AnyView,
}

/// A column with its cells; an empty class means none.
pub const fn column<T>(
    head: &'static str,
    class: &'static str,
    cell: fn(&T) -> AnyView,
) -> Column<T> {
    let class = match class.is_empty() {
        true => None,
        false => Some(class),
    };
    Column {
        head,
        label: Some(head),
        class,
        cell,
    }
}

/// A column of badges, which need no label on a card.
pub const fn badge_column<T>(head: &'static str, cell: fn(&T) -> AnyView) -> Column<T> {
    Column {
        head,
        label: None,
        class: None,
        cell,
    }
}

/// The first cell of a row: the link that opens the object, and notes after it.
pub struct RowLink {
    href: String,
    name: AnyView,
    notes: Option<AnyView>,
}

impl RowLink {
    /// A link without notes.
    pub fn new(href: String, name: AnyView) -> Self {
        Self {
            href,
            name,
            notes: None,
        }
    }

    /// The same link with notes.
    pub fn with_notes(self, notes: AnyView) -> Self {
        Self {
            notes: Some(notes),
            ..self
        }
    }
}

/// A cell or name with this text.
pub fn text(value: impl ToString) -> AnyView {
    value.to_string().erase()
}

/// A cell with a text for an absent value.
pub fn muted(text: &'static str) -> AnyView {
    view! { <span class="muted">{text}</span> }.erase()
}

/// The columns and rows of a table.
pub struct Rows<T: 'static> {
    /// The name of the table for screen readers.
    pub label: &'static str,
    /// The id of an object.
    pub id: fn(&T) -> i64,
    /// The header of the first column, and its cells.
    pub link: (&'static str, fn(&T) -> RowLink),
    /// The other columns.
    pub columns: &'static [Column<T>],
}

/// The table of the objects that `all` returns.
pub fn table<L, T>(data: LiveResource<L>, all: fn(&L) -> &[T], rows: &'static Rows<T>) -> AnyView
where
    L: Send + Sync + 'static,
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let id = rows.id;
    let ids = data.part(move |data| all(data).iter().map(id).collect::<Vec<_>>());
    let show = move |key: i64| {
        let object = data.part(move |data| all(data).iter().find(|it| id(it) == key).cloned());
        row_view(Box::new(move || {
            object.with(|it| it.as_ref().map(|it| row(it, rows)))
        }))
    };
    let heads = rows.columns.iter().map(|column| column.head);
    let heads = std::iter::once(rows.link.0).chain(heads).collect();
    table_view(rows.label, heads, ids, Arc::new(show))
}

fn row<T>(object: &T, rows: &'static Rows<T>) -> (RowLink, Vec<AnyView>) {
    let cells = rows.columns.iter().map(|column| {
        let (label, class) = (column.label, column.class);
        cell(label, class, (column.cell)(object))
    });
    (rows.link.1(object), cells.collect())
}

fn cell(label: Option<&'static str>, class: Option<&'static str>, cell: AnyView) -> AnyView {
    match class {
        Some(class) => view! { <td role="cell" data-label=label class=class>{cell}</td> }.erase(),
        None => view! { <td role="cell" data-label=label>{cell}</td> }.erase(),
    }
}

/// A row that follows its object.
fn row_view(row: Box<dyn Fn() -> Option<(RowLink, Vec<AnyView>)> + Send + Sync>) -> AnyView {
    reactive(move || {
        let (link, cells) = row()?;
        let RowLink { href, name, notes } = link;
        Some(
            view! {
                <tr role="row">
                    <td role="cell" class="cell-main">
                        <a class="row-link" data-row="" href=href>{name}</a>
                        {notes}
                    </td>
                    {cells}
                </tr>
            }
            .erase(),
        )
    })
}

/// A table with these column headers, whose rows `show` creates by id.
pub fn table_view(
    label: &'static str,
    heads: Vec<&'static str>,
    ids: Memo<Vec<i64>>,
    show: Arc<dyn Fn(i64) -> AnyView + Send + Sync>,
) -> AnyView {
    let heads = heads
        .into_iter()
        .map(|head| view! { <th role="columnheader" scope="col">{head}</th> }.erase())
        .collect::<Vec<_>>();
    view! {
        <table class="list" role="table" aria-label=label>
            <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=move |id| show(id) />
            </tbody>
        </table>
    }
    .erase()
}

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
    table: fn(LiveResource<Vec<T>>) -> AnyView,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<Vec<T>, Failure>> + Send + 'static,
{
    Effect::new(move |_| list_keys(head.create.map(|(path, _)| path)));
    live_resource(
        Signal::from(()),
        move |()| fetch(),
        interests,
        list_skeleton,
        move |data| list_view(head, data.part(Vec::len), Box::new(move || table(data))),
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

/// The number of objects beside the title of a list.
pub fn count(total: Signal<u64>, (one, many): (&'static str, &'static str)) -> AnyView {
    let count = Signal::derive(move || match total.get() {
        1 => format!("1 {one}"),
        total => format!("{total} {many}"),
    });
    view! { <span class="num" role="status">{count}</span> }.erase()
}

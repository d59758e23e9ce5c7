//! Tables of objects, each declared as a constant list of columns. Rows become cards below 768 px,
//! which requires explicit roles and labels.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    sync::Arc,
};

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use model::Timestamp;

use super::{badge::ago, list::sort_head};

pub trait Object: Clone + PartialEq + Send + Sync + 'static {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Object for T {}

pub struct Column<T: Object> {
    head: &'static str,
    /// The label of the cells of a card.
    label: Option<&'static str>,
    class: &'static str,
    /// The key to sort by.
    sort: Option<&'static str>,
    cell: Cell<T>,
}

/// Renders the cell of an object.
type RenderCell<T> = fn(&T) -> AnyView;

enum Cell<T: Object> {
    Value(RenderCell<T>),
    Live(fn(Memo<Option<T>>) -> AnyView),
}

const fn new_column<T: Object>(
    head: &'static str,
    class: &'static str,
    cell: Cell<T>,
) -> Column<T> {
    Column {
        head,
        label: Some(head),
        class,
        sort: None,
        cell,
    }
}

/// A column with its cells.
pub const fn column<T: Object>(
    head: &'static str,
    class: &'static str,
    cell: RenderCell<T>,
) -> Column<T> {
    new_column(head, class, Cell::Value(cell))
}

/// A column that is hidden in tables from 768 to 1023 px; the object's page shows the value.
pub const fn wide_column<T: Object>(head: &'static str, cell: RenderCell<T>) -> Column<T> {
    column(head, WIDE, cell)
}

/// The class of the cells of a [`wide_column`].
const WIDE: &str = "cell-wide";

/// A column of badges, which need no label on a card.
pub const fn badge_column<T: Object>(head: &'static str, cell: RenderCell<T>) -> Column<T> {
    unlabeled(column(head, "", cell))
}

/// The column of the names, which open the objects.
pub const fn main_column<T: Object>(head: &'static str, cell: RenderCell<T>) -> Column<T> {
    unlabeled(column(head, "cell-main", cell))
}

/// A column whose cells are created once and follow their object, such as a checkbox or a menu.
pub const fn live_column<T: Object>(
    head: &'static str,
    class: &'static str,
    cell: fn(Memo<Option<T>>) -> AnyView,
) -> Column<T> {
    unlabeled(new_column(head, class, Cell::Live(cell)))
}

/// The same column without a label on a card.
pub const fn unlabeled<T: Object>(column: Column<T>) -> Column<T> {
    Column {
        label: None,
        ..column
    }
}

/// The same column with a header that sorts by `key`.
pub const fn sorted_by<T: Object>(key: &'static str, column: Column<T>) -> Column<T> {
    Column {
        sort: Some(key),
        ..column
    }
}

impl<T: Object> Column<T> {
    fn is_live(&self) -> bool {
        matches!(self.cell, Cell::Live(_))
    }

    fn render(&self, object: Memo<Option<T>>) -> Option<AnyView> {
        let content = match self.cell {
            Cell::Live(cell) => cell(object),
            Cell::Value(cell) => object.with(|object| object.as_ref().map(cell))?,
        };
        let (label, class) = (self.label, self.class);
        Some(match class.is_empty() {
            true => view! { <td role="cell" data-label=label>{content}</td> }.erase(),
            false => view! { <td role="cell" data-label=label class=class>{content}</td> }.erase(),
        })
    }
}

/// The link that opens the object of a row.
pub fn row_link(href: String, name: AnyView) -> AnyView {
    view! { <a class="row-link" data-row="" href=href>{name}</a> }.erase()
}

/// The error of an object, below its name.
pub fn error_note(error: Option<&String>) -> AnyView {
    let note = |error: &String| view! { <span class="row-note">{error.clone()}</span> }.erase();
    error.map(note).erase()
}

/// A cell or name with this text.
pub fn text(value: impl ToString) -> AnyView {
    value.to_string().erase()
}

/// A cell with a text for an absent value.
pub fn muted(text: &'static str) -> AnyView {
    view! { <span class="muted">{text}</span> }.erase()
}

/// A cell with the age of the object that `href` opens. Above the row's link, so that the exact
/// time is shown on hover.
pub fn age_link(href: String, at: Timestamp) -> AnyView {
    view! { <a class="above-row-link plain" tabindex="-1" href=href>{ago(at)}</a> }.erase()
}

/// The checkbox that selects the object `name`.
pub fn select_box(
    name: Signal<String>,
    is_selected: Signal<bool>,
    toggle: Callback<()>,
) -> AnyView {
    let label = Signal::derive(move || format!("Select {}", name.get()));
    let select = act(move |_| toggle.run(()));
    view! { <input type="checkbox" aria-label=label prop:checked=is_selected on:change=select /> }
        .erase()
}

/// Selects an object, or deselects it if it is selected.
pub fn toggle<T: PartialEq>(selected: &mut Vec<T>, object: T) {
    match selected.iter().position(|other| *other == object) {
        Some(index) => {
            selected.remove(index);
        }
        None => selected.push(object),
    }
}

/// The columns and rows of a table.
pub struct Rows<T: Object> {
    /// The name of the table for screen readers.
    pub label: &'static str,
    /// The id of an object, unique in the table.
    pub id: fn(&T) -> i64,
    pub columns: &'static [Column<T>],
}

/// An id for objects that are identified by a text, for [`Rows::id`].
pub fn text_id(text: impl Hash) -> i64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish().cast_signed()
}

/// The order of a table, and the URL of the table in another order.
pub type Sorting = (Signal<String>, Callback<String, String>);

/// The table of these objects.
pub fn table<T: Object>(objects: Memo<Vec<T>>, rows: &'static Rows<T>) -> AnyView {
    table_with(objects, rows, None, None)
}

/// The table of these objects with another label or an order.
pub fn table_with<T: Object>(
    objects: Memo<Vec<T>>,
    rows: &'static Rows<T>,
    label: Option<Signal<String>>,
    sorting: Option<Sorting>,
) -> AnyView {
    let id = rows.id;
    let ids = Memo::new(move |_| objects.with(|all| all.iter().map(id).collect::<Vec<_>>()));
    let render_row = move |key: i64| {
        let object = Memo::new(move |_| {
            objects.with(|all| all.iter().find(|object| id(object) == key).cloned())
        });
        view! { <tr role="row">{cells(object, rows.columns)}</tr> }.erase()
    };
    let heads = rows.columns.iter();
    let heads = heads.map(|column| head_view(column, column.sort.zip(sorting)));
    let label = label.unwrap_or_else(|| Signal::stored(rows.label.to_owned()));
    table_view(label, heads.collect(), ids, Arc::new(render_row))
}

/// The cells of a row. Consecutive columns that are not live are rendered together.
fn cells<T: Object>(object: Memo<Option<T>>, columns: &'static [Column<T>]) -> Vec<AnyView> {
    let groups = columns.chunk_by(|left, right| !left.is_live() && !right.is_live());
    let view = |group: &'static [Column<T>]| match group {
        [column] if column.is_live() => column.render(object).erase(),
        group => reactive(move || {
            let cells = group.iter().map(|column| column.render(object));
            cells.collect::<Option<Vec<_>>>()
        }),
    };
    groups.map(view).collect()
}

/// A column header, which may sort; without a text for checkboxes and menus.
fn head_view<T: Object>(column: &Column<T>, sort: Option<(&'static str, Sorting)>) -> AnyView {
    let text = column.head;
    match sort {
        Some((key, sorting)) => sort_head(text, key, sorting.0, sorting.1),
        None if text.is_empty() => view! { <td role="cell"></td> }.erase(),
        None if column.class == WIDE => {
            view! { <th role="columnheader" scope="col" class=WIDE>{text}</th> }.erase()
        }
        None => view! { <th role="columnheader" scope="col">{text}</th> }.erase(),
    }
}

/// A table with these column headers, whose rows `render_row` creates by id.
fn table_view(
    label: Signal<String>,
    heads: Vec<AnyView>,
    ids: Memo<Vec<i64>>,
    render_row: Arc<dyn Fn(i64) -> AnyView + Send + Sync>,
) -> AnyView {
    view! {
        <table class="list" role="table" aria-label=label>
            <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=move |id| render_row(id) />
            </tbody>
        </table>
    }
    .erase()
}

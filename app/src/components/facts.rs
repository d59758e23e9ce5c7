//! Definition lists of facts about an object.

use std::fmt::Display;

use crate::erase::Erase as _;
use leptos::prelude::*;

use super::page::Copy;

/// A definition list, built row by row.
#[derive(Default)]
pub struct Facts(Vec<AnyView>);

impl Facts {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// A row with elements or text.
    pub fn view(self, label: &'static str, value: AnyView) -> Self {
        self.row(label, None, value)
    }

    /// A row with text.
    pub fn text(self, label: &'static str, value: impl Display) -> Self {
        self.row(label, None, value.to_string().erase())
    }

    /// A row with text in a monospace font, such as an address.
    pub fn mono(self, label: &'static str, value: impl Display) -> Self {
        self.row(label, Some("mono"), value.to_string().erase())
    }

    /// A row with a number.
    pub fn number(self, label: &'static str, value: impl Display) -> Self {
        self.row(label, Some("num"), value.to_string().erase())
    }

    /// A row in a monospace font, with a button that copies the text; `copy_label` is the kind of
    /// text.
    pub fn copyable(
        self,
        label: &'static str,
        value: impl Display,
        copy_label: &'static str,
    ) -> Self {
        let text = value.to_string();
        let value = view! { {text.clone()} <Copy text label=copy_label /> }.erase();
        self.row(label, Some("mono"), value)
    }

    /// A row in a monospace font, or `none` if the text is absent or empty.
    pub fn mono_or(
        self,
        label: &'static str,
        value: Option<impl Display>,
        none: &'static str,
    ) -> Self {
        let text = value.map(|value| value.to_string()).unwrap_or_default();
        match text.is_empty() {
            false => self.mono(label, text),
            true => self.row(label, Some("muted"), none.erase()),
        }
    }

    /// The rows that `add` adds for a value; none without a value.
    pub fn with<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    fn row(mut self, label: &'static str, class: Option<&'static str>, value: AnyView) -> Self {
        let row = view! { <dt>{label}</dt><dd class=class>{value}</dd> };
        self.0.push(row.erase());
        self
    }

    pub fn list(self) -> AnyView {
        view! { <dl class="facts">{self.0}</dl> }.erase()
    }

    pub fn card(self) -> AnyView {
        view! { <dl class="card facts">{self.0}</dl> }.erase()
    }
}

//! The validation and submission state of a form. It contains no elements.

use leptos::{html, prelude::*};
use model::{Error, FieldError};

use super::field_id;
use crate::server_fns::RequestError;

/// The validation and submission state of a form, without its values.
#[derive(Clone, Copy)]
pub struct FormState {
    check: StoredValue<Box<dyn Fn() -> Vec<FieldError> + Send + Sync>>,
    /// The fields that have lost the focus.
    visited_fields: StoredValue<Vec<String>>,
    /// The labels of the fields, by name, for the summary of errors.
    labels: StoredValue<Vec<(String, &'static str)>>,
    /// Errors that only the server can detect. Each remains until its field is edited.
    server_errors: StoredValue<Vec<FieldError>>,
    refused: RwSignal<Vec<FieldError>>,
    /// Errors of the last submission. They remain until the next submission, so that the layout
    /// does not shift while a user corrects the fields.
    pub(super) summary: RwSignal<Vec<FieldError>>,
    /// Whether the submission is in flight.
    pub busy: RwSignal<bool>,
    /// An error that concerns the form as a whole.
    pub failure: RwSignal<Option<RequestError>>,
}

impl FormState {
    /// A form whose values `check` validates with the server's parser.
    pub fn new(check: impl Fn() -> Vec<FieldError> + Send + Sync + 'static) -> Self {
        Self {
            check: StoredValue::new(Box::new(check)),
            visited_fields: StoredValue::new(Vec::new()),
            labels: StoredValue::new(Vec::new()),
            server_errors: StoredValue::new(Vec::new()),
            refused: RwSignal::new(Vec::new()),
            summary: RwSignal::new(Vec::new()),
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }

    /// A form whose values `parse`, the server's parser, validates.
    pub fn of<V, T>(
        values: RwSignal<V>,
        parse: impl Fn(&V) -> Result<T, Vec<FieldError>> + Send + Sync + 'static,
    ) -> Self
    where
        V: Send + Sync + 'static,
    {
        Self::new(move || values.with_untracked(|values| parse(values).err().unwrap_or_default()))
    }

    /// Sets the label of a field, while the current view is mounted. A field that replaces another
    /// one of the same name replaces its label.
    pub fn set_label(self, field: &str, label: &'static str) {
        self.labels.update_value(|labels| {
            labels.retain(|(name, _)| name != field);
            labels.push((field.to_owned(), label));
        });
        let field = field.to_owned();
        on_cleanup(move || self.drop_from_summary(&field));
    }

    /// Removes the errors of a field that the form no longer shows.
    fn drop_from_summary(self, field: &str) {
        let is_of = |refusal: &FieldError| refusal.field == field;
        let has_errors = |summary: &Vec<FieldError>| summary.iter().any(is_of);
        if self.summary.try_with_untracked(has_errors) == Some(true) {
            self.summary
                .try_update(|summary| summary.retain(|refusal| !is_of(refusal)));
        }
    }

    /// The label of a field; `None` if the form does not show the field.
    pub(super) fn label(self, field: &str) -> Option<&'static str> {
        self.labels.with_value(|labels| {
            let mut labels = labels.iter();
            labels
                .find(|(name, _)| name == field)
                .map(|(_, label)| *label)
        })
    }

    /// The error at a field; tracked.
    pub fn refusal(self, field: &str) -> Option<String> {
        self.refused.with(|refused| {
            refused
                .iter()
                .find(|refusal| refusal.field == field)
                .map(|refusal| refusal.message.clone())
        })
    }

    /// A reference for a fold that opens when one of the fields `names` has an error or when
    /// `is_required` is true. The fold is never closed automatically.
    pub fn open_on_error(
        self,
        names: &'static [&'static str],
        is_required: Signal<bool>,
    ) -> NodeRef<html::Details> {
        let fold = NodeRef::<html::Details>::new();
        Effect::new(move |_| {
            let has_error = names.iter().any(|name| self.refusal(name).is_some());
            if (has_error || is_required.get())
                && let Some(fold) = fold.get()
            {
                let _ = fold.set_attribute("open", "");
            }
        });
        fold
    }

    /// Validates a field that loses focus, and the fields that lost focus before.
    pub fn leave(self, field: &str) {
        let mut refused = self.check.with_value(|check| check());
        self.visited_fields.update_value(|visited| {
            if !visited.iter().any(|name| name == field) {
                visited.push(field.to_owned());
            }
            refused.retain(|refusal| visited.contains(&refusal.field));
        });
        self.server_errors
            .with_value(|server_errors| refused.extend_from_slice(server_errors));
        self.refused.set(refused);
    }

    /// Clears the server's error for a field that was edited.
    pub fn typed(self, field: &str) {
        self.server_errors
            .update_value(|server_errors| server_errors.retain(|refusal| refusal.field != field));
    }

    /// Validates all fields before submission; true if there are no errors.
    pub fn submit(self) -> bool {
        let refused = self.check.with_value(|check| check());
        let is_valid = refused.is_empty();
        self.failure.set(None);
        self.server_errors.set_value(Vec::new());
        let fields = refused.iter().map(|refusal| refusal.field.clone());
        self.visited_fields
            .update_value(|visited| visited.extend(fields));
        self.summarize(refused.clone());
        self.refused.set(refused);
        self.busy.set(is_valid);
        is_valid
    }

    /// Sets the summary, in the order of the fields on the page. Errors without a field come last.
    fn summarize(self, mut refused: Vec<FieldError>) {
        let fields = crate::browser::elements("[id^='field-']");
        refused.sort_by_cached_key(|refusal| {
            let id = field_id(&refusal.field);
            let position = fields.iter().position(|field| field.id() == id);
            position.unwrap_or(usize::MAX)
        });
        self.summary.set(refused);
    }

    /// Stores an error from the server, at the fields that it names.
    pub fn refuse(self, failure: RequestError) {
        self.busy.set(false);
        match failure.0 {
            Error::Invalid { fields } => {
                self.server_errors.set_value(fields.clone());
                self.refused.set(fields.clone());
                self.summarize(fields);
            }
            other => self.failure.set(Some(RequestError(other))),
        }
    }
}

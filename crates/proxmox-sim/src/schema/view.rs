//! What the calls take, as plain data for whoever compares it with Proxmox's own description.
//! Nothing in the simulator may depend on it.

use super::object::Object;
use super::{Kind, Property, Schema};

/// A call and what it takes.
#[derive(Clone, Debug)]
pub struct RouteView {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path behind `/api2/json`, with names in braces.
    pub path: &'static str,
    /// Its parameters, those in the path too.
    pub parameters: Vec<PropertyView>,
}

/// One parameter, or a numbered family of them.
#[derive(Clone, Debug)]
pub struct PropertyView {
    /// Its name; a family's ends in `[n]`.
    pub name: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// `string`, `integer`, `number`, `boolean` or `array`.
    pub kind: &'static str,
    /// The words that it may be; empty when it is free.
    pub words: Vec<String>,
    /// The name of the check that it must pass; that of a list ends in `-list`.
    pub format: Option<String>,
    /// For a property string, what may stand in it; empty for others.
    pub parts: Vec<PropertyView>,
    /// For a property string, the key that a bare value belongs to.
    pub default_key: Option<&'static str>,
    /// The pattern that it must match as a whole.
    pub pattern: Option<String>,
    /// Shortest length in characters.
    pub shortest: Option<usize>,
    /// Longest length in characters.
    pub longest: Option<usize>,
    /// Smallest value.
    pub minimum: Option<f64>,
    /// Largest value.
    pub maximum: Option<f64>,
    /// The parameter without which it may not be given.
    pub requires: Option<&'static str>,
}

impl From<&Property> for PropertyView {
    fn from(property: &Property) -> Self {
        let object = property.as_object();
        let ending = if property.list { "-list" } else { "" };
        let format = property.format;
        let family = if property.family.is_some() { "[n]" } else { "" };
        let bound = |value: f64| Some(value).filter(|value| value.is_finite());
        let (shortest, longest) = property.length;
        Self {
            name: format!("{}{family}", property.name),
            optional: property.optional,
            kind: property.kind.word(),
            words: match &property.kind {
                Kind::Enumeration(words) => words.clone(),
                _ => Vec::new(),
            },
            format: format.map(|format| format!("{}{ending}", format.name)),
            parts: object.map_or_else(Vec::new, |object| all(object.properties())),
            default_key: object.and_then(Object::default_key),
            pattern: property
                .pattern
                .as_ref()
                .map(|pattern| pattern.text.clone()),
            shortest: Some(shortest).filter(|length| *length > 0),
            longest: Some(longest).filter(|length| *length < usize::MAX),
            minimum: bound(property.bounds.0),
            maximum: bound(property.bounds.1),
            requires: property.requires,
        }
    }
}

fn all(properties: &[Property]) -> Vec<PropertyView> {
    properties.iter().map(PropertyView::from).collect()
}

impl Schema {
    /// What it consists of.
    pub(crate) fn view(&self) -> Vec<PropertyView> {
        all(&self.properties)
    }
}

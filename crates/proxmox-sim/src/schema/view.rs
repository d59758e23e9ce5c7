//! The routes and their parameters as plain data, for comparison with Proxmox's API schema. The
//! simulator must not depend on it.

use super::object::Object;
use super::{Kind, Property, Schema};

/// A route and its parameters.
#[derive(Clone, Debug)]
pub struct RouteView {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path below `/api2/json`, with parameters in braces.
    pub path: &'static str,
    /// All parameters, including path parameters.
    pub parameters: Vec<PropertyView>,
}

/// A parameter, or a numbered family of parameters.
#[derive(Clone, Debug)]
pub struct PropertyView {
    /// Name. The name of a family ends in `[n]`.
    pub name: String,
    /// Whether the parameter is optional.
    pub optional: bool,
    /// `string`, `integer`, `number`, `boolean` or `array`.
    pub kind: &'static str,
    /// The values of an enumeration, otherwise empty.
    pub values: Vec<String>,
    /// The format. The format of a list ends in `-list`.
    pub format: Option<String>,
    /// The properties of a property string, otherwise empty.
    pub parts: Vec<PropertyView>,
    /// The default key of a property string.
    pub default_key: Option<&'static str>,
    /// The pattern that the whole value must match.
    pub pattern: Option<String>,
    /// Minimum length in characters.
    pub min_length: Option<usize>,
    /// Maximum length in characters.
    pub max_length: Option<usize>,
    /// Minimum value.
    pub minimum: Option<f64>,
    /// Maximum value.
    pub maximum: Option<f64>,
    /// The parameter that this one requires.
    pub requires: Option<&'static str>,
}

impl From<&Property> for PropertyView {
    fn from(property: &Property) -> Self {
        let object = property.as_object();
        let ending = if property.list { "-list" } else { "" };
        let format = property.format;
        let family = if property.family.is_some() { "[n]" } else { "" };
        let bound = |value: f64| Some(value).filter(|value| value.is_finite());
        let (min_length, max_length) = property.length;
        Self {
            name: format!("{}{family}", property.name),
            optional: property.optional,
            kind: property.kind.name(),
            values: match &property.kind {
                Kind::Enumeration(values) => values.clone(),
                _ => Vec::new(),
            },
            format: format.map(|format| format!("{}{ending}", format.name)),
            parts: object.map_or_else(Vec::new, |object| all(object.properties())),
            default_key: object.and_then(Object::default_key),
            pattern: property
                .pattern
                .as_ref()
                .map(|pattern| pattern.text.clone()),
            min_length: Some(min_length).filter(|length| *length > 0),
            max_length: Some(max_length).filter(|length| *length < usize::MAX),
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
    /// The parameters as plain data.
    pub(crate) fn view(&self) -> Vec<PropertyView> {
        all(&self.properties)
    }
}

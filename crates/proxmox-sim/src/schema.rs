//! Parameter schemas and their validation, in the order and with the messages of Proxmox.
//!
//! Checks per property: presence, type, format, pattern, length, bounds, enumeration. The first
//! failed check of each property is reported, for all properties together. This module contains no
//! knowledge of individual routes except their parameters.

mod address;
pub(crate) mod firewall;
pub(crate) mod format;
pub(crate) mod identity;
pub(crate) mod lxc;
pub(crate) mod named;
pub(crate) mod network;
pub(crate) mod object;
mod property;
pub(crate) mod realm;
pub(crate) mod storage;
pub(crate) mod view;

use std::collections::BTreeMap;

use crate::error::{ApiError, Result};
use crate::params::{Params, Raw};
use property::{Format, Kind};
pub(crate) use property::{
    Property, any_disk, array, boolean, choice, disk, integer, number, text,
};

const UNKNOWN: &str =
    "property is not defined in schema and the schema does not allow additional properties";
const MISSING: &str = "property is missing and it is not optional";

/// All parameters of a route. Other parameters are rejected.
pub(crate) struct Schema {
    properties: Vec<Property>,
}

impl Schema {
    /// Creates a schema.
    pub(crate) fn new(properties: Vec<Property>) -> Self {
        Self { properties }
    }

    /// The property with a name.
    pub(crate) fn find(&self, name: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.is_named(name))
    }

    /// Validates all parameters that were sent and returns them as strings.
    pub(crate) fn validate(&self, sent: &BTreeMap<String, Raw>) -> Result<Params> {
        let mut values = BTreeMap::new();
        let mut problems = BTreeMap::new();
        for (name, raw) in sent {
            let outcome = match self.find(name) {
                None => Err(UNKNOWN.to_owned()),
                Some(property) => property.flatten(raw).and_then(|value| {
                    property.check(name, &value)?;
                    Ok(value)
                }),
            };
            match outcome {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(problem) => drop(problems.insert(name.clone(), problem)),
            }
        }
        self.check_presence(sent, &mut problems);
        if problems.is_empty() {
            Ok(Params::new(values))
        } else {
            Err(ApiError::Parameters(problems))
        }
    }

    fn check_presence(
        &self,
        sent: &BTreeMap<String, Raw>,
        problems: &mut BTreeMap<String, String>,
    ) {
        for property in &self.properties {
            if !property.optional && !sent.contains_key(property.name) {
                problems.insert(property.name.to_owned(), MISSING.to_owned());
            }
            let requested = property
                .requires
                .filter(|_| sent.contains_key(property.name));
            if let Some(other) = requested.filter(|other| !sent.contains_key(*other)) {
                let problem = format!("missing property required by '{}'", property.name);
                problems.insert(other.to_owned(), problem);
            }
        }
    }
}

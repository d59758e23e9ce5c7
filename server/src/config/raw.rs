//! The configuration as text: keys, environment variables, and the source of each value. The parent
//! module interprets the values.

use std::{fmt::Display, path::Path, str::FromStr};

use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    providers::{Format as _, Serialized, Toml},
    util::nest,
    value::{Dict, Map, Value},
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{ConfigError, DEFAULT_LISTEN, Overrides, error::nearest};

/// The keys of the file. Unknown keys are an error.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub listen: String,
    pub public_url: Option<String>,
    #[serde(deserialize_with = "one_or_many")]
    pub trusted_proxies: Vec<String>,
    pub tls_cert: Option<String>,
    pub tls_key: Option<String>,
    pub data: String,
    pub database: Option<String>,
    pub key_file: Option<String>,
    #[serde(deserialize_with = "flag_or_word")]
    pub demo: String,
    pub demo_speed: u32,
    pub log: RawLog,
    pub workers: RawWorkers,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    pub format: String,
    pub filter: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWorkers {
    pub parallel_jobs: usize,
    pub job_retention_days: u64,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.to_string(),
            public_url: None,
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            data: "data".to_owned(),
            database: None,
            key_file: None,
            demo: "false".to_owned(),
            demo_speed: 1,
            log: RawLog {
                format: "text".to_owned(),
                filter: "info".to_owned(),
            },
            workers: RawWorkers {
                parallel_jobs: 10,
                job_retention_days: 90,
            },
        }
    }
}

/// The type of a value in a variable or an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueType {
    Text,
    /// A TOML value, such as a number or `true`.
    Toml,
}

/// Environment variables with the keys that they set and the types of their values.
const VARIABLES: [(&str, &str, ValueType); 15] = [
    ("HOLDFAST_LISTEN", "listen", ValueType::Text),
    ("HOLDFAST_PUBLIC_URL", "public_url", ValueType::Text),
    (
        "HOLDFAST_TRUSTED_PROXIES",
        "trusted_proxies",
        ValueType::Text,
    ),
    ("HOLDFAST_TLS_CERT", "tls_cert", ValueType::Text),
    ("HOLDFAST_TLS_KEY", "tls_key", ValueType::Text),
    ("HOLDFAST_DATA", "data", ValueType::Text),
    ("HOLDFAST_KEY_FILE", "key_file", ValueType::Text),
    ("HOLDFAST_DEMO", "demo", ValueType::Toml),
    ("HOLDFAST_DEMO_SPEED", "demo_speed", ValueType::Toml),
    ("HOLDFAST_LOG_FORMAT", "log.format", ValueType::Text),
    ("HOLDFAST_LOG_FILTER", "log.filter", ValueType::Text),
    (
        "HOLDFAST_WORKERS_PARALLEL_JOBS",
        "workers.parallel_jobs",
        ValueType::Toml,
    ),
    (
        "HOLDFAST_WORKERS_JOB_RETENTION_DAYS",
        "workers.job_retention_days",
        ValueType::Toml,
    ),
    ("HOLDFAST_DATABASE", "database", ValueType::Text),
    ("DATABASE_URL", "database", ValueType::Text),
];
/// The encryption key: only in the environment, never in the file.
const KEY: &str = "HOLDFAST_KEY";
/// Variables of the command line and of the build.
const OTHER_VARIABLES: [&str; 2] = ["HOLDFAST_CONFIG", "HOLDFAST_WEB_ASSETS"];

/// The source of each value.
pub(super) struct Sources {
    figment: Figment,
    key: Option<String>,
}

/// Reads and merges all layers.
pub(super) fn read(
    file: Option<&Path>,
    overrides: Overrides,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(Raw, Sources), ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(Raw::default()));
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::File {
            path: path.to_owned(),
            cause,
        })?;
        let origin = path.display().to_string();
        let provider = Layer {
            origin: origin.clone(),
            data: toml(&text, &origin)?,
        };
        figment = figment.merge(provider);
    }
    let mut key = None;
    for (name, value) in environment {
        if name == KEY {
            key = Some(value);
        } else if let Some((_, setting, _)) = VARIABLES.iter().find(|(known, ..)| *known == name) {
            figment = figment.merge(Layer::single(
                format!("the variable {name}"),
                setting,
                &value,
            ));
        } else if name.starts_with("HOLDFAST_") && !OTHER_VARIABLES.contains(&name.as_str()) {
            let known = VARIABLES.iter().map(|(known, ..)| *known).chain([KEY]);
            let nearest = nearest(&name, known);
            return Err(ConfigError::UnknownVariable { name, nearest });
        }
    }
    let data = overrides.data.map(|data| data.display().to_string());
    let options = [
        ("--listen", "listen", overrides.listen),
        ("--data", "data", data),
        ("--demo", "demo", overrides.demo),
        ("--demo-speed", "demo_speed", overrides.demo_speed),
    ];
    for (option, key, value) in options {
        if let Some(value) = value {
            figment = figment.merge(Layer::single(option.to_owned(), key, &value));
        }
    }
    let raw = figment
        .extract()
        .map_err(|error| convert_error(&error, file))?;
    Ok((raw, Sources { figment, key }))
}

fn toml(text: &str, origin: &str) -> Result<Dict, ConfigError> {
    Toml::string(text)
        .data()
        .map_err(|e| ConfigError::Form {
            origin: origin.to_owned(),
            reason: e.to_string(),
        })
        .map(|mut profiles| profiles.remove(&Profile::Default).unwrap_or_default())
}

/// A layer of values from one source.
struct Layer {
    origin: String,
    data: Dict,
}

impl Layer {
    /// A layer with one value from a variable or an option.
    fn single(origin: String, key: &str, text: &str) -> Self {
        let is_toml = VARIABLES
            .iter()
            .any(|(_, known, value_type)| *known == key && *value_type == ValueType::Toml);
        let value = match text.parse::<Value>() {
            Ok(value) if is_toml => value,
            _ => Value::from(text),
        };
        let data = nest(key, value).into_dict().unwrap_or_default();
        Self { origin, data }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.data.clone())]))
    }
}

/// Converts figment's first error.
fn convert_error(error: &figment::Error, file: Option<&Path>) -> ConfigError {
    let origin = error.metadata.as_ref().map_or_else(
        || {
            file.map_or_else(
                || "the configuration".to_owned(),
                |f| f.display().to_string(),
            )
        },
        |metadata| metadata.name.to_string(),
    );
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(field, known) => {
            let key = if path.is_empty() || path.ends_with(field.as_str()) {
                if path.is_empty() { field.clone() } else { path }
            } else {
                format!("{path}.{field}")
            };
            ConfigError::UnknownKey {
                key,
                origin,
                nearest: nearest(field, known.iter().copied()),
            }
        }
        Kind::InvalidType(actual, expected) => ConfigError::Value {
            key: path,
            origin,
            reason: format!("use {expected} instead of {actual}"),
        },
        other => ConfigError::Value {
            key: path,
            origin,
            reason: other.to_string(),
        },
    }
}

impl Sources {
    /// The encryption key, if set in the environment.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// An error about the value of `key`, with its source.
    pub(super) fn invalid_value(&self, key: &str, reason: String) -> ConfigError {
        let origin = self
            .figment
            .find_metadata(key)
            .map(|metadata| metadata.name.to_string())
            .filter(|name| !name.contains("Raw"))
            .unwrap_or_else(|| "not set".to_owned());
        ConfigError::Value {
            key: key.to_owned(),
            origin,
            reason,
        }
    }

    /// Parses a value whose parser returns a message for users.
    pub(super) fn parse<T: FromStr<Err: Display>>(
        &self,
        key: &str,
        text: &str,
    ) -> Result<T, ConfigError> {
        text.parse()
            .map_err(|reason: T::Err| self.invalid_value(key, reason.to_string()))
    }

    /// Parses a value; `expected` replaces the parser's message.
    pub(super) fn parse_or<T: FromStr>(
        &self,
        key: &str,
        text: &str,
        expected: &str,
    ) -> Result<T, ConfigError> {
        text.parse()
            .map_err(|_| self.invalid_value(key, format!("`{text}`: {expected}")))
    }

    /// Returns the value if `check` accepts it.
    pub(super) fn validate<T: Clone>(
        &self,
        key: &str,
        value: &T,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<T, ConfigError> {
        check(value)
            .map(|()| value.clone())
            .map_err(|reason| self.invalid_value(key, reason))
    }
}

/// Deserializes `true`, `false`, or a word.
fn flag_or_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum FlagOrWord {
        Flag(bool),
        Word(String),
    }
    Ok(match FlagOrWord::deserialize(deserializer)? {
        FlagOrWord::Flag(flag) => flag.to_string(),
        FlagOrWord::Word(word) => word,
    })
}

/// Deserializes a list, or one text with commas as in variables.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Many(texts) => texts,
        OneOrMany::One(text) => text
            .split(',')
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

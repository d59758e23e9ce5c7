//! The configuration as text: which keys there are, which variable stands for which, and where
//! each value came from. What a value means is decided in the parent module.

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

/// The keys of the file. One that is not here is refused.
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
            demo: "true".to_owned(),
            demo_speed: 1,
            log: RawLog {
                format: "text".to_owned(),
                filter: "info".to_owned(),
            },
            workers: RawWorkers { parallel_jobs: 10 },
        }
    }
}

/// Variables and the keys that they stand for.
const VARIABLES: [(&str, &str); 14] = [
    ("HOLDFAST_LISTEN", "listen"),
    ("HOLDFAST_PUBLIC_URL", "public_url"),
    ("HOLDFAST_TRUSTED_PROXIES", "trusted_proxies"),
    ("HOLDFAST_TLS_CERT", "tls_cert"),
    ("HOLDFAST_TLS_KEY", "tls_key"),
    ("HOLDFAST_DATA", "data"),
    ("HOLDFAST_KEY_FILE", "key_file"),
    ("HOLDFAST_DEMO", "demo"),
    ("HOLDFAST_DEMO_SPEED", "demo_speed"),
    ("HOLDFAST_LOG_FORMAT", "log.format"),
    ("HOLDFAST_LOG_FILTER", "log.filter"),
    ("HOLDFAST_WORKERS_PARALLEL_JOBS", "workers.parallel_jobs"),
    ("HOLDFAST_DATABASE", "database"),
    ("DATABASE_URL", "database"),
];
/// The key itself: only in the environment, never in the file.
const KEY: &str = "HOLDFAST_KEY";
/// Read elsewhere: by the command line and by the build.
const ELSEWHERE: [&str; 2] = ["HOLDFAST_CONFIG", "HOLDFAST_SITE"];

/// Where each value came from.
pub(super) struct Sources {
    figment: Figment,
    key: Option<String>,
}

/// Reads all layers.
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
        let place = path.display().to_string();
        let provider = Layer {
            place: place.clone(),
            data: toml(&text, &place)?,
        };
        figment = figment.merge(provider);
    }
    let mut key = None;
    for (name, value) in environment {
        if name == KEY {
            key = Some(value);
        } else if let Some((_, setting)) = VARIABLES.iter().find(|(known, _)| *known == name) {
            figment = figment.merge(Layer::one(format!("the variable {name}"), setting, &value));
        } else if name.starts_with("HOLDFAST_") && !ELSEWHERE.contains(&name.as_str()) {
            let known = VARIABLES.iter().map(|(known, _)| *known).chain([KEY]);
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
            figment = figment.merge(Layer::one(option.to_owned(), key, &value));
        }
    }
    let raw = figment.extract().map_err(|error| told(&error, file))?;
    Ok((raw, Sources { figment, key }))
}

fn toml(text: &str, place: &str) -> Result<Dict, ConfigError> {
    Toml::string(text)
        .data()
        .map_err(|e| ConfigError::Form {
            place: place.to_owned(),
            why: e.to_string(),
        })
        .map(|mut profiles| profiles.remove(&Profile::Default).unwrap_or_default())
}

/// One layer of values, all from one place.
struct Layer {
    place: String,
    data: Dict,
}

impl Layer {
    /// One value from outside the file, where all is text.
    fn one(place: String, key: &str, text: &str) -> Self {
        // Only the settings that are not text are read as what they look like.
        let value = match (key, text.parse::<Value>()) {
            ("demo" | "demo_speed" | "workers.parallel_jobs", Ok(value)) => value,
            _ => Value::from(text),
        };
        let data = nest(key, value).into_dict().unwrap_or_default();
        Self { place, data }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.data.clone())]))
    }
}

/// The first of figment's complaints, in our words.
fn told(error: &figment::Error, file: Option<&Path>) -> ConfigError {
    let place = error.metadata.as_ref().map_or_else(
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
                place,
                nearest: nearest(field, known.iter().copied()),
            }
        }
        Kind::InvalidType(actual, expected) => ConfigError::Value {
            key: path,
            place,
            why: format!("use {expected} in place of {actual}"),
        },
        other => ConfigError::Value {
            key: path,
            place,
            why: other.to_string(),
        },
    }
}

impl Sources {
    /// The key itself, when the environment has it.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// A refusal of the value of `key`, with its place.
    pub(super) fn refusal(&self, key: &str, why: String) -> ConfigError {
        let place = self
            .figment
            .find_metadata(key)
            .map(|metadata| metadata.name.to_string())
            .filter(|name| !name.contains("Raw"))
            .unwrap_or_else(|| "not given".to_owned());
        ConfigError::Value {
            key: key.to_owned(),
            place,
            why,
        }
    }

    /// Parses a value whose parser says what would be right.
    pub(super) fn parsed<T: FromStr<Err: Display>>(
        &self,
        key: &str,
        text: &str,
    ) -> Result<T, ConfigError> {
        text.parse()
            .map_err(|why: T::Err| self.refusal(key, why.to_string()))
    }

    /// Parses a value whose parser's words are not for people.
    pub(super) fn parsed_as<T: FromStr>(
        &self,
        key: &str,
        text: &str,
        right: &str,
    ) -> Result<T, ConfigError> {
        text.parse()
            .map_err(|_| self.refusal(key, format!("`{text}`: {right}")))
    }

    /// The value, unless `check` refuses it.
    pub(super) fn checked<T: Clone>(
        &self,
        key: &str,
        value: &T,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<T, ConfigError> {
        check(value)
            .map(|()| value.clone())
            .map_err(|why| self.refusal(key, why))
    }
}

/// `true`, `false`, or a word that says more.
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

/// A list, or one text with commas as variables have it.
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

//! A value without its type, so that the code that transfers and refreshes data is compiled once
//! and not once per type.

use std::{any::Any, fmt, str::FromStr, sync::Arc};

use model::Error;
use serde::{Serialize, de::DeserializeOwned};

use crate::server_fns::RequestError;

/// A value in transit to a page: as itself within one process, as JSON from server to browser.
#[derive(Clone)]
pub struct ErasedValue {
    text: String,
    value: Option<Arc<dyn Any + Send + Sync>>,
}

/// A response as it is embedded in a page: one character for success or failure, then JSON.
#[derive(Clone)]
pub struct EmbeddedResponse(pub Result<ErasedValue, RequestError>);

const OK: char = '+';
const ERROR: char = '-';

impl fmt::Display for EmbeddedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(value) => write!(f, "{OK}{}", value.text),
            Err(failure) => {
                let text = serde_json::to_string(failure).map_err(|_| fmt::Error)?;
                write!(f, "{ERROR}{text}")
            }
        }
    }
}

/// Parses the embedded form. Malformed text becomes a failure.
impl FromStr for EmbeddedResponse {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let response = match text.strip_prefix(OK) {
            Some(text) => Ok(ErasedValue {
                text: text.to_owned(),
                value: None,
            }),
            None => Err(text
                .strip_prefix(ERROR)
                .and_then(|text| serde_json::from_slice(text.as_bytes()).ok())
                .unwrap_or_else(unreadable)),
        };
        Ok(Self(response))
    }
}

/// The failure for a response that cannot be decoded.
pub fn unreadable() -> RequestError {
    let message = "The server's response could not be read. Reload the page.".to_owned();
    RequestError(Error::Unavailable { message })
}

impl ErasedValue {
    /// Wraps a value. Only the server serializes it, because only the server embeds it in pages.
    pub fn pack<T: Serialize + Send + Sync + 'static>(value: T) -> Self {
        #[cfg(feature = "ssr")]
        let text = serde_json::to_string(&value).unwrap_or_default();
        #[cfg(not(feature = "ssr"))]
        let text = String::new();
        Self {
            text,
            value: Some(Arc::new(value)),
        }
    }

    /// The value; `None` if it has another type or cannot be deserialized.
    pub fn unpack<T: DeserializeOwned + Clone + Send + Sync + 'static>(&self) -> Option<T> {
        match &self.value {
            Some(value) => value.downcast_ref::<T>().cloned(),
            // From a slice, as server responses are decoded, so that the deserializer is compiled
            // once.
            None => serde_json::from_slice(self.text.as_bytes()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EmbeddedResponse, ErasedValue, unreadable};

    #[test]
    fn unpack_requires_the_packed_type() {
        let value = ErasedValue::pack(vec![1_u32, 2]);
        assert_eq!(value.unpack::<Vec<u32>>(), Some(vec![1, 2]));
        assert_eq!(value.unpack::<Vec<String>>(), None);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn response_round_trips_through_text() {
        let Ok(EmbeddedResponse(response)) =
            EmbeddedResponse(Ok(ErasedValue::pack("-two words".to_owned())))
                .to_string()
                .parse();
        let value = response.unwrap();
        assert_eq!(value.unpack::<String>().as_deref(), Some("-two words"));
        assert_eq!(value.unpack::<u32>(), None);

        let failure = crate::server_fns::RequestError(model::Error::conflict("no"));
        let Ok(EmbeddedResponse(response)) =
            EmbeddedResponse(Err(failure.clone())).to_string().parse();
        assert_eq!(response.err(), Some(failure));
    }

    #[test]
    fn malformed_text_is_a_failure() {
        let Ok(EmbeddedResponse(response)) = "nonsense".parse();
        assert_eq!(response.err(), Some(unreadable()));
    }
}

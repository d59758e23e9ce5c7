//! A value without its type, so that the machinery which brings it to a page and keeps it fresh is
//! in the program once and not once for each kind of thing.

use std::{any::Any, fmt, str::FromStr, sync::Arc};

use model::Error;
use serde::{Serialize, de::DeserializeOwned};

use crate::api::Failure;

/// A value on its way to a page: as itself within one program, as JSON from server to browser.
#[derive(Clone)]
pub struct Parcel {
    text: String,
    value: Option<Arc<dyn Any + Send + Sync>>,
}

/// What was answered, as a page carries it: a mark, then JSON.
#[derive(Clone)]
pub struct Sent(pub Result<Parcel, Failure>);

const GOOD: char = '+';
const BAD: char = '-';

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(parcel) => write!(f, "{GOOD}{}", parcel.text),
            Err(failure) => {
                let text = serde_json::to_string(failure).map_err(|_| fmt::Error)?;
                write!(f, "{BAD}{text}")
            }
        }
    }
}

/// Reads what another program has written; what cannot be read is a failure of its own.
impl FromStr for Sent {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let answer = match text.strip_prefix(GOOD) {
            Some(text) => Ok(Parcel {
                text: text.to_owned(),
                value: None,
            }),
            None => Err(text
                .strip_prefix(BAD)
                .and_then(|text| serde_json::from_slice(text.as_bytes()).ok())
                .unwrap_or_else(unreadable)),
        };
        Ok(Self(answer))
    }
}

/// The failure of an answer that cannot be read.
pub fn unreadable() -> Failure {
    let message = "The server's answer could not be read. Reload the page.".to_owned();
    Failure(Error::Unavailable { message })
}

impl Parcel {
    /// Wraps a value. Only the server sends parcels on, so only it writes them out.
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

    /// The value; none when it is of another type or its text cannot be read.
    pub fn unpack<T: DeserializeOwned + Clone + Send + Sync + 'static>(&self) -> Option<T> {
        match &self.value {
            Some(value) => value.downcast_ref::<T>().cloned(),
            // From a slice, as answers of the server are: one reader for both.
            None => serde_json::from_slice(self.text.as_bytes()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parcel, Sent, unreadable};

    #[test]
    fn a_parcel_keeps_its_value_and_its_type() {
        let parcel = Parcel::pack(vec![1_u32, 2]);
        assert_eq!(parcel.unpack::<Vec<u32>>(), Some(vec![1, 2]));
        assert_eq!(parcel.unpack::<Vec<String>>(), None);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn an_answer_arrives_as_it_was_sent() {
        let Ok(Sent(arrived)) = Sent(Ok(Parcel::pack("-two words".to_owned())))
            .to_string()
            .parse();
        let parcel = arrived.unwrap();
        assert_eq!(parcel.unpack::<String>().as_deref(), Some("-two words"));
        assert_eq!(parcel.unpack::<u32>(), None);

        let failure = crate::api::Failure(model::Error::conflict("no"));
        let Ok(Sent(arrived)) = Sent(Err(failure.clone())).to_string().parse();
        assert_eq!(arrived.err(), Some(failure));
    }

    #[test]
    fn what_cannot_be_read_is_a_failure() {
        let Ok(Sent(arrived)) = "nonsense".parse();
        assert_eq!(arrived.err(), Some(unreadable()));
    }
}

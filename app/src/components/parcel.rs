//! A value without its type, so that the machinery which brings it to a page and keeps it fresh is
//! in the program once and not once for each kind of thing.

use std::{any::Any, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A value on its way to a page: as itself within one program, as JSON from server to browser.
#[derive(Clone, Serialize, Deserialize)]
pub struct Parcel {
    text: String,
    #[serde(skip)]
    value: Option<Arc<dyn Any + Send + Sync>>,
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
    use super::Parcel;

    #[test]
    fn a_parcel_keeps_its_value_and_its_type() {
        let parcel = Parcel::pack(vec![1_u32, 2]);
        assert_eq!(parcel.unpack::<Vec<u32>>(), Some(vec![1, 2]));
        assert_eq!(parcel.unpack::<Vec<String>>(), None);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_parcel_arrives_as_json() {
        let sent = serde_json::to_string(&Parcel::pack("two words".to_owned())).unwrap();
        let arrived: Parcel = serde_json::from_str(&sent).unwrap();
        assert_eq!(arrived.unpack::<String>().as_deref(), Some("two words"));
        assert_eq!(arrived.unpack::<u32>(), None);
    }
}

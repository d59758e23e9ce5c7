//! Searches and formats the chain of sources of an error.

use std::{error::Error as StdError, io};

/// An error and its sources, in one line.
pub(crate) fn error_chain(error: &(dyn StdError + 'static)) -> String {
    let mut messages = Vec::<String>::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if messages.last() != Some(&text) {
            messages.push(text);
        }
        next = error.source();
    }
    messages.join(": ")
}

/// The first error of a type in the chain of sources.
pub(crate) fn find_cause<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // `source()` of an I/O error skips the error that it wraps.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| find_cause(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_error_is_distinguished_from_connection_reset() {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let inner = io::Error::new(io::ErrorKind::InvalidData, refused);
        assert!(find_cause::<rustls::Error>(&io::Error::other(inner)).is_some());
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(find_cause::<rustls::Error>(&broken).is_none());
    }
}

//! Certificates with their private keys, restricted to the edge hosts of the site.

use agent_protocol::{
    CertificateWithKey, CertificatesRequest, CertificatesResponse, endpoints::MAX_CERTIFICATES,
};
use model::{Error, fingerprint::Fingerprint};

use super::Agent;
use crate::{Control, failure::StoreResultExt as _};

/// Returns the requested certificates that belong to the agent's site and whose keys can be
/// decrypted.
///
/// # Errors
/// [`Error::Invalid`] for more certificates than one request may ask for; an error when the
/// database is unavailable.
pub async fn fetch_certificates(
    control: &Control,
    agent: &Agent,
    request: CertificatesRequest,
) -> Result<CertificatesResponse, Error> {
    if request.fingerprints.len() > MAX_CERTIFICATES {
        let message = format!("Request at most {MAX_CERTIFICATES} certificates at once.");
        return Err(Error::invalid_field("fingerprints", message));
    }
    let (key, site) = (control.store().secret_key().clone(), agent.site);
    let certificates = control
        .store()
        .read(move |c| {
            let mut certificates = Vec::new();
            for fingerprint in request.fingerprints {
                let stored = store::certificates::get_with_key(c, &key, site, &fingerprint);
                certificates.extend(skip_undecryptable(&fingerprint, stored)?.map(|stored| {
                    CertificateWithKey {
                        fingerprint,
                        chain: stored.chain,
                        key: stored.key,
                    }
                }));
            }
            Ok(certificates)
        })
        .await
        .into_model("fetch agent certificates")?;
    Ok(CertificatesResponse { certificates })
}

/// Leaves out a certificate whose key cannot be decrypted: the agent reports it as missing and
/// receives the others. Any other database error fails the request, and the agent repeats it.
fn skip_undecryptable<T>(
    fingerprint: &Fingerprint,
    stored: Result<Option<T>, store::Error>,
) -> Result<Option<T>, store::Error> {
    match stored {
        Err(store::Error::Internal { cause }) => {
            tracing::warn!(%fingerprint, error = cause, "certificate key decryption failed");
            Ok(None)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use store::Error;

    use super::skip_undecryptable;

    #[test]
    fn undecryptable_key_does_not_withhold_other_certificates() {
        let fingerprint = "ab".repeat(32).parse().unwrap();
        let cause = "certificates.secret cannot be decrypted".to_owned();
        assert_eq!(
            skip_undecryptable::<()>(&fingerprint, Err(Error::Internal { cause })),
            Ok(None)
        );
        assert_eq!(
            skip_undecryptable(&fingerprint, Ok(Some("pair"))),
            Ok(Some("pair"))
        );
        let unavailable = Error::Unavailable {
            cause: "locked".to_owned(),
        };
        assert_eq!(
            skip_undecryptable::<()>(&fingerprint, Err(unavailable.clone())),
            Err(unavailable)
        );
    }
}

//! Certificates with their private keys, restricted to the edge hosts of the site.

use edge::link::{MOST_CERTIFICATES, Pair, Pairs, Wanted};
use model::{Error, clusters::Fingerprint};

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
    request: Wanted,
) -> Result<Pairs, Error> {
    if request.certificates.len() > MOST_CERTIFICATES {
        let message = format!("Request at most {MOST_CERTIFICATES} certificates at once.");
        return Err(Error::invalid_field("certificates", message));
    }
    let (key, site) = (control.store().secret_key().clone(), agent.site);
    let pairs = control
        .store()
        .read(move |c| {
            let mut pairs = Vec::new();
            for fingerprint in request.certificates {
                let stored = store::certificates::get_with_key(c, &key, site, &fingerprint);
                pairs.extend(
                    skip_undecryptable(&fingerprint, stored)?.map(|stored| Pair {
                        certificate: fingerprint,
                        chain: stored.chain,
                        key: stored.key,
                    }),
                );
            }
            Ok(pairs)
        })
        .await
        .into_model("certificates")?;
    Ok(Pairs { pairs })
}

/// Leaves out a certificate whose key cannot be decrypted: the agent reports it as missing and
/// receives the others. Any other database error fails the request, and the agent repeats it.
fn skip_undecryptable<T>(
    fingerprint: &Fingerprint,
    stored: Result<Option<T>, store::Error>,
) -> Result<Option<T>, store::Error> {
    match stored {
        Err(store::Error::Internal { cause }) => {
            tracing::warn!(certificate = %fingerprint, cause, "failed to decrypt certificate key");
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

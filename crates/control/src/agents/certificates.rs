//! Certificates with their private keys, restricted to the edge hosts of the site.

use edge::link::{MOST_CERTIFICATES, Pair, Pairs, Wanted};
use model::{Error, clusters::Fingerprint};

use super::Agent;
use crate::{Control, failure::Told as _};

/// Returns the requested certificates that belong to the agent's site and whose keys can be
/// decrypted.
///
/// # Errors
/// [`Error::Invalid`] for more certificates than one request may ask for; an error when the
/// database is unavailable.
pub async fn certificates(
    control: &Control,
    agent: &Agent,
    wanted: Wanted,
) -> Result<Pairs, Error> {
    if wanted.certificates.len() > MOST_CERTIFICATES {
        let message = format!("Ask for at most {MOST_CERTIFICATES} at once.");
        return Err(Error::field("certificates", message));
    }
    let (key, site) = (control.store().key().clone(), agent.site);
    let pairs = control
        .store()
        .read(move |c| {
            let mut pairs = Vec::new();
            for print in wanted.certificates {
                let found = store::certificates::pair(c, &key, site, &print);
                pairs.extend(told(&print, found)?.map(|found| Pair {
                    certificate: print,
                    chain: found.chain,
                    key: found.key,
                }));
            }
            Ok(pairs)
        })
        .await
        .told("certificates")?;
    Ok(Pairs { pairs })
}

/// Leaves out a certificate whose key cannot be decrypted: the agent reports it as missing and
/// receives the others. Any other database error fails the request, and the agent repeats it.
fn told<T>(
    print: &Fingerprint,
    found: Result<Option<T>, store::Error>,
) -> Result<Option<T>, store::Error> {
    match found {
        Err(store::Error::Internal { cause }) => {
            tracing::warn!(certificate = %print, cause, "failed to decrypt certificate key");
            Ok(None)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use store::Error;

    use super::told;

    #[test]
    fn undecryptable_key_does_not_withhold_other_certificates() {
        let print = "ab".repeat(32).parse().unwrap();
        let cause = "certificates.secret does not open".to_owned();
        assert_eq!(told::<()>(&print, Err(Error::Internal { cause })), Ok(None));
        assert_eq!(told(&print, Ok(Some("pair"))), Ok(Some("pair")));
        let unavailable = Error::Unavailable {
            cause: "locked".to_owned(),
        };
        assert_eq!(
            told::<()>(&print, Err(unavailable.clone())),
            Err(unavailable)
        );
    }
}

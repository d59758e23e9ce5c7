//! Certificates with their keys, for the edge hosts of their own site alone.

use edge::link::{MOST_CERTIFICATES, Pair, Pairs, Wanted};
use model::{Error, clusters::Fingerprint};

use super::Agent;
use crate::{Control, failure::Told as _};

/// Those of the wanted certificates that the agent's site has, and whose keys open.
///
/// # Errors
/// [`Error::Invalid`] for more than are told at once; when the database does not answer.
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

/// What there is to tell of one certificate. Of one whose key does not open nothing is: the agent
/// says that it is not to be had, and has the others all the same. When the database does not
/// answer, none is told: that passes, and what is missing is asked for again.
fn told<T>(
    print: &Fingerprint,
    found: Result<Option<T>, store::Error>,
) -> Result<Option<T>, store::Error> {
    match found {
        Err(store::Error::Internal { cause }) => {
            tracing::warn!(certificate = %print, cause, "a certificate's key cannot be told");
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
    fn a_key_that_does_not_open_keeps_no_other_from_being_told() {
        let print = "ab".repeat(32).parse().unwrap();
        let cause = "certificates.secret does not open".to_owned();
        assert_eq!(told::<()>(&print, Err(Error::Internal { cause })), Ok(None));
        assert_eq!(told(&print, Ok(Some("pair"))), Ok(Some("pair")));
        let away = Error::Unavailable {
            cause: "locked".to_owned(),
        };
        assert_eq!(told::<()>(&print, Err(away.clone())), Err(away));
    }
}

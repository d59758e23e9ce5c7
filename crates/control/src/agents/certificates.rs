//! Certificates with their keys, for the edge hosts of their own site alone.

use edge::link::{MOST_CERTIFICATES, Pair, Pairs, Wanted};
use model::Error;

use super::Agent;
use crate::{Control, failure::Told as _};

/// Those of the wanted certificates that the agent's site has.
///
/// # Errors
/// [`Error::Invalid`] for more than are told at once.
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
                let found = store::certificates::pair(c, &key, site, &print)?;
                pairs.extend(found.map(|found| Pair {
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

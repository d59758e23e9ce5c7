//! The state of a certificate at a given time, computed from its validity and failures. Never
//! stored.

use super::{CertificateState, IssuanceMethod};
use crate::Timestamp;

/// How long before its end an uploaded certificate counts as expiring, in milliseconds: 21 days.
const NOTICE_MS: i64 = 21 * 86_400_000;

/// The values that determine a certificate's state.
#[derive(Clone, Copy, Debug)]
pub struct StateInputs {
    /// How it is obtained, which decides who renews it.
    pub method: IssuanceMethod,
    /// Start and end of the current certificate's validity.
    pub validity: Option<(Timestamp, Timestamp)>,
    /// The time of the next renewal.
    pub renew_at: Option<Timestamp>,
    /// The number of consecutive failed attempts.
    pub failures: u32,
}

/// The time from which an uploaded certificate counts as expiring.
pub fn expiring_from(from: Timestamp, until: Timestamp) -> Timestamp {
    let life = until.0.saturating_sub(from.0);
    Timestamp(until.0.saturating_sub(NOTICE_MS.min(life / 3)))
}

impl StateInputs {
    /// The state at `now`. An uploaded certificate expires soon when 21 days or a third of its
    /// lifetime are left, whichever is less. An ACME certificate does when its renewal fails and a
    /// sixth of its lifetime is left.
    pub fn state_at(self, now: Timestamp) -> CertificateState {
        let Some((from, until)) = self.validity else {
            return match self.failures {
                0 => CertificateState::Waiting,
                _ => CertificateState::Failed,
            };
        };
        let (life, left) = (
            until.0.saturating_sub(from.0),
            until.0.saturating_sub(now.0),
        );
        if left <= 0 {
            return CertificateState::Expired;
        }
        match self.method {
            IssuanceMethod::Uploaded if expiring_from(from, until) <= now => {
                CertificateState::Expiring
            }
            IssuanceMethod::Uploaded => CertificateState::Issued,
            IssuanceMethod::Acme if self.failures > 0 && left <= life / 6 => {
                CertificateState::Expiring
            }
            IssuanceMethod::Acme if self.renew_at.is_some_and(|at| at <= now) => {
                CertificateState::Renewing
            }
            IssuanceMethod::Acme => CertificateState::Issued,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_follows_validity_and_failures() {
        use CertificateState::{Expired, Expiring, Failed, Issued, Renewing, Waiting};
        let day = 86_400_000;
        let at = |day_number: i64| Timestamp(day_number * day);
        let missing = StateInputs {
            method: IssuanceMethod::Acme,
            validity: None,
            renew_at: None,
            failures: 0,
        };
        assert_eq!(missing.state_at(at(0)), Waiting);
        assert_eq!(
            StateInputs {
                failures: 1,
                ..missing
            }
            .state_at(at(0)),
            Failed
        );
        let acme = StateInputs {
            validity: Some((at(0), at(90))),
            renew_at: Some(at(60)),
            ..missing
        };
        assert_eq!(
            [1, 60, 89, 90].map(|day| acme.state_at(at(day))),
            [Issued, Renewing, Renewing, Expired]
        );
        let failing = StateInputs {
            failures: 3,
            ..acme
        };
        assert_eq!(
            [61, 75, 91].map(|day| failing.state_at(at(day))),
            [Renewing, Expiring, Expired]
        );
        let uploaded = StateInputs {
            method: IssuanceMethod::Uploaded,
            renew_at: None,
            ..acme
        };
        assert_eq!(
            [68, 69, 90].map(|day| uploaded.state_at(at(day))),
            [Issued, Expiring, Expired]
        );
        let short_lived = StateInputs {
            validity: Some((at(0), at(6))),
            ..uploaded
        };
        assert_eq!(
            [3, 4].map(|day| short_lived.state_at(at(day))),
            [Issued, Expiring]
        );
    }
}

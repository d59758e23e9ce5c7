//! The states of an account.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Invalid, Timestamp};

/// Whether an account can be used. Only users of active accounts can sign in, and only their
/// sessions are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountState {
    /// Registered; an administrator has not approved it yet.
    Pending,
    /// In use.
    Active,
    /// Suspended by an administrator.
    Suspended,
    /// After its last day of access.
    Expired,
}

impl AccountState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Suspended, Self::Expired];

    /// The name in filters and for users.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
        }
    }

    /// Why a user with the correct password cannot sign in; `None` for active accounts.
    pub const fn sign_in_refusal(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Pending => Some("An administrator has not approved this account yet."),
            Self::Suspended => Some("This account is suspended. Ask an administrator."),
            Self::Expired => Some("This account has expired. Ask an administrator."),
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccountState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text.trim())
            .ok_or(Invalid::new("Enter pending, active, suspended or expired."))
    }
}

/// The part of an account's state that an administrator decides, and that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedState {
    /// Not decided yet.
    Pending,
    /// May be used until the last day of access.
    Active,
    /// May not be used.
    Suspended,
}

impl DecidedState {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// The state at `now` of an account that ends at `ends`.
    pub fn at(self, ends: Option<Timestamp>, now: Timestamp) -> AccountState {
        match self {
            Self::Pending => AccountState::Pending,
            Self::Suspended => AccountState::Suspended,
            Self::Active if ends.is_some_and(|ends| ends <= now) => AccountState::Expired,
            Self::Active => AccountState::Active,
        }
    }
}

impl FromStr for DecidedState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Pending, Self::Active, Self::Suspended]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(Invalid::new("Enter pending, active or suspended."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_active_accounts_expire() {
        let (ends, before) = (Some(Timestamp(10)), Timestamp(9));
        assert_eq!(DecidedState::Active.at(ends, before), AccountState::Active);
        assert_eq!(
            DecidedState::Active.at(ends, Timestamp(10)),
            AccountState::Expired
        );
        assert_eq!(
            DecidedState::Active.at(None, Timestamp(i64::MAX)),
            AccountState::Active
        );
        assert_eq!(
            DecidedState::Suspended.at(ends, Timestamp(10)),
            AccountState::Suspended
        );
        assert_eq!(
            DecidedState::Pending.at(ends, Timestamp(10)),
            AccountState::Pending
        );
    }

    #[test]
    fn only_active_accounts_can_sign_in() {
        for state in AccountState::ALL {
            assert_eq!(
                state.sign_in_refusal().is_none(),
                state == AccountState::Active
            );
            assert_eq!(state.as_str().parse::<AccountState>().unwrap(), state);
        }
    }
}

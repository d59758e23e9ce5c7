//! Pools: guests and storages that rights are given on together.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Client, PoolId, Vmid,
    error::Error,
    http::Call,
    lenient,
    params::{Params, joined},
};

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pool {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub poolid: String,
    /// What an administrator wrote beside it.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
    /// What is in it. Only [`Client::pool`] tells that.
    #[serde(default)]
    pub members: Vec<PoolMember>,
}

/// Something in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PoolMember {
    /// What it is: `lxc`, `qemu` or `storage`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: String,
    /// Its node.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub node: Option<String>,
    /// The number of a guest.
    #[serde(default)]
    pub vmid: Option<Vmid>,
    /// The name of a storage.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub storage: Option<String>,
}

/// A change of what is in a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolChange {
    /// What to write beside it.
    pub comment: Option<String>,
    /// Guests to put into it or take out of it.
    pub vmids: Vec<Vmid>,
    /// Storages to put into it or take out of it.
    pub storages: Vec<String>,
    /// Whether those are taken out.
    pub remove: bool,
    /// Whether guests that are in another pool are moved. Without it, that is refused.
    pub allow_move: bool,
}

impl PoolChange {
    fn params(&self, pool: &PoolId) -> Result<Params, Error> {
        let mut params = Params::default().with("poolid", pool);
        params.opt_line("comment", self.comment.as_deref())?;
        if !self.vmids.is_empty() {
            let vmids: Vec<_> = self.vmids.iter().map(Vmid::to_string).collect();
            params.set("vms", vmids.join(","));
        }
        if !self.storages.is_empty() {
            params.set("storage", joined("storage", &self.storages, ',')?);
        }
        if self.remove {
            params.flag("delete", true);
        }
        if self.allow_move {
            params.flag("allow-move", true);
        }
        Ok(params)
    }
}

impl Client {
    /// The pools that the account may see, without what is in them.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn pools(&self) -> Result<Vec<Pool>, Error> {
        self.call(Call::get(&["pools"])).await
    }

    /// A pool and what is in it. `None` when there is none of that name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Pool.Audit on it.
    pub async fn pool(&self, pool: &PoolId) -> Result<Option<Pool>, Error> {
        // Asked for in the query, since a pool within another has a slash in its name.
        let call = Call::get(&["pools"]).params(Params::default().with("poolid", pool));
        match self.call::<Vec<Pool>>(call).await {
            Ok(pools) => Ok(pools.into_iter().next()),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a pool. The one that it is within has to be there.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::NotFound`] without the pool above.
    pub async fn create_pool(&self, pool: &PoolId, comment: Option<&str>) -> Result<(), Error> {
        let mut params = Params::default().with("poolid", pool);
        params.opt_line("comment", comment)?;
        let call = Call::post(&["pools"]).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Puts something into a pool or takes it out.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a pool; [`Error::Refused`] when a guest is in another pool.
    pub async fn update_pool(&self, pool: &PoolId, change: &PoolChange) -> Result<(), Error> {
        let call = Call::put(&["pools"]).params(change.params(pool)?);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Deletes a pool that is empty.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when something is in it.
    pub async fn delete_pool(&self, pool: &PoolId) -> Result<(), Error> {
        let call = Call::delete(&["pools"]).params(Params::default().with("poolid", pool));
        self.call::<IgnoredAny>(call).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_holds_guests_and_storages() {
        let json = r#"[{"poolid":"p1","members":[{"type":"lxc","id":"lxc/300","node":"pve1","vmid":"300","cpu":0},{"type":"storage","storage":"local","node":"pve1","id":"storage/pve1/local"}]},{"poolid":"p2","comment":"x"}]"#;
        let pools: Vec<Pool> = serde_json::from_str(json).unwrap();
        let members = &pools[0].members;
        assert_eq!(members[0].vmid.map(Vmid::get), Some(300));
        assert_eq!(members[1].storage.as_deref(), Some("local"));
        assert_eq!((pools[1].members.len(), &*pools[1].poolid), (0, "p2"));
    }

    #[test]
    fn a_change_names_the_pool_and_what_goes_in_or_out() {
        let change = PoolChange {
            vmids: vec![Vmid::try_from(300).unwrap(), Vmid::try_from(301).unwrap()],
            storages: vec!["tank".to_owned()],
            remove: true,
            ..PoolChange::default()
        };
        let params = change.params(&"team/a".parse().unwrap()).unwrap();
        let sent: Vec<_> = params.pairs().iter().map(|(n, v)| (&**n, &**v)).collect();
        let want = [
            ("poolid", "team/a"),
            ("vms", "300,301"),
            ("storage", "tank"),
            ("delete", "1"),
        ];
        assert_eq!(sent, want);
    }
}

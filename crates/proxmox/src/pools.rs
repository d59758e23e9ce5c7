//! Pools: groups of guests and storages with common permissions.

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
    /// The pool's ID.
    #[serde(deserialize_with = "lenient::text")]
    pub poolid: String,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
    /// The members. Only [`Client::pool`] returns them.
    #[serde(default)]
    pub members: Vec<PoolMember>,
}

/// A member of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PoolMember {
    /// The type: `lxc`, `qemu` or `storage`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: String,
    /// The member's node.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub node: Option<String>,
    /// The VMID of a guest.
    #[serde(default)]
    pub vmid: Option<Vmid>,
    /// The name of a storage.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub storage: Option<String>,
}

/// A change to a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolChange {
    /// The new comment.
    pub comment: Option<String>,
    /// Guests to add or remove.
    pub vmids: Vec<Vmid>,
    /// Storages to add or remove.
    pub storages: Vec<String>,
    /// Whether to remove them.
    pub remove: bool,
    /// Whether to move guests that are in another pool. Otherwise Proxmox rejects them.
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
    /// The pools that the user may see, without their members.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pools(&self) -> Result<Vec<Pool>, Error> {
        self.call(Call::get(&["pools"])).await
    }

    /// A pool with its members. `None` if the pool does not exist.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Pool.Audit on the pool.
    pub async fn pool(&self, pool: &PoolId) -> Result<Option<Pool>, Error> {
        // Uses the query, because the ID of a nested pool contains a slash.
        let call = Call::get(&["pools"]).params(Params::default().with("poolid", pool));
        match self.call::<Vec<Pool>>(call).await {
            Ok(pools) => Ok(pools.into_iter().next()),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a pool. Its parent must exist.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::NotFound`] if the parent does not exist.
    pub async fn create_pool(&self, pool: &PoolId, comment: Option<&str>) -> Result<(), Error> {
        let mut params = Params::default().with("poolid", pool);
        params.opt_line("comment", comment)?;
        let call = Call::post(&["pools"]).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Changes a pool.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the pool does not exist; [`Error::Refused`] if a guest is in another
    /// pool.
    pub async fn update_pool(&self, pool: &PoolId, change: &PoolChange) -> Result<(), Error> {
        let call = Call::put(&["pools"]).params(change.params(pool)?);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Deletes an empty pool.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] if the pool has members.
    pub async fn delete_pool(&self, pool: &PoolId) -> Result<(), Error> {
        let call = Call::delete(&["pools"]).params(Params::default().with("poolid", pool));
        self.call::<IgnoredAny>(call).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_members_parse() {
        let json = r#"[{"poolid":"p1","members":[{"type":"lxc","id":"lxc/300","node":"pve1","vmid":"300","cpu":0},{"type":"storage","storage":"local","node":"pve1","id":"storage/pve1/local"}]},{"poolid":"p2","comment":"x"}]"#;
        let pools: Vec<Pool> = serde_json::from_str(json).unwrap();
        let members = &pools[0].members;
        assert_eq!(members[0].vmid.map(Vmid::get), Some(300));
        assert_eq!(members[1].storage.as_deref(), Some("local"));
        assert_eq!((pools[1].members.len(), &*pools[1].poolid), (0, "p2"));
    }

    #[test]
    fn pool_change_serializes_members() {
        let change = PoolChange {
            vmids: vec![Vmid::try_from(300).unwrap(), Vmid::try_from(301).unwrap()],
            storages: vec!["tank".to_owned()],
            remove: true,
            ..PoolChange::default()
        };
        let params = change.params(&"team/a".parse().unwrap()).unwrap();
        let sent: Vec<_> = params.pairs().iter().map(|(n, v)| (&**n, &**v)).collect();
        let expected = [
            ("poolid", "team/a"),
            ("vms", "300,301"),
            ("storage", "tank"),
            ("delete", "1"),
        ];
        assert_eq!(sent, expected);
    }
}

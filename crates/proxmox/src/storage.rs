//! Storages, and what lies on them. How templates and images come there is in `templates`.

use serde::{Deserialize, Deserializer};

use crate::{Client, Upid, Vmid, error::Error, http::Call, lenient, params::Params};

/// What can lie on a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentKind {
    /// Templates and images for containers.
    Vztmpl,
    /// Disks of containers.
    Rootdir,
    /// Disks of virtual machines.
    Images,
    /// CD images.
    Iso,
    /// Backups.
    Backup,
    /// Hook scripts and the like.
    Snippets,
    /// Disks to import.
    Import,
}

impl ContentKind {
    const ALL: [Self; 7] = [
        Self::Vztmpl,
        Self::Rootdir,
        Self::Images,
        Self::Iso,
        Self::Backup,
        Self::Snippets,
        Self::Import,
    ];

    /// Proxmox's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vztmpl => "vztmpl",
            Self::Rootdir => "rootdir",
            Self::Images => "images",
            Self::Iso => "iso",
            Self::Backup => "backup",
            Self::Snippets => "snippets",
            Self::Import => "import",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Words that are not known are left out.
fn kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ContentKind>, D::Error> {
    let words = lenient::list(deserializer)?;
    Ok(words
        .iter()
        .filter_map(|word| ContentKind::of(word))
        .collect())
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ContentKind>, D::Error> {
    Ok(lenient::opt_text(deserializer)?.and_then(|word| ContentKind::of(&word)))
}

/// A storage as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Storage {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub storage: String,
    /// What it is made of, such as `dir`, `lvmthin` or `zfspool`.
    #[serde(rename = "type", default, deserialize_with = "lenient::opt_text")]
    pub plugin: Option<String>,
    /// What may be put there.
    #[serde(default, deserialize_with = "kinds")]
    pub content: Vec<ContentKind>,
    /// Whether it is there at the moment.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active: bool,
    /// Whether an administrator has left it on.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub enabled: bool,
    /// Whether all nodes see the same one.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub shared: bool,
    /// Bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub total: Option<u64>,
    /// Bytes in use.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub used: Option<u64>,
    /// Bytes that can still be used.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub avail: Option<u64>,
}

impl Storage {
    /// Whether this can be put there now.
    pub fn takes(&self, kind: ContentKind) -> bool {
        self.active && self.enabled && self.content.contains(&kind)
    }
}

/// A storage as it is set up for the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StorageSetup {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub storage: String,
    /// What it is made of, such as `dir`, `lvmthin` or `zfspool`.
    #[serde(rename = "type", default, deserialize_with = "lenient::opt_text")]
    pub plugin: Option<String>,
    /// What may be put there.
    #[serde(default, deserialize_with = "kinds")]
    pub content: Vec<ContentKind>,
    /// The nodes that have it; all of them when there are none here.
    #[serde(default, deserialize_with = "lenient::list")]
    pub nodes: Vec<String>,
    /// Whether all nodes see the same one.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub shared: bool,
    /// Whether an administrator has turned it off.
    #[serde(default, rename = "disable", deserialize_with = "lenient::flag")]
    pub disabled: bool,
}

/// How full a storage is, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StorageStatus {
    /// What it is made of, such as `dir`, `lvmthin` or `zfspool`.
    #[serde(rename = "type", default, deserialize_with = "lenient::opt_text")]
    pub plugin: Option<String>,
    /// What may be put there.
    #[serde(default, deserialize_with = "kinds")]
    pub content: Vec<ContentKind>,
    /// Whether it is there at the moment.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active: bool,
    /// Whether an administrator has left it on.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub enabled: bool,
    /// Whether all nodes see the same one.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub shared: bool,
    /// Bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub total: Option<u64>,
    /// Bytes in use.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub used: Option<u64>,
    /// Bytes that can still be used.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub avail: Option<u64>,
}

/// A file or a disk on a storage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Content {
    /// Its id, such as `local:vztmpl/nginx_1.27.tar`.
    #[serde(deserialize_with = "lenient::text")]
    pub volid: String,
    /// What it is.
    #[serde(default, deserialize_with = "kind")]
    pub content: Option<ContentKind>,
    /// How it is stored, such as `raw` or `tzst`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub format: Option<String>,
    /// Bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub size: Option<u64>,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub ctime: Option<u64>,
    /// The guest that it belongs to.
    #[serde(default)]
    pub vmid: Option<Vmid>,
    /// What an administrator wrote beside it.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub notes: Option<String>,
    /// Whether it must not be deleted.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub protected: bool,
}

impl Client {
    /// The storages of a node that the token may see.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] when the node is away; else any that a call can have.
    pub async fn storages(&self, node: &str) -> Result<Vec<Storage>, Error> {
        self.call(Call::get(&["nodes", node, "storage"])).await
    }

    /// The storages of the cluster that the account may see, as they are set up.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn storage_setups(&self) -> Result<Vec<StorageSetup>, Error> {
        self.call(Call::get(&["storage"])).await
    }

    /// How full a storage is, as one node sees it.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a storage; else any that a call can have.
    pub async fn storage_status(&self, node: &str, storage: &str) -> Result<StorageStatus, Error> {
        self.call(Call::get(&["nodes", node, "storage", storage, "status"]))
            .await
    }

    /// What lies on a storage: one kind of it, or everything.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a storage; else any that a call can have.
    pub async fn content(
        &self,
        node: &str,
        storage: &str,
        kind: Option<ContentKind>,
    ) -> Result<Vec<Content>, Error> {
        let mut params = Params::default();
        params.opt("content", kind.map(ContentKind::as_str));
        self.call(Call::get(&["nodes", node, "storage", storage, "content"]).params(params))
            .await
    }

    /// Deletes a file or a disk, named by its full id. The task ends well even if it was not there.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a storage; else any that a call can have.
    pub async fn delete_content(
        &self,
        node: &str,
        storage: &str,
        volid: &str,
    ) -> Result<Upid, Error> {
        self.call(Call::delete(&["nodes", node, "storage", storage, "content", volid]).slow())
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_takes_what_it_says_while_it_is_there() {
        let rows = r#"[{"type":"dir","active":1,"avail":65294991360,"storage":"local","enabled":1,"shared":0,"used":"32277757952","content":"snippets,backup,vztmpl,new-kind","used_fraction":0.11,"total":270553174016},{"storage":"away","active":0,"enabled":1,"content":"vztmpl"}]"#;
        let rows: Vec<Storage> = serde_json::from_str(rows).unwrap();
        assert!(rows[0].takes(ContentKind::Vztmpl) && !rows[0].takes(ContentKind::Rootdir));
        assert_eq!(rows[0].used, Some(32_277_757_952));
        assert_eq!(rows[0].content.len(), 3);
        assert!(!rows[1].takes(ContentKind::Vztmpl));
    }

    #[test]
    fn content_may_belong_to_nobody() {
        let rows = r#"[{"ctime":1795210299,"parent":null,"volid":"local:300/vm-300-disk-0.raw","size":"4294967296","format":"raw","vmid":300,"content":"rootdir","used":36790272},{"volid":"local:vztmpl/a.tar","content":"vztmpl","vmid":null}]"#;
        let rows: Vec<Content> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0].vmid.map(Vmid::get), Some(300));
        assert_eq!(rows[0].size, Some(4_294_967_296));
        assert_eq!(rows[1].content, Some(ContentKind::Vztmpl));
    }
}

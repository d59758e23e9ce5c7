//! Storages and their content. Downloads of templates and images are in `templates`.

use serde::{Deserialize, Deserializer};

use crate::{Client, Upid, Vmid, error::Error, http::Call, lenient, params::Params};

/// A content type of a storage.
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
    /// Snippets, such as hook scripts.
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

    /// Proxmox's name of the content type.
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

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Skips unknown content types.
fn kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ContentKind>, D::Error> {
    let names = lenient::list(deserializer)?;
    Ok(names
        .iter()
        .filter_map(|name| ContentKind::of(name))
        .collect())
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ContentKind>, D::Error> {
    Ok(lenient::opt_text(deserializer)?.and_then(|name| ContentKind::of(&name)))
}

/// A storage on one node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Storage {
    /// The storage's name.
    #[serde(deserialize_with = "lenient::text")]
    pub storage: String,
    /// The storage type, such as `dir`, `lvmthin` or `zfspool`.
    #[serde(rename = "type", default, deserialize_with = "lenient::opt_text")]
    pub plugin: Option<String>,
    /// The content types.
    #[serde(default, deserialize_with = "kinds")]
    pub content: Vec<ContentKind>,
    /// Whether the storage is active.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active: bool,
    /// Whether the storage is enabled.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub enabled: bool,
    /// Whether the storage is shared by all nodes.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub shared: bool,
    /// Total bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub total: Option<u64>,
    /// Bytes in use.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub used: Option<u64>,
    /// Available bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub avail: Option<u64>,
}

impl Storage {
    /// Whether the storage accepts a content type now.
    pub fn accepts(&self, kind: ContentKind) -> bool {
        self.active && self.enabled && self.content.contains(&kind)
    }
}

/// A volume on a storage: a file or a disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Content {
    /// The volume ID, such as `local:vztmpl/nginx_1.27.tar`.
    #[serde(deserialize_with = "lenient::text")]
    pub volid: String,
    /// The content type.
    #[serde(default, deserialize_with = "kind")]
    pub content: Option<ContentKind>,
    /// The format, such as `raw` or `tzst`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub format: Option<String>,
    /// The size in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub size: Option<u64>,
    /// When the volume was created, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub ctime: Option<u64>,
    /// The guest that owns the volume.
    #[serde(default)]
    pub vmid: Option<Vmid>,
    /// The notes.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub notes: Option<String>,
    /// Whether the volume is protected from deletion.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub protected: bool,
}

impl Client {
    /// The storages of a node that the user may see.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline; see [`Error`].
    pub async fn storages(&self, node: &str) -> Result<Vec<Storage>, Error> {
        self.call(Call::get(&["nodes", node, "storage"])).await
    }

    /// The content of a storage: one content type, or all.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the storage does not exist; see [`Error`].
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

    /// Deletes a volume by its full ID. The task succeeds even if the volume does not exist.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the storage does not exist; see [`Error`].
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
    fn storage_accepts_its_content_types_while_active() {
        let rows = r#"[{"type":"dir","active":1,"avail":65294991360,"storage":"local","enabled":1,"shared":0,"used":"32277757952","content":"snippets,backup,vztmpl,new-kind","used_fraction":0.11,"total":270553174016},{"storage":"away","active":0,"enabled":1,"content":"vztmpl"}]"#;
        let rows: Vec<Storage> = serde_json::from_str(rows).unwrap();
        assert!(rows[0].accepts(ContentKind::Vztmpl) && !rows[0].accepts(ContentKind::Rootdir));
        assert_eq!(rows[0].used, Some(32_277_757_952));
        assert_eq!(rows[0].content.len(), 3);
        assert!(!rows[1].accepts(ContentKind::Vztmpl));
    }

    #[test]
    fn content_may_have_no_guest() {
        let rows = r#"[{"ctime":1795210299,"parent":null,"volid":"local:300/vm-300-disk-0.raw","size":"4294967296","format":"raw","vmid":300,"content":"rootdir","used":36790272},{"volid":"local:vztmpl/a.tar","content":"vztmpl","vmid":null}]"#;
        let rows: Vec<Content> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0].vmid.map(Vmid::get), Some(300));
        assert_eq!(rows[0].size, Some(4_294_967_296));
        assert_eq!(rows[1].content, Some(ContentKind::Vztmpl));
    }
}

//! The disk space of a site's pulled images. Deletes only archives that Holdfast pulled and that no
//! container was created from for a month.

use std::{collections::BTreeMap, time::Duration};

use model::{
    Timestamp,
    containers::ContainerSource,
    names::{NodeName, StorageName},
    sizes::Bytes,
};
use proxmox::{Content, ContentKind};
use store::images::PulledImage;

use super::{Context, JobStoreResultExt as _, SHORT_TIMEOUT, StepFailure, image};

/// How long an archive is kept after its last use.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Records an archive that this job pulled and that the container is created from.
pub(super) async fn record_pull(context: &Context, archive: &Content) -> Result<(), StepFailure> {
    record(context, archive, true).await
}

/// Records that the container is created from an archive. An archive that Holdfast did not pull is
/// not recorded, so it does not count and is never deleted.
pub(super) async fn record_use(context: &Context, archive: &Content) -> Result<(), StepFailure> {
    record(context, archive, false).await
}

async fn record(
    context: &Context,
    archive: &Content,
    is_own_pull: bool,
) -> Result<(), StepFailure> {
    let ContainerSource::Image(image) = &context.container.spec.source else {
        return Ok(());
    };
    let Ok(file) = image.file_name().parse() else {
        return Ok(());
    };
    let storage = context.site.spec.template_storage.clone();
    let storages = context.client.storages(&context.node()).await?;
    let is_shared = storages
        .iter()
        .any(|candidate| candidate.storage == storage.as_str() && candidate.shared);
    let used = PulledImage {
        node: context.container.node.clone(),
        storage,
        file,
        size: archive.size.unwrap_or(0),
        used: Timestamp(0),
    };
    let (site, cluster) = (context.site.id, context.container.cluster);
    let write = move |c: &mut store::Conn| {
        if !is_own_pull && !store::images::is_pulled(c, cluster, &used, is_shared)? {
            return Ok(());
        }
        let used = PulledImage {
            used: store::now(c)?,
            ..used.clone()
        };
        store::images::record(c, site, &used, is_shared)
    };
    context.write(write).await.for_job(context.job)
}

/// Deletes unused images if the site's images use the whole quota. Fails if that is not enough.
pub(super) async fn free_space(context: &Context) -> Result<(), StepFailure> {
    let quota = u64::from(context.site.spec.image_quota.get()) << 30;
    let images = list(context).await?;
    if total(&images) < quota {
        return Ok(());
    }
    let images = delete_missing_rows(context, images).await?;
    let refusal = match total(&images) < quota {
        true => None,
        false => delete_unused(context, &images).await?,
    };
    let used = total(&list(context).await?);
    if used < quota {
        return Ok(());
    }
    let (site, spec) = (&context.container.site_name, &context.site.spec);
    Err(StepFailure {
        details: refusal.and_then(|error| error.proxmox_message().map(str::to_owned)),
        ..StepFailure::new(format!(
            "The images of {site} use {} of {}. Use a template or an image that was pulled before, \
                or ask an administrator to raise the image quota.",
            Bytes(used),
            spec.image_quota,
        ))
    })
}

async fn list(context: &Context) -> Result<Vec<PulledImage>, StepFailure> {
    let site = context.site.id;
    let read = move |c: &mut store::Conn| store::images::list(c, site);
    let images = context.control.store().read(read).await;
    images.for_job(context.job)
}

fn total(images: &[PulledImage]) -> u64 {
    images.iter().map(|image| image.size).sum()
}

fn volume_id(image: &PulledImage) -> String {
    image::archive_volume_id(&image.storage, image.file.as_str())
}

/// Deletes the rows of archives that a user deleted in Proxmox. Returns the other images; those on
/// unreachable nodes are kept.
async fn delete_missing_rows(
    context: &Context,
    images: Vec<PulledImage>,
) -> Result<Vec<PulledImage>, StepFailure> {
    let mut by_location: BTreeMap<(NodeName, StorageName), Vec<PulledImage>> = BTreeMap::new();
    for image in images {
        let location = (image.node.clone(), image.storage.clone());
        by_location.entry(location).or_default().push(image);
    }
    let mut kept = Vec::new();
    for ((node, storage), images) in by_location {
        let kind = Some(ContentKind::Vztmpl);
        let content = context
            .client
            .content(node.as_str(), storage.as_str(), kind)
            .await;
        for image in images {
            let id = volume_id(&image);
            match &content {
                Ok(content) if content.iter().all(|item| item.volid != id) => {
                    delete_row(context, image).await?;
                }
                _ => kept.push(image),
            }
        }
    }
    Ok(kept)
}

/// Deletes the archives that were not used for a month. Returns the last error of Proxmox. The
/// job's log does not name them, because they may belong to other users.
async fn delete_unused(
    context: &Context,
    images: &[PulledImage],
) -> Result<Option<proxmox::Error>, StepFailure> {
    let now = context.control.store().now().await;
    let retention_ms = i64::try_from(RETENTION.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp(now.for_job(context.job)?.0.saturating_sub(retention_ms));
    let (mut deleted, mut refusal) = (Vec::new(), None);
    for image in images.iter().filter(|image| image.used < since) {
        if !is_used_by_other_sites(context, image, since).await? {
            match delete_archive(context, image).await {
                Ok(()) => deleted.push(image.clone()),
                Err(error) => {
                    tracing::warn!(job = %context.job, %error, "image deletion failed");
                    refusal = Some(error);
                    continue;
                }
            }
        }
        delete_row(context, image.clone()).await?;
    }
    if !deleted.is_empty() {
        let line = format!(
            "Deleted {} unused images ({}).",
            deleted.len(),
            Bytes(total(&deleted))
        );
        context.log(line).await;
    }
    Ok(refusal)
}

async fn is_used_by_other_sites(
    context: &Context,
    image: &PulledImage,
    since: Timestamp,
) -> Result<bool, StepFailure> {
    let (cluster, image) = (context.container.cluster, image.clone());
    let read = move |c: &mut store::Conn| store::images::is_used_since(c, cluster, &image, since);
    let is_used = context.control.store().read(read).await;
    is_used.for_job(context.job)
}

async fn delete_archive(context: &Context, image: &PulledImage) -> Result<(), proxmox::Error> {
    let (client, id) = (&context.client, volume_id(image));
    let upid = client
        .delete_content(image.node.as_str(), image.storage.as_str(), &id)
        .await?;
    client.wait_task(&upid, SHORT_TIMEOUT, |_| {}).await?;
    Ok(())
}

async fn delete_row(context: &Context, image: PulledImage) -> Result<(), StepFailure> {
    let site = context.site.id;
    let write = move |c: &mut store::Conn| store::images::delete(c, site, &image);
    context.write(write).await.for_job(context.job)
}

//! The disk space of a site's pulled images. Deletes only archives that Holdfast pulled for the
//! site and that no container was created from for a month.

use std::{collections::BTreeMap, time::Duration};

use model::{
    Timestamp,
    containers::ContainerSource,
    names::{NodeName, StorageName},
    sizes::Bytes,
};
use proxmox::{Content, ContentKind};
use store::images::{DeletionClaim, PulledImage};

use super::{Context, JobStoreResultExt as _, SHORT_TIMEOUT, StepFailure};

/// How long an archive is kept after its last use.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a process may take to delete an archive.
const DELETION_MS: i64 = 3 * 60_000;

/// How long an archive may be missing after its pull began.
const PULL_MS: i64 = 60 * 60_000;

/// Records that the container is created from an archive, or is about to be pulled if `archive` is
/// `None`: a pull that is canceled counts too.
pub(super) async fn record_use(
    context: &Context,
    archive: Option<&Content>,
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
        size: archive.and_then(|archive| archive.size).unwrap_or(0),
        used: Timestamp(0),
    };
    let site = context.site.id;
    let write = move |c: &mut store::Conn| {
        let used = PulledImage {
            used: store::now(c)?,
            ..used.clone()
        };
        store::images::record(c, site, &used, is_shared)
    };
    match context.write(write).await.for_job(context.job)? {
        true => Ok(()),
        false => Err(StepFailure {
            transient: true,
            ..StepFailure::new("Another job is deleting the unused image. Waiting.")
        }),
    }
}

/// Checks that the site's images use less than the quota. Deletes unused ones otherwise.
pub(super) async fn check(context: &Context) -> Result<(), StepFailure> {
    let quota = quota(context);
    let images = list(context).await?;
    let is_measured = images.iter().all(|image| image.size > 0);
    if is_measured && total(&images) < quota {
        return Ok(());
    }
    let images = measure(context, images).await?;
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

/// Deletes an archive that was just pulled if it exceeds the quota, after unused ones. Its size is
/// not known before.
pub(super) async fn enforce(context: &Context, archive: &Content) -> Result<(), StepFailure> {
    let quota = quota(context);
    if total(&list(context).await?) <= quota {
        return Ok(());
    }
    let images = measure(context, list(context).await?).await?;
    if total(&images) > quota {
        delete_unused(context, &images).await?;
    }
    let images = list(context).await?;
    let used = total(&images);
    let mut pulled = images.iter();
    let Some(pulled) = pulled.find(|image| volume_id(image) == archive.volid) else {
        return Ok(());
    };
    if used <= quota {
        return Ok(());
    }
    let since = retained_since(context).await?;
    if !delete_unless_used(context, pulled, since).await? {
        return Ok(());
    }
    Err(StepFailure::new(format!(
        "The image is too large: {}, and {} of {} are left for images of {}. It was deleted. Ask an \
            administrator to raise the image quota.",
        Bytes(pulled.size),
        Bytes(quota.saturating_sub(used - pulled.size)),
        context.site.spec.image_quota,
        context.container.site_name,
    )))
}

fn quota(context: &Context) -> u64 {
    u64::from(context.site.spec.image_quota.get()) << 30
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
    format!("{}:vztmpl/{}", image.storage, image.file)
}

/// Reads the sizes of archives whose pull was not seen to end. Drops those that a user deleted in
/// Proxmox or whose pull failed. Those on unreachable nodes are kept.
async fn measure(
    context: &Context,
    images: Vec<PulledImage>,
) -> Result<Vec<PulledImage>, StepFailure> {
    let mut places: BTreeMap<(NodeName, StorageName), Vec<PulledImage>> = BTreeMap::new();
    for image in images {
        let place = (image.node.clone(), image.storage.clone());
        places.entry(place).or_default().push(image);
    }
    let now = context.control.store().now().await.for_job(context.job)?;
    let mut kept = Vec::new();
    for ((node, storage), images) in places {
        let kind = Some(ContentKind::Vztmpl);
        let content = context
            .client
            .content(node.as_str(), storage.as_str(), kind)
            .await;
        for mut image in images {
            let id = volume_id(&image);
            let found = match &content {
                Ok(content) => content.iter().find(|item| item.volid == id),
                Err(_) => {
                    kept.push(image);
                    continue;
                }
            };
            let is_pulling = image.size == 0 && now.0.saturating_sub(image.used.0) < PULL_MS;
            match found {
                Some(_) if image.size > 0 => {}
                Some(item) => {
                    image.size = item.size.unwrap_or(image.size);
                    set_size(context, image.clone()).await?;
                }
                None if is_pulling => {}
                None => {
                    delete_row(context, image).await?;
                    continue;
                }
            }
            kept.push(image);
        }
    }
    Ok(kept)
}

/// Archives that were last used before this time are unused.
async fn retained_since(context: &Context) -> Result<Timestamp, StepFailure> {
    let now = context.control.store().now().await;
    let retention_ms = i64::try_from(RETENTION.as_millis()).unwrap_or(i64::MAX);
    Ok(Timestamp(
        now.for_job(context.job)?.0.saturating_sub(retention_ms),
    ))
}

/// Deletes the archives that were not used for a month. Returns the last error of Proxmox. The
/// job's log does not name them, because they may belong to other users.
async fn delete_unused(
    context: &Context,
    images: &[PulledImage],
) -> Result<Option<proxmox::Error>, StepFailure> {
    let since = retained_since(context).await?;
    let (mut deleted, mut refusal) = (Vec::new(), None);
    for image in images.iter().filter(|image| image.used < since) {
        match delete_unless_used(context, image, since).await {
            Ok(true) => deleted.push(image.clone()),
            Ok(false) => {}
            Err(DeletionError::Proxmox(error)) => {
                tracing::warn!(job = %context.job, %error, "image deletion failed");
                refusal = Some(error);
            }
            Err(DeletionError::Step(failure)) => return Err(failure),
        }
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

/// Why an archive was not deleted.
enum DeletionError {
    Proxmox(proxmox::Error),
    Step(StepFailure),
}

impl From<StepFailure> for DeletionError {
    fn from(failure: StepFailure) -> Self {
        Self::Step(failure)
    }
}

impl From<DeletionError> for StepFailure {
    fn from(error: DeletionError) -> Self {
        match error {
            DeletionError::Proxmox(error) => error.into(),
            DeletionError::Step(failure) => failure,
        }
    }
}

/// Deletes an archive and its row. Keeps the file if another site has used it since, and both if
/// the site has used the archive after it was listed. Returns whether the file was deleted.
async fn delete_unless_used(
    context: &Context,
    image: &PulledImage,
    since: Timestamp,
) -> Result<bool, DeletionError> {
    let (site, listed) = (context.site.id, image.clone());
    let claim = move |c: &mut store::Conn| {
        store::images::claim_deletion(c, site, &listed, since, DELETION_MS)
    };
    let claim = context.write(claim).await.for_job(context.job)?;
    match claim {
        DeletionClaim::Changed => return Ok(false),
        DeletionClaim::UsedByOtherSite => {}
        DeletionClaim::Claimed => {
            if let Err(error) = delete_archive(context, image).await {
                let listed = image.clone();
                let release =
                    move |c: &mut store::Conn| store::images::release_deletion(c, site, &listed);
                context.write(release).await.for_job(context.job)?;
                return Err(DeletionError::Proxmox(error));
            }
        }
    }
    delete_row(context, image.clone()).await?;
    Ok(claim == DeletionClaim::Claimed)
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

async fn set_size(context: &Context, image: PulledImage) -> Result<(), StepFailure> {
    let site = context.site.id;
    let write = move |c: &mut store::Conn| store::images::set_size(c, site, &image);
    context.write(write).await.for_job(context.job)
}

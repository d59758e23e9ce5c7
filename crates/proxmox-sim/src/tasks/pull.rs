//! The work of `ociregistrypull`.

use std::time::Duration;

use crate::cluster::oci;
use crate::config::ImageSpec;
use crate::tasks::Run;

/// The template directory of a directory storage.
pub(crate) const CACHE: &str = "/var/lib/vz/template/cache";

/// The number of progress lines of a pull.
const STEPS: u32 = 20;

/// The parameters of a pull.
pub(crate) struct Pull {
    pub(crate) reference: String,
    pub(crate) storage: String,
    pub(crate) file: String,
}

/// Pulls the image. An unknown image makes the task fail.
pub(crate) async fn work(run: Run, pull: Pull) -> Result<(), String> {
    let failed = format!(
        "command 'skopeo copy docker://{} oci-archive:{CACHE}/{}.tmp.{}' failed: exit code 1",
        pull.reference, pull.file, run.pid
    );
    let catalog = &run.core.config.scenario.images;
    let Some(image) = oci::find(catalog, &pull.reference).cloned() else {
        run.log(format!("Trying to pull {}...", pull.reference));
        run.log(registry_error(catalog, &pull.reference));
        return Err(failed);
    };
    run.log("Getting image source signatures");
    copy_layers(&run, &image).await?;
    run.log(format!(
        "Copying config sha256:{}",
        digest(&image.reference, 99)
    ));
    run.log("Writing manifest to image destination");
    run.core
        .edit(|state| oci::store(state, &run.node, &pull.storage, &pull.file, image));
    Ok(())
}

/// The error of a registry for an unknown image, as skopeo prints it.
fn registry_error(catalog: &[ImageSpec], reference: &str) -> String {
    let full = oci::full_reference(reference);
    let (repository, tag) = full.rsplit_once(':').unwrap_or((&full, "latest"));
    let error = if oci::tags(catalog, repository).is_empty() {
        "errors: denied: requested access to the resource is denied, \
         unauthorized: authentication required"
    } else {
        "manifest unknown"
    };
    format!(
        "level=fatal msg=\"initializing source docker://{reference}: \
         reading manifest {tag} in {repository}: {error}\""
    )
}

/// Copies three layers, one after the other. A real node logs only the start of each layer. The
/// simulator also logs the progress in bytes, in the format that skopeo uses on a terminal.
async fn copy_layers(run: &Run, image: &ImageSpec) -> Result<(), String> {
    let step = run.core.config.delays.pull / STEPS;
    let steps: [u32; 3] = [STEPS / 2, STEPS * 3 / 10, STEPS / 5];
    for (layer, count) in (0u64..).zip(steps) {
        let name = digest(&image.reference, layer);
        let size = image.size * u64::from(count) / u64::from(STEPS);
        run.log(format!("Copying blob sha256:{name}"));
        copy_layer(run, &name, size, (count, step)).await?;
    }
    Ok(())
}

async fn copy_layer(
    run: &Run,
    name: &str,
    size: u64,
    (count, step): (u32, Duration),
) -> Result<(), String> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let short: String = name.chars().take(12).collect();
    for done in 1..=count {
        run.pause(step).await?;
        let copied = size * u64::from(done) / u64::from(count);
        let line = format!(
            "Copying blob {short} {:.1}MiB / {:.1}MiB",
            mib(copied),
            mib(size)
        );
        run.log(line);
    }
    Ok(())
}

/// A stable digest for a layer of an image.
fn digest(reference: &str, layer: u64) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325u64 ^ layer;
    let mut text = String::new();
    for round in 0..4u8 {
        for byte in reference.bytes().chain([round]) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        text.push_str(&format!("{sum:016x}"));
    }
    text
}

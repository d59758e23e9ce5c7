//! Collects the data of a container's page.

use model::{Error, containers::ContainerDetail, jobs::JobQuery, names::Label};

use super::get;
use crate::{Actor, Control, jobs};

/// Returns a container; with `with_jobs`, also its running job and its latest jobs. Jobs that
/// cannot be read are left out.
///
/// # Errors
/// As for [`get`].
pub async fn get_detail(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
    with_jobs: bool,
) -> Result<ContainerDetail, Error> {
    let view = get(control, actor, site, name).await?;
    let (mut work, mut jobs) = (None, None);
    if with_jobs {
        let query = JobQuery {
            container: Some(view.row.id),
            page: 1,
            ..JobQuery::default()
        };
        jobs = jobs::list(control, actor, &query).await.ok();
        if let Some(activity) = view.row.activity {
            work = jobs::get(control, actor, activity.job).await.ok();
        }
    }
    Ok(ContainerDetail { view, work, jobs })
}

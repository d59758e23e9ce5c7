//! Completed steps of the demo setup. Each step runs once per database.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::{Conn, Error, dialect, schema::demo_steps};

/// Returns the completed steps.
///
/// # Errors
/// When the database is unavailable.
pub fn list_completed_steps(c: &mut Conn) -> Result<BTreeSet<String>, Error> {
    let steps: Vec<String> = demo_steps::table.select(demo_steps::step).load(&mut c.0)?;
    Ok(steps.into_iter().collect())
}

/// Inserts a step as completed. The name has at most 100 characters.
///
/// # Errors
/// [`Error::Duplicate`] when the step is already completed.
pub fn insert_completed_step(c: &mut Conn, step: &str) -> Result<(), Error> {
    diesel::insert_into(demo_steps::table)
        .values((
            demo_steps::step.eq(step),
            demo_steps::done_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

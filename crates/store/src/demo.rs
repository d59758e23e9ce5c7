//! Which steps of the demo were done. A step is done once in the life of a database.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::{Conn, Error, dialect, schema::demo_steps};

/// The steps that were done.
///
/// # Errors
/// When the database does not answer.
pub fn list(c: &mut Conn) -> Result<BTreeSet<String>, Error> {
    let steps: Vec<String> = demo_steps::table.select(demo_steps::step).load(&mut c.0)?;
    Ok(steps.into_iter().collect())
}

/// Marks a step as done. The name has at most 100 characters.
///
/// # Errors
/// [`Error::Duplicate`] when it was marked before.
pub fn mark_done(c: &mut Conn, step: &str) -> Result<(), Error> {
    diesel::insert_into(demo_steps::table)
        .values((
            demo_steps::step.eq(step),
            demo_steps::done_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

//! Makes a database on a server, and brings one up to date: what `serve` never does.
//!
//! Invariant: whoever does either has the database to itself.

use crate::domain::secrets::entropy;
use crate::store::error::OpenError;
use crate::store::postgres::guard::Guard;
use crate::store::postgres::migrate;
use crate::store::postgres::place::{Place, Server};
use crate::store::sql::Connection;
use crate::store::sql::session::Wire;

/// Makes the tables in an empty database: a history of its own without a change.
pub fn create(server: &Server) -> Result<(), OpenError> {
    let (place, wire) = (Place::of(server)?, Wire::start()?);
    let session = super::connect(&wire, &place)?;
    let connection = Connection::Postgres(&session);
    if migrate::version(&connection)?.is_some() {
        return Err(OpenError::Created);
    }
    let epoch = entropy::new_epoch().map_err(|_| OpenError::Entropy)?;
    migrate::create(&session, &epoch)
}

/// Brings the tables to this program's; answers which version was found.
pub fn upgrade(server: &Server) -> Result<i64, OpenError> {
    let (place, wire) = (Place::of(server)?, Wire::start()?);
    let session = super::connect(&wire, &place)?;
    let connection = Connection::Postgres(&session);
    let found = migrate::version(&connection)?.ok_or(OpenError::NotCreated)?;
    let _guard = Guard::take(super::connect(&wire, &place)?)?;
    migrate::migrate(&session, found)?;
    Ok(found)
}

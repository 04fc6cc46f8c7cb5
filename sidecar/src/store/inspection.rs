//! A look at a database that a sidecar may be using: one moment of it, and nothing is changed.
//!
//! Invariant: a database that this program does not know is refused before anything is read.

use crate::store::audit::{self, AuditFinding};
use crate::store::error::{OpenError, StoreError, of_store};
use crate::store::file::backup::inspect_in;
use crate::store::sql::Connection;
use crate::store::{StorePlace, postgres};

/// Checks the audit of a database, also while a sidecar uses it.
pub fn verify_audit(place: &StorePlace) -> Result<AuditFinding, OpenError> {
    inspect(place, audit::verify)
}

/// Runs `work` on the database at `place`.
pub(super) fn inspect<T>(
    place: &StorePlace,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, OpenError> {
    match place {
        StorePlace::Directory(data) => {
            let connection = inspect_in(data)?;
            let transaction = connection.unchecked_transaction()?;
            work(&Connection::Sqlite(&transaction)).map_err(of_store)
        }
        StorePlace::Server(server) => postgres::inspect(server, work),
    }
}

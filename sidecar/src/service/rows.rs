//! What is done alike with users, credentials and limit requests: listed, found, deleted, made once.
//!
//! Does not know any of them. Invariant: whoever is bound to an account reaches rows of that one
//! alone; the secret of what was made before is shown again only to the call that made it.

use zeroize::Zeroizing;

use crate::domain::act::Act;
use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{
    IdempotencyRecord, Idempotent, ListPage, PageRequest, PagedRow, RowTarget, Store, StoreError,
};

impl Caller {
    /// A row that this caller means, in the state that they expect.
    pub(crate) fn row(&self, id: &str, revisions: Option<Vec<u64>>) -> Result<RowTarget, Problem> {
        Ok(RowTarget {
            id: id.into(),
            account: self.account_for(None)?.account().cloned(),
            revisions,
        })
    }
}

impl App {
    /// A part of the rows that the caller may see, of `account` only if it is named.
    pub(crate) async fn list_rows<T: PagedRow + Send + 'static>(
        &self,
        caller: &Caller,
        account: Option<&str>,
        page: PageRequest,
    ) -> Result<ListPage<T>, Problem> {
        let access = caller.account_for(account)?;
        self.store(move |store| store.page(access.account(), page))
            .await
    }

    /// A row that the caller may see.
    pub(crate) async fn find_row<T: PagedRow + Send + 'static>(
        &self,
        target: RowTarget,
    ) -> Result<T, Problem> {
        self.store(move |store| store.find(&target)).await
    }

    /// Deletes a row, which is written down by `note`; gives when, too.
    pub(crate) async fn delete_row<T: PagedRow + Send + 'static>(
        &self,
        caller: &Caller,
        target: RowTarget,
        note: impl FnOnce(&Act, &T) -> AuditEntry + Send + 'static,
    ) -> Result<(T, UnixMillis), Problem> {
        let act = caller.act(self.clock.now());
        let at = act.at;
        let row = self
            .store(move |store| store.delete_row(&target, |row| note(&act, row)))
            .await?;
        Ok((row, at))
    }

    /// Stores what is `new` by `insert`, or finds what the same call made before.
    pub(crate) async fn made_once<T: PagedRow + Send + 'static>(
        &self,
        new: T,
        insert: impl FnOnce(&Store, &T) -> Result<Idempotent<()>, StoreError> + Send + 'static,
    ) -> Result<(T, Option<IdempotencyRecord>), Problem> {
        self.store(move |store| match insert(store, &new)? {
            Idempotent::Done(()) => Ok((new, None)),
            Idempotent::Repeated(earlier) => {
                let found = store.find(&RowTarget::of(&earlier.target));
                Ok((earlier.found(found)?, Some(earlier)))
            }
        })
        .await
    }

    /// The same for what has a secret, which the answer shows.
    pub(crate) async fn made_once_with_secret<T: PagedRow + Send + 'static>(
        &self,
        new: T,
        secret: Zeroizing<String>,
        insert: impl FnOnce(&Store, &T) -> Result<Idempotent<()>, StoreError> + Send + 'static,
    ) -> Result<(T, Zeroizing<String>), Problem> {
        let (made, earlier) = self.made_once(new, insert).await?;
        let secret = match earlier {
            None => secret,
            Some(earlier) => self.earlier_secret(&earlier)?,
        };
        Ok((made, secret))
    }
}

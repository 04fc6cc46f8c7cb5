//! The secret that an answer shows once, for a call that is repeated with its `Idempotency-Key`.
//!
//! Does not remember: the store does, in the transaction of what is made. Invariant: the secret of
//! an answer is remembered sealed, or not at all.

use zeroize::Zeroizing;

use crate::domain::secrets::sealed::SealContext;
use crate::http::problem::Problem;
use crate::service::App;
use crate::store::{IdempotencyRecord, IdempotentCall};

impl App {
    /// Adds the secret that the answer will show, sealed for what is made; where nothing recoverable
    /// may be stored, it is not.
    pub(crate) fn with_secret(
        &self,
        once: Option<IdempotentCall>,
        target: &str,
        secret: &str,
    ) -> Result<Option<IdempotentCall>, Problem> {
        let Some(once) = once else {
            return Ok(None);
        };
        if !self.recoverable {
            return Ok(Some(once));
        }
        let sealed = self.keyring.seal(&context(target), secret.as_bytes());
        let secret = Some(sealed.map_err(|error| Problem::internal(&error))?);
        Ok(Some(IdempotentCall { secret, ..once }))
    }

    /// The secret that the earlier answer showed.
    pub(crate) fn earlier_secret(
        &self,
        earlier: &IdempotencyRecord,
    ) -> Result<Zeroizing<String>, Problem> {
        let sealed = earlier.secret.as_ref().ok_or_else(|| {
            Problem::conflict(
                "already-done",
                &format!(
                    "this call has made {} already, and its secret is not shown twice",
                    earlier.target
                ),
            )
        })?;
        let opened = self.keyring.open(&context(&earlier.target), sealed);
        let opened = opened.map_err(|error| Problem::internal(&error))?;
        let text = std::str::from_utf8(opened.as_bytes());
        text.map(|text| Zeroizing::new(text.to_owned()))
            .map_err(|error| Problem::internal(&error))
    }
}

fn context(target: &str) -> SealContext<'_> {
    SealContext {
        table: "once",
        row: target,
        column: "secret",
        key_version: 1,
    }
}

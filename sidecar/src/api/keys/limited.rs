//! What limits say to a request that nobody makes: those of the key, then those of its account.
//!
//! Asks the code that the gate asks, with the ledger's figures. Does not know minutes: each Envoy keeps them
//! alone. Invariant: nothing is held and nothing is charged.

use keytable::cell::{Ask, Cell, LimitRefusal, LimitStanding};
use keytable::{LimitSubject, RecordedLimit};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::limits::answer::StandingAnswer;
use crate::domain::clock::UnixMillis;
use crate::domain::table_entry::KeyEntry;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::limits::LimitReport;
use crate::store::{LimitOwner, Target};

/// How a limit stands that the request has to fit into.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CheckedLimit")]
pub(super) struct CheckedLimit {
    /// Whose it is: `key` or `account`
    of: &'static str,
    #[serde(flatten)]
    standing: StandingAnswer,
}

/// What limits say.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) limits: Vec<CheckedLimit>,
    /// Status, code and reason of the refusal, if there is one.
    pub(super) refusal: Option<(u16, &'static str, String)>,
}

/// Judges a request of so many bytes by all limits that it has to fit into.
pub(super) async fn judge(
    app: &App,
    (entry, target): (&KeyEntry, Target),
    at: UnixMillis,
    body_bytes: usize,
) -> Result<Judged, Problem> {
    let mut judged = Judged::default();
    let account = entry.key.account.clone();
    let mut owners = vec![("key", LimitOwner::Key(target))];
    owners.extend(
        entry
            .is_account_limited
            .then_some(("account", LimitOwner::Account(account))),
    );
    for (of, owner) in owners {
        let (subject, report) = app.limits_at(owner, at).await?;
        let refusal = refusal(&subject, &report, at, body_bytes);
        judged.refusal = judged.refusal.or(refusal.map(explain));
        let standings = report.limits.iter().map(|figures| CheckedLimit {
            of,
            standing: StandingAnswer::new(figures),
        });
        judged.limits.extend(standings);
    }
    Ok(judged)
}

/// What an Envoy would say that has heard the ledger just now.
fn refusal(
    subject: &LimitSubject,
    report: &LimitReport,
    at: UnixMillis,
    body_bytes: usize,
) -> Option<LimitRefusal> {
    let ask = Ask {
        gate: 0,
        now_unix_ms: at.get(),
        is_apart: false,
        body_bytes: u64::try_from(body_bytes).unwrap_or(u64::MAX),
        is_provisional: false,
    };
    let says = |limits: &[RecordedLimit]| Cell::default().admit(subject, limits, &ask).err();
    let settled: Vec<_> = report
        .limits
        .iter()
        .map(|figures| figures.recorded)
        .collect();
    let with_held = report.limits.iter().map(|figures| RecordedLimit {
        used: figures.recorded.used.saturating_add(figures.held),
        ..figures.recorded
    });
    let with_held: Vec<_> = with_held.collect();
    says(&settled).or_else(|| match says(&with_held)? {
        LimitRefusal::Exhausted(standing) => Some(LimitRefusal::Running(standing)),
        other => Some(other),
    })
}

/// Status, code and reason; the codes are those of the gate.
fn explain(refusal: LimitRefusal) -> (u16, &'static str, String) {
    let of = |standing: &LimitStanding| {
        let (unit, window) = (standing.unit.as_str(), standing.window.as_str());
        format!(
            "nothing is left of {} {unit} in a {window}",
            standing.amount
        )
    };
    match refusal {
        LimitRefusal::Exhausted(standing) => {
            let until = standing.resets_at_unix_ms.map(UnixMillis::new);
            let until = until.map_or_else(String::new, |until| format!(" until {until}"));
            (
                429,
                "insufficient_quota",
                format!("{}{until}", of(&standing)),
            )
        }
        LimitRefusal::Running(standing) => {
            let reason = format!("{} until what runs is settled", of(&standing));
            (429, "rate_limit_exceeded", reason)
        }
        LimitRefusal::Wait(standing, _) => (429, "rate_limit_exceeded", of(&standing)),
        LimitRefusal::Apart => (
            503,
            "limits_unavailable",
            "the limit is not kept without the sidecar".to_owned(),
        ),
    }
}

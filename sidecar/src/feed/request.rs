//! What an agent asks for, read from the query of its request.
//!
//! Unknown parameters are ignored: a newer filter may send more. Invariant: a request that was
//! read names an agent and a region, and an epoch and a generation together or neither.

use std::time::Duration;

use keytable::limits::BUCKETS;
use keytable::{Epoch, FormatVersion, Generation};

use crate::domain::envoy::{AgentId, Introduction, Label, Lease, NodeName};
use crate::domain::region::RegionId;
use crate::feed::catch_up::TableQuery;
use crate::http::problem::Problem;
use crate::http::query::Query;

const WAIT_S_MAX: u64 = 60;
const WAIT_S_DEFAULT: u64 = 25;

/// A request for news.
#[derive(Debug)]
pub(super) struct TableRequest {
    /// Who asks.
    pub(super) who: Introduction,
    /// The newest answer that the agent could not use.
    pub(super) trouble: Option<Label>,
    /// What it asks for, in the format that both know.
    pub(super) asked: TableQuery,
    /// The number that the agent gave this request; the first filters gave none.
    pub(super) number: Option<u64>,
    /// How long to wait for something new.
    pub(super) wait: Duration,
    /// The further page that the agent wants.
    pub(super) page: Option<WantedPage>,
}

/// A further page of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WantedPage {
    /// Of which history the snapshot is; the first filters did not say.
    pub(super) epoch: Option<Epoch>,
    /// Of which generation.
    pub(super) generation: Generation,
    /// From which bucket on.
    pub(super) bucket: u32,
}

impl TableRequest {
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut query = Query::parse(query);
        let region = query.required("region", |text| {
            RegionId::parse(text).map_err(|error| error.to_string())
        });
        let agent = query.required("agent", |text| {
            AgentId::parse(text).ok_or("must be 32 lower-case hexadecimal digits")
        });
        let node = query.required("node", |text| {
            NodeName::parse(text).ok_or("must be 1 to 256 printable ASCII characters")
        });
        let lease = query.optional("lease_s", |text| {
            Lease::parse(text).ok_or("must be a number of seconds, or never")
        });
        let version = query.optional("version", word);
        let trouble = query.optional("trouble", word);
        let wait = query.number("wait_s", 0..=WAIT_S_MAX);
        let position = pair(&mut query, "epoch", epoch, "generation", any_number);
        let page = pair(&mut query, "snapshot", any_number, "bucket", bucket);
        let snapshot_epoch = query.optional("snapshot_epoch", epoch);
        let format = query.optional("format", format);
        let number = query.optional("request", any_number);
        query.finish_lenient()?;
        match (region, agent, node) {
            (Some(region), Some(agent), Some(node)) => Ok(Self {
                asked: TableQuery {
                    region: region.clone(),
                    position: position.map(|(epoch, number)| (epoch, Generation::new(number))),
                    // The first filters did not say.
                    format: format.unwrap_or(FormatVersion::OLDEST),
                },
                who: Introduction {
                    region,
                    agent,
                    node,
                    // An Envoy that does not say when it stops may never stop.
                    lease: lease.unwrap_or(Lease::Never),
                    version,
                },
                trouble,
                number,
                wait: Duration::from_secs(wait.unwrap_or(WAIT_S_DEFAULT)),
                page: page.map(|(number, bucket)| WantedPage {
                    epoch: snapshot_epoch,
                    generation: Generation::new(number),
                    bucket,
                }),
            }),
            _ => Err(Problem::internal(&"a refused parameter was not reported")),
        }
    }
}

impl TableRequest {
    /// Which request an answer belongs to, in the agent's own words.
    pub(super) fn name(&self) -> Option<String> {
        let number = self.number?;
        Some(format!("{}-{number}", self.who.agent))
    }
}

impl WantedPage {
    /// Whether it is of another history than `ours`.
    pub(super) fn is_foreign(&self, ours: Epoch) -> bool {
        self.epoch.is_some_and(|epoch| epoch != ours)
    }
}

/// Two parameters that mean something only together.
fn pair<A, B>(
    query: &mut Query,
    first: &'static str,
    read_first: impl FnOnce(&str) -> Result<A, &'static str>,
    second: &'static str,
    read_second: impl FnOnce(&str) -> Result<B, &'static str>,
) -> Option<(A, B)> {
    match (query.has(first), query.has(second)) {
        (false, true) => query.refuse(first, format!("must be given too: {second} is there")),
        (true, false) => query.refuse(second, format!("must be given too: {first} is there")),
        _ => {}
    }
    let one = query.optional(first, read_first);
    let other = query.optional(second, read_second);
    one.zip(other)
}

fn word(text: &str) -> Result<Label, &'static str> {
    Label::parse(text).ok_or("must be 1 to 40 characters of a-z, 0-9, _, -, . and +")
}

fn epoch(text: &str) -> Result<Epoch, &'static str> {
    Epoch::parse(text).ok_or("must be 32 lower-case hexadecimal digits")
}

fn any_number(text: &str) -> Result<u64, &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain);
    number.ok_or("must be a whole number, at least 0")
}

/// The newest format that an agent knows; a newer one than ours is fine, for it knows ours too.
fn format(text: &str) -> Result<FormatVersion, String> {
    let newest = u16::try_from(any_number(text)?).unwrap_or(u16::MAX);
    FormatVersion::shared_with(newest).ok_or_else(|| {
        let oldest = FormatVersion::OLDEST.number();
        format!("must be {oldest} or more, this sidecar writes no older format: upgrade the filter")
    })
}

fn bucket(text: &str) -> Result<u32, &'static str> {
    let number = any_number(text)
        .ok()
        .and_then(|number| u32::try_from(number).ok());
    number
        .filter(|bucket| *bucket < BUCKETS)
        .ok_or("must be a whole number below 65536")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: &str = "region=local&agent=0123456789abcdef0123456789abcdef&node=n";

    fn page(more: &str) -> Option<WantedPage> {
        TableRequest::parse(&format!("{WHO}{more}")).unwrap().page
    }

    #[test]
    fn a_page_may_say_of_which_history_it_is() {
        let (ours, other) = (Epoch::from_bytes([1; 16]), Epoch::from_bytes([2; 16]));
        let silent = page("&snapshot=7&bucket=4096").unwrap();
        assert_eq!(silent.epoch, None);
        assert_eq!((silent.generation.get(), silent.bucket), (7, 4096));
        assert!(!silent.is_foreign(ours));
        let spoken = page(&format!("&snapshot_epoch={ours}&snapshot=7&bucket=4096")).unwrap();
        assert!(!spoken.is_foreign(ours) && spoken.is_foreign(other));
        assert_eq!(page(&format!("&snapshot_epoch={ours}")), None);
        assert!(TableRequest::parse(&format!("{WHO}&snapshot_epoch=7")).is_err());
    }
}

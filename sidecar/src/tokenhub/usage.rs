//! `DescribeUsageRankList`: which keys, endpoints and models were used most.
//!
//! Does not count: what is told was reported by Envoys. Invariant: all parts of an answer are of the same whole
//! periods.

mod answer;
mod figures;
mod request;

use keytable::AxisKind;

use crate::domain::usage::OTHER_RESOURCES;
use crate::store::{RankedBy, Ranking, UsageShare};
use crate::tokenhub::call::{Call, Done};
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use answer::Ranked;
use request::{Dimension, Wanted};

/// Objects of one page.
const PAGE_LEN: u64 = 10;
/// What requests without a name that could be read are shown under.
const UNKNOWN: &str = "(unknown)";

/// `DescribeUsageRankList`
pub(super) async fn rank(call: &Call, input: Input) -> Result<Done, Fault> {
    let wanted = Wanted::take(input)?;
    let ranking = Ranking {
        account: call.account.clone(),
        region: call.region.clone(),
        key: wanted.anchor.clone(),
        interval: wanted.interval(),
        by: match wanted.dimension {
            Dimension::ApiKey => RankedBy::Key,
            Dimension::Endpoint | Dimension::Model => RankedBy::Resource,
        },
    };
    let shares = ranking.clone();
    let mut shares = call
        .store(move |store| store.usage_ranking(&shares))
        .await?;
    shares.retain(|share| is_wanted(share, &wanted));
    wanted.sort(&mut shares);
    let page = page_of(shares.len(), &wanted);
    let mut ranked = Vec::new();
    for (number, share) in shares.iter().enumerate() {
        if page.contains(&number) {
            let (wanted, of) = (ranking.clone(), share.of.clone());
            let points = call.store(move |store| store.usage_points(&wanted, &of));
            ranked.push(Ranked {
                rank: number + 1,
                share,
                points: points.await?,
            });
        }
    }
    Ok(Done::of(answer::answer(&wanted, &shares, &ranked)))
}

/// Which of the shares are shown; for a whole list all, whose points nobody sees.
fn page_of(count: usize, wanted: &Wanted) -> std::ops::Range<usize> {
    if wanted.show_all {
        return 0..0;
    }
    let start = usize::try_from(wanted.offset)
        .unwrap_or(usize::MAX)
        .min(count);
    let len = usize::try_from(PAGE_LEN).unwrap_or(usize::MAX);
    start..start.saturating_add(len).min(count)
}

/// An endpoint is whatever a request names: the default endpoint of a model has its name.
fn is_wanted(share: &UsageShare, wanted: &Wanted) -> bool {
    let is_model = || {
        let name = share.of.as_bytes();
        AxisKind::of(name) == AxisKind::Models || share.of == OTHER_RESOURCES
    };
    let of_dimension = wanted.dimension != Dimension::Model || is_model();
    let is_target = |target: &String| *target == shown(&share.of);
    of_dimension && wanted.target.as_ref().is_none_or(is_target)
}

/// How a key or resource is called.
fn shown(of: &str) -> &str {
    match of {
        "" => UNKNOWN,
        of => of,
    }
}

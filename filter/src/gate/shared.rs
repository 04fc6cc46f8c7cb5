//! What every request of one worker shares: settings, rules, the table, the counts.
//!
//! Does not decide. Invariant: counting takes a permit or a refusal in hand.

use std::cell::RefCell;

use keytable::{ClientAddress, Permit, UsageBatch};

use crate::config::GateConfig;
use crate::host::RequestHost;
use crate::locator::Locators;
use crate::outcome::Outcome;
use crate::reply::Refusal;
use crate::table::TableReader;
use crate::tally::{Counted, Tally};

/// Rows in one message to the agent.
const HANDED_ROWS_MAX: usize = 1_000;

/// What every request of one worker shares.
#[derive(Debug)]
pub struct GateShared {
    /// The settings.
    pub config: GateConfig,
    /// The rules, compiled from them.
    pub locators: Locators,
    /// What the worker remembers of the table.
    pub table: TableReader,
    /// What it has counted.
    tally: RefCell<Tally>,
}

impl GateShared {
    /// The settings with their rules compiled. The error says which rule is bad.
    /// `seed` is drawn now and told to nobody.
    pub fn new(config: GateConfig, seed: [u8; 16]) -> Result<Self, String> {
        let locators = Locators::compile(&config.locators)?;
        Ok(Self {
            config,
            locators,
            table: TableReader::new(seed),
            tally: RefCell::default(),
        })
    }

    /// What was counted since the last time, as batches for the agent, which gives them their
    /// source and sequence.
    pub fn take_counts(&self, now_unix_ms: u64) -> Vec<Vec<u8>> {
        let rows = self
            .tally
            .try_borrow_mut()
            .map(|mut tally| tally.take(now_unix_ms));
        rows.unwrap_or_default()
            .chunks(HANDED_ROWS_MAX)
            .map(|rows| {
                UsageBatch {
                    source: [0; 16],
                    sequence: 0,
                    rows: rows.to_vec(),
                }
                .encode()
            })
            .collect()
    }

    pub(super) fn count_permit(
        &self,
        host: &impl RequestHost,
        permit: &Permit,
        counted: Counted<'_>,
    ) {
        host.count(Outcome::Allowed);
        if let Ok(mut tally) = self.tally.try_borrow_mut() {
            tally.permitted(permit, counted, || client_address(host));
        }
    }

    pub(super) fn count_refusal(
        &self,
        host: &impl RequestHost,
        refusal: &Refusal,
        counted: Counted<'_>,
    ) {
        if let Ok(mut tally) = self.tally.try_borrow_mut() {
            tally.refused(refusal, counted, || client_address(host));
        }
    }

    pub(super) fn count_cut(
        &self,
        host: &impl RequestHost,
        refusal: &Refusal,
        counted: Counted<'_>,
    ) {
        if let Ok(mut tally) = self.tally.try_borrow_mut() {
            tally.cut(refusal, counted, || client_address(host));
        }
    }
}

fn client_address(host: &impl RequestHost) -> Option<ClientAddress> {
    ClientAddress::parse(&host.source_address().ok()?)
}

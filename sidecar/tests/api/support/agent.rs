//! An agent as Envoy has one: follows the feed and keeps a table, in the plainest way.

use std::collections::BTreeMap;

use keytable::{
    Change, Epoch, Frame, Generation, KeyHash, PresentedKey, RecordView, RecordedLimit, Status,
};

use super::{FEED_TOKEN, Sidecar, call_bytes};

/// One start of an agent.
pub(crate) struct Agent {
    feed: String,
    pub(crate) id: String,
    pub(crate) node: String,
    pub(crate) region: String,
    pub(crate) lease_s: &'static str,
    /// Further parameters of its requests.
    pub(crate) more: &'static str,
    /// The history that the pages of the running snapshot are of.
    paging: Option<Epoch>,
    /// What is in force.
    pub(crate) position: Option<(Epoch, Generation)>,
    /// The records in force, by hash.
    pub(crate) table: BTreeMap<[u8; 32], Vec<u8>>,
}

/// What one answer was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Heartbeat,
    Delta {
        from: u64,
        to: u64,
        changes: usize,
    },
    Page {
        generation: u64,
        first: u32,
        end: u32,
    },
    Refusal(u16),
}

impl Agent {
    pub(crate) fn new(sidecar: &Sidecar, digit: char, node: &str, region: &str) -> Self {
        Self {
            feed: sidecar.feed().into(),
            id: digit.to_string().repeat(32),
            node: node.into(),
            region: region.into(),
            lease_s: "60",
            more: "",
            paging: None,
            position: None,
            table: BTreeMap::new(),
        }
    }

    /// From now on it asks another sidecar.
    pub(crate) fn turn_to(&mut self, sidecar: &Sidecar) {
        self.feed = sidecar.feed().into();
    }

    /// Asks once, and puts in force what comes; the first page of a snapshot is followed by the
    /// others.
    pub(crate) fn poll(&mut self, wait_s: u32) -> Got {
        let got = self.ask(wait_s, None);
        if let Got::Page {
            generation,
            mut end,
            ..
        } = got
        {
            while end < keytable::limits::BUCKETS {
                let Got::Page {
                    generation: same,
                    first,
                    end: next,
                } = self.ask(0, Some((generation, end)))
                else {
                    panic!("no page");
                };
                assert_eq!((same, first), (generation, end));
                end = next;
            }
            let epoch = self.paging.take();
            self.position = epoch.map(|epoch| (epoch, Generation::new(generation)));
        }
        got
    }

    /// Asks until nothing is new.
    pub(crate) fn catch_up(&mut self) {
        while self.poll(0) != Got::Heartbeat {}
    }

    /// Sends one request, as it is, and reads the frame.
    pub(crate) fn ask(&mut self, wait_s: u32, page: Option<(u64, u32)>) -> Got {
        let mut query = format!(
            "region={}&agent={}&node={}&lease_s={}&wait_s={wait_s}{}",
            self.region, self.id, self.node, self.lease_s, self.more
        );
        if let Some((snapshot, bucket)) = page {
            query += &format!("&snapshot={snapshot}&bucket={bucket}");
            if let Some(epoch) = self.paging {
                query += &format!("&snapshot_epoch={epoch}");
            }
        } else if let Some((epoch, generation)) = self.position {
            query += &format!("&epoch={epoch}&generation={generation}");
        }
        let url = format!("{}/feed/v1/table?{query}", self.feed);
        let headers = [("authorization", FEED_TOKEN)];
        let (parts, bytes) = call_bytes(&url, "GET", &headers, None);
        if parts.status != 200 {
            return Got::Refusal(parts.status.as_u16());
        }
        assert_eq!(parts.headers["content-type"], "application/octet-stream");
        assert_eq!(parts.headers["cache-control"], "no-store");
        self.apply(&bytes)
    }

    /// Whether the gate beside this agent would let a key on.
    pub(crate) fn admits(&self, key: &str) -> bool {
        let key = PresentedKey::parse(key.as_bytes()).unwrap();
        let record = self.table.get(KeyHash::of(&key).as_bytes());
        let record = record.map(|bytes| RecordView::parse(bytes).unwrap());
        record.is_some_and(|record| record.status() == Status::Enabled)
    }

    /// The limits of a key, as its record has them.
    pub(crate) fn limits_of(&self, key: &str) -> Vec<RecordedLimit> {
        let key = PresentedKey::parse(key.as_bytes()).unwrap();
        let record = self.table.get(KeyHash::of(&key).as_bytes()).unwrap();
        let limits = RecordView::parse(record).unwrap().limits();
        limits.map(|(_, limits)| limits).unwrap_or_default()
    }

    fn apply(&mut self, bytes: &[u8]) -> Got {
        match Frame::decode(bytes).unwrap() {
            Frame::Delta(delta) if delta.from == delta.to => {
                assert_eq!(self.position, Some((delta.epoch, delta.to)));
                Got::Heartbeat
            }
            Frame::Delta(delta) => {
                assert_eq!(self.position, Some((delta.epoch, delta.from)));
                self.position = Some((delta.epoch, delta.to));
                for change in &delta.changes {
                    match change {
                        Change::Put(record) => self.put(record),
                        Change::Remove(hash) => {
                            self.table.remove(hash.as_bytes());
                        }
                    }
                }
                let (from, to) = (delta.from.get(), delta.to.get());
                Got::Delta {
                    from,
                    to,
                    changes: delta.changes.len(),
                }
            }
            Frame::Page(page) => {
                let (first, end) = (page.first_bucket, page.end_bucket());
                self.table.retain(|hash, _| {
                    let bucket = u32::from(KeyHash::from_bytes(*hash).bucket());
                    bucket < first || bucket >= end
                });
                page.records.iter().for_each(|record| self.put(record));
                self.paging = Some(page.epoch);
                Got::Page {
                    generation: page.generation.get(),
                    first,
                    end,
                }
            }
        }
    }

    fn put(&mut self, record: &RecordView<'_>) {
        self.table
            .insert(*record.key_hash().as_bytes(), record.as_bytes().to_vec());
    }
}

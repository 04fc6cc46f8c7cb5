//! The Envoys that may serve: what a later process of the sidecar has to know of them.
//!
//! Does not say who is in contact. Invariant: an Envoy is written before it gets its first answer,
//! so that a change after a restart does not miss it.

use keytable::Generation;

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::envoy::{AgentId, Introduction, KnownEnvoy, Label, Lease, NodeName};
use crate::domain::region::RegionId;
use crate::store::error::StoreError;
use crate::store::row::{Columns, integer};
use crate::store::sql::{self, Connection, Row, params};
use crate::store::{Store, audit};

/// An Envoy to be remembered from now on.
#[derive(Debug)]
pub struct Newcomer {
    /// It, as it is.
    pub envoy: KnownEnvoy,
    /// Those that are not to be remembered any more.
    pub gone: Vec<(RegionId, AgentId)>,
}

impl Store {
    /// Every Envoy that was remembered.
    pub fn known_envoys(&self) -> Result<Vec<KnownEnvoy>, StoreError> {
        let sql =
            "SELECT region, instance, node, lease_s, version, generation, heard_at FROM envoys";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_map(params![], known)?)
        })
    }

    /// Remembers Envoys, and no longer those that are gone.
    pub fn remember_newcomers(&self, newcomers: &[Newcomer]) -> Result<(), StoreError> {
        self.write(|connection| {
            for Newcomer { envoy, gone } in newcomers {
                for (region, agent) in gone {
                    forget(connection, region, agent)?;
                }
                remember(connection, envoy)?;
            }
            Ok(())
        })
    }

    /// Remembers what is known of the Envoys, before this process ends.
    pub fn remember_envoys(&self, envoys: &[KnownEnvoy]) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM envoys", params![])?;
            envoys
                .iter()
                .try_for_each(|envoy| remember(connection, envoy))
        })
    }

    /// Forgets an Envoy of which somebody said that it is gone.
    pub fn dismiss_envoy(
        &self,
        region: &RegionId,
        agent: &AgentId,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            forget(connection, region, agent)?;
            audit::append(connection, entry)
        })
    }
}

fn remember(connection: &Connection, envoy: &KnownEnvoy) -> Result<(), StoreError> {
    let who = &envoy.introduction;
    let number = |generation: Generation| integer(generation.get());
    connection
        .prepare_cached(
            "INSERT INTO envoys (region, instance, node, lease_s, version, generation, heard_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (region, instance) DO UPDATE SET \
             node = ?3, lease_s = ?4, version = ?5, generation = ?6, heard_at = ?7",
        )?
        .execute(params![
            who.region.as_str(),
            who.agent.as_str(),
            who.node.as_str(),
            who.lease.seconds().map(integer),
            who.version.as_ref().map(Label::as_str),
            envoy.generation.map(number),
            integer(envoy.heard_at.get()),
        ])?;
    Ok(())
}

fn forget(connection: &Connection, region: &RegionId, agent: &AgentId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM envoys WHERE region = ?1 AND instance = ?2")?
        .execute([region.as_str(), agent.as_str()])?;
    Ok(())
}

fn known(row: &Row<'_>) -> sql::Result<KnownEnvoy> {
    let mut columns = Columns::new(row, 0);
    let introduction = Introduction {
        region: columns.read(|text: String| RegionId::parse(&text).ok())?,
        agent: columns.read(|text: String| AgentId::parse(&text))?,
        node: columns.read(|text: String| NodeName::parse(&text))?,
        lease: columns.read(lease)?,
        version: columns
            .read(|text: Option<String>| Some(Label::parse(&text.unwrap_or_default())))?,
    };
    Ok(KnownEnvoy {
        introduction,
        generation: columns.read(generation)?,
        heard_at: UnixMillis::new(columns.unsigned()?),
    })
}

fn lease(seconds: Option<i64>) -> Option<Lease> {
    match seconds {
        None => Some(Lease::Never),
        Some(seconds) => u64::try_from(seconds).ok().map(Lease::Seconds),
    }
}

fn generation(number: Option<i64>) -> Option<Option<Generation>> {
    match number {
        None => Some(None),
        Some(number) => Some(Some(Generation::new(u64::try_from(number).ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::fixture::{NOW, Scratch, region};

    fn envoy(digit: char, lease: Lease) -> KnownEnvoy {
        let introduction = Introduction {
            region: region("local"),
            agent: AgentId::parse(&digit.to_string().repeat(32)).unwrap(),
            node: NodeName::parse("edge 1").unwrap(),
            lease,
            version: Label::parse("0.1.0").filter(|_| digit == 'a'),
        };
        KnownEnvoy {
            introduction,
            generation: (digit == 'a').then(|| Generation::new(7)),
            heard_at: NOW,
        }
    }

    fn newcomer(envoy: &KnownEnvoy, gone: Vec<(RegionId, AgentId)>) -> Newcomer {
        let envoy = envoy.clone();
        Newcomer { envoy, gone }
    }

    #[test]
    fn envoys_outlive_the_process_until_they_are_gone() {
        let scratch = Scratch::new();
        let (one, two) = (envoy('a', Lease::Seconds(60)), envoy('b', Lease::Never));
        {
            let store = scratch.open();
            let newcomers = [&one, &two].map(|envoy| newcomer(envoy, Vec::new()));
            store.remember_newcomers(&newcomers).unwrap();
        }
        let store = scratch.open();
        assert_eq!(store.known_envoys().unwrap(), [one.clone(), two.clone()]);
        let gone = (region("local"), one.introduction.agent.clone());
        let newcomers = [newcomer(&two, vec![gone])];
        store.remember_newcomers(&newcomers).unwrap();
        assert_eq!(store.known_envoys().unwrap(), std::slice::from_ref(&two));
        store.remember_envoys(std::slice::from_ref(&one)).unwrap();
        assert_eq!(store.known_envoys().unwrap(), [one]);
    }
}

//! What is measured: every variant with its name, filter, table, load and place on the machine.
//!
//! Invariant: variants differ from the one that they are compared with in what their name says and
//! in nothing else.

use std::path::PathBuf;

use crate::filters::Filter;
use crate::keys::Policy;

/// Keys of the large table.
const MILLION: usize = 1_000_000;
/// Keys of the usual table.
const USUAL: usize = 100_000;
/// Core of Envoy, core of the load.
const APART: (&str, &str) = ("0", "1");

/// Which keys the load presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// 1,000 keys, spread over the table.
    Warm,
    /// Every key of the table, one after the other: more than any cache holds.
    EachInTurn,
    /// Keys that are not in the table.
    Unknown,
}

/// What the load sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// A GET.
    None,
    /// A POST of 1 KB.
    Json,
}

/// The requests of a variant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) keys: Keys,
    pub(crate) body: Body,
    pub(crate) is_refused: bool,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    /// The variant that it costs more than: usually the one without a filter.
    pub(crate) base: &'static str,
    pub(crate) filter: Filter,
    pub(crate) keys: usize,
    pub(crate) policy: Policy,
    pub(crate) load: Load,
    pub(crate) workers: u32,
    pub(crate) envoy_cores: &'static str,
    pub(crate) load_cores: &'static str,
    pub(crate) is_changing: bool,
    pub(crate) is_observing: bool,
    /// Another build of the filter than this tree's.
    pub(crate) build: Option<PathBuf>,
}

impl Variant {
    /// Whether it has a key table.
    pub(crate) fn has_table(&self) -> bool {
        self.filter == Filter::Latchkey
    }

    fn new(name: &'static str, filter: Filter, keys: usize) -> Self {
        Self {
            name,
            base: NONE,
            filter,
            keys,
            policy: Policy::All,
            load: Load {
                keys: Keys::Warm,
                body: Body::None,
                is_refused: false,
            },
            workers: 1,
            envoy_cores: APART.0,
            load_cores: APART.1,
            is_changing: false,
            is_observing: true,
            build: None,
        }
    }

    fn ours(name: &'static str, keys: usize) -> Self {
        Self::new(name, Filter::Latchkey, keys)
    }

    fn with(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    fn presenting(self, keys: Keys) -> Self {
        let is_refused = keys == Keys::Unknown;
        let load = Load {
            keys,
            is_refused,
            ..self.load
        };
        Self { load, ..self }
    }

    fn posting(self) -> Self {
        let load = Load {
            body: Body::Json,
            ..self.load
        };
        Self {
            load,
            base: NONE_POST,
            ..self
        }
    }

    /// Envoy and the load share these cores, a worker and a thread of the load to each.
    fn sharing(self, cores: &'static str, workers: u32, base: &'static str) -> Self {
        Self {
            workers,
            envoy_cores: cores,
            load_cores: cores,
            base,
            ..self
        }
    }
}

pub(crate) const NONE: &str = "no filter";
pub(crate) const NONE_POST: &str = "no filter, 1 KB JSON body";
pub(crate) const LUA: &str = "Lua table look-up, 100,000 keys";
pub(crate) const LUA_IDENTITY: &str =
    "Lua table look-up, 100,000 keys, credential replaced by an identity";
pub(crate) const EXT_AUTHZ: &str = "ext_authz to an Envoy with api_key_auth, 100,000 keys";
pub(crate) const THOUSAND_KEYS: &str = "latchkey, 1,000 keys";
pub(crate) const USUAL_KEYS: &str = "latchkey, 100,000 keys";
pub(crate) const MILLION_KEYS: &str = "latchkey, 1,000,000 keys";
pub(crate) const NETWORKS: &str = "latchkey, 50 CIDRs";
pub(crate) const COLD: &str = "latchkey, cold keys (each of 100,000 in turn)";
pub(crate) const COLD_NONE: &str = "no filter, each of 100,000 keys in turn";
pub(crate) const LISTED: &str = "latchkey, list-scoped (100 entries), 1 KB JSON body";
pub(crate) const UNREAD: &str = "latchkey, all-scope, 1 KB JSON body, not observed";
pub(crate) const OBSERVED: &str = "latchkey, all-scope, 1 KB JSON body, observed";
pub(crate) const CHANGING: &str = "latchkey, 100 changes a second";
pub(crate) const ONE_WORKER: &str = "latchkey, 1 worker, load on the same core";
pub(crate) const TWO_WORKERS: &str = "latchkey, 2 workers, load on the same cores";
pub(crate) const NONE_ONE: &str = "no filter, 1 worker, load on the same core";
pub(crate) const NONE_TWO: &str = "no filter, 2 workers, load on the same cores";

/// Ours with so many workers, not pinned to one core: for what does not count CPU time.
pub(crate) fn plain(workers: u32) -> Variant {
    Variant {
        workers,
        envoy_cores: "0,1",
        ..Variant::ours(USUAL_KEYS, USUAL)
    }
}

/// Builds of the filter beside each other, each for what a request can cost, and no filter.
pub(crate) fn builds(files: &[String]) -> Vec<Variant> {
    let none = [
        Variant::new(NONE, Filter::None, USUAL),
        Variant::new(NONE_POST, Filter::None, USUAL).posting(),
    ];
    let of = |file: &String, variant: Variant| Variant {
        build: Some(file.into()),
        // As many as the command line names, once.
        name: of_build(variant.name, file).leak(),
        ..variant
    };
    let kinds = compared();
    let all = kinds
        .iter()
        .flat_map(|kind| files.iter().map(|file| of(file, kind.clone())));
    none.into_iter().chain(all).collect()
}

/// The name of a variant with this build of the filter.
pub(crate) fn of_build(name: &str, file: &str) -> String {
    format!("{name}: {file}")
}

/// What builds are compared by.
pub(crate) fn compared() -> [Variant; 4] {
    [
        Variant::ours(USUAL_KEYS, USUAL),
        Variant::ours(NETWORKS, USUAL).with(Policy::AllFrom50Networks),
        Variant {
            is_observing: false,
            ..Variant::ours(UNREAD, USUAL).posting()
        },
        Variant::ours(LISTED, USUAL)
            .posting()
            .with(Policy::Of100Models),
    ]
}

/// All of them, in the order of the table.
pub(crate) fn all() -> Vec<Variant> {
    let none = |name| Variant::new(name, Filter::None, USUAL);
    let posting = |name| Variant::ours(name, USUAL).posting();
    let unread = Variant {
        is_observing: false,
        ..posting(UNREAD)
    };
    let changing = Variant {
        is_changing: true,
        ..Variant::ours(CHANGING, USUAL)
    };
    vec![
        none(NONE),
        Variant::new("api_key_auth, 1 key", Filter::ApiKeyAuth(1), 1),
        Variant::new(
            "api_key_auth, 100,000 keys",
            Filter::ApiKeyAuth(USUAL),
            USUAL,
        ),
        Variant::new("Lua table look-up, 1,000 keys", Filter::Lua(1_000), 1_000),
        Variant::new(LUA, Filter::Lua(USUAL), USUAL),
        Variant::new(LUA_IDENTITY, Filter::LuaIdentity(USUAL), USUAL),
        Variant::new(EXT_AUTHZ, Filter::ExtAuthz(USUAL), USUAL),
        Variant::new("Wasm filter that does nothing", Filter::NoopWasm, USUAL),
        Variant::ours(THOUSAND_KEYS, 1_000),
        Variant::ours(USUAL_KEYS, USUAL),
        Variant::ours(MILLION_KEYS, MILLION),
        Variant::ours(NETWORKS, USUAL).with(Policy::AllFrom50Networks),
        Variant::ours("latchkey, unknown key: refused", USUAL).presenting(Keys::Unknown),
        changing,
        Variant {
            base: COLD_NONE,
            ..Variant::ours(COLD, USUAL).presenting(Keys::EachInTurn)
        },
        none(COLD_NONE).presenting(Keys::EachInTurn),
        none(NONE_POST).posting(),
        unread,
        posting(OBSERVED),
        posting(LISTED).with(Policy::Of100Models),
        none(NONE_ONE).sharing("0", 1, NONE_ONE),
        none(NONE_TWO).sharing("0,1", 2, NONE_TWO),
        Variant::ours(ONE_WORKER, USUAL).sharing("0", 1, NONE_ONE),
        Variant::ours(TWO_WORKERS, USUAL).sharing("0,1", 2, NONE_TWO),
    ]
}

//! Places of the template at which an installation adds YAML of its own: filters before and behind
//! the gate, rights of the gate, listener filters, routes, listeners, clusters, secrets, fields of the access log,
//! settings of the connection manager and of the virtual host.
//!
//! It does not read the YAML. Invariant: an addition never changes a line that was there, and
//! additions to one place stand in the order in which they were given.

/// A comment `# place: NAME` of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Secrets, out of files.
    Secrets,
    /// What reads a connection before HTTP does: the PROXY protocol.
    ListenerFilters,
    /// Settings of the HTTP connection manager.
    ConnectionManager,
    /// Fields of the access log, `name: "%OPERATOR%"`.
    AccessLogFields,
    /// HTTP filters before the gate: they see requests that nobody has asked for a key.
    BeforeGate,
    /// Further calls of Envoy that the gate may make.
    GateRights,
    /// HTTP filters between gate and router.
    HttpFilters,
    /// Settings of the virtual host.
    VirtualHost,
    /// Routes that are tried before the one for everything.
    Routes,
    /// Further listeners.
    Listeners,
    /// Further clusters.
    Clusters,
}

/// Lines for one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Where.
    pub place: Place,
    /// List items or fields, beginning in column 1.
    pub yaml: String,
}

// === impl Place ===

impl Place {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Secrets,
        Self::ListenerFilters,
        Self::ConnectionManager,
        Self::AccessLogFields,
        Self::BeforeGate,
        Self::GateRights,
        Self::HttpFilters,
        Self::VirtualHost,
        Self::Routes,
        Self::Listeners,
        Self::Clusters,
    ];

    /// As it is written in the template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::ListenerFilters => "listener_filters",
            Self::ConnectionManager => "connection_manager",
            Self::AccessLogFields => "access_log_fields",
            Self::BeforeGate => "before_gate",
            Self::GateRights => "gate_rights",
            Self::HttpFilters => "http_filters",
            Self::VirtualHost => "virtual_host",
            Self::Routes => "routes",
            Self::Listeners => "listeners",
            Self::Clusters => "clusters",
        }
    }

    /// The place of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// Whether a line of the template is this place.
    pub fn is_marked_by(self, line: &str) -> bool {
        line.trim().strip_prefix("# place: ") == Some(self.name())
    }
}

// === impl Addition ===

impl Addition {
    /// The text with the lines put before the mark, as deep as the mark.
    pub(super) fn put_into(&self, text: &str) -> String {
        let mut longer = String::with_capacity(text.len() + 2 * self.yaml.len());
        for line in text.lines() {
            if self.place.is_marked_by(line) {
                let depth = line.len() - line.trim_start().len();
                let deep = |line: &str| format!("{:depth$}{line}\n", "");
                longer.extend(self.yaml.lines().map(deep));
            }
            longer.push_str(line);
            longer.push('\n');
        }
        longer
    }
}

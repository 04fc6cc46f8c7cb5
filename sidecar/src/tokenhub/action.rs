//! The actions: their names, and what a caller needs for each.
//!
//! Does not carry any out. Invariant: what is not here does not exist.

use crate::domain::identity::role::Capability;

/// One action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Each one is its name.
pub(crate) enum Action {
    CreateApiKey,
    DescribeApiKey,
    DescribeApiKeyList,
    ModifyApiKeyInfo,
    ModifyApiKeyStatus,
    DeleteApiKey,
    DescribeModelList,
    DescribeModelEndpointList,
    DescribeEndpoint,
    CreateTokenPlanApiKeys,
    DescribeTokenPlanApiKeyList,
    DescribeTokenPlanApiKey,
    DescribeTokenPlanApiKeySecret,
    ModifyTokenPlanApiKey,
    ModifyTokenPlanApiKeySecret,
    DeleteTokenPlanApiKey,
    DescribeUsageRankList,
}

impl Action {
    const ALL: [Self; 17] = [
        Self::CreateApiKey,
        Self::DescribeApiKey,
        Self::DescribeApiKeyList,
        Self::ModifyApiKeyInfo,
        Self::ModifyApiKeyStatus,
        Self::DeleteApiKey,
        Self::DescribeModelList,
        Self::DescribeModelEndpointList,
        Self::DescribeEndpoint,
        Self::CreateTokenPlanApiKeys,
        Self::DescribeTokenPlanApiKeyList,
        Self::DescribeTokenPlanApiKey,
        Self::DescribeTokenPlanApiKeySecret,
        Self::ModifyTokenPlanApiKey,
        Self::ModifyTokenPlanApiKeySecret,
        Self::DeleteTokenPlanApiKey,
        Self::DescribeUsageRankList,
    ];

    /// Reads the name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|action| format!("{action:?}") == text)
    }

    /// What a caller has to be able to do.
    pub(crate) const fn capability(self) -> Capability {
        match self {
            Self::DescribeApiKeyList
            | Self::DescribeModelList
            | Self::DescribeModelEndpointList
            | Self::DescribeEndpoint
            | Self::DescribeTokenPlanApiKeyList
            | Self::DescribeTokenPlanApiKey
            | Self::DescribeUsageRankList => Capability::KeysRead,
            Self::DescribeApiKey | Self::DescribeTokenPlanApiKeySecret => Capability::KeysReveal,
            Self::CreateApiKey
            | Self::ModifyApiKeyInfo
            | Self::ModifyApiKeyStatus
            | Self::CreateTokenPlanApiKeys
            | Self::ModifyTokenPlanApiKey
            | Self::ModifyTokenPlanApiKeySecret => Capability::KeysWrite,
            Self::DeleteApiKey | Self::DeleteTokenPlanApiKey => Capability::KeysDelete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_other() {
        for (number, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(Action::parse(&format!("{action:?}")), Some(action));
            assert_eq!(action as usize, number);
        }
        for text in [
            "",
            "createApiKey",
            "CreateApiKey ",
            "CreateEndpoint",
            "DescribeTokenPlan",
        ] {
            assert_eq!(Action::parse(text), None, "{text}");
        }
    }
}

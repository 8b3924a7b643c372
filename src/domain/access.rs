//! Roles and what each may do. Asked in one place by pages, forms and the operator layer; deny by default.

use serde::{Deserialize, Serialize};

/// What a person is to the house. Everybody has exactly one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Triage of exceptions: stock, orders, connections' health.
    Operations,
    /// Money: signs days off.
    Finance,
    /// Catalogue: links and structure.
    Merchandising,
    /// One store's own page.
    Store,
    /// Connections, settings, people; may do everything.
    Admin,
    /// Sees, never changes.
    ReadOnly,
}

/// Something a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Today, Stock, SKU and the health of connections.
    SeeStock,
    /// Take a problem, give it back.
    OwnProblems,
    /// Make a connection read again now.
    ReadAgain,
    /// Pause or resume a connection.
    PauseConnection,
    /// Add or change a connection, its keys and its places.
    ManageConnections,
    /// Say which payment type, tax and register is whose twin.
    ManageMapping,
    /// Let a place be written to, or stop that.
    GoLive,
    /// Download lists.
    Export,
    /// Make and change accounts.
    ManagePeople,
}

impl Role {
    /// All roles, in the order in which people are offered them.
    pub const ALL: [Role; 6] =
        [Role::Operations, Role::Finance, Role::Merchandising, Role::Store, Role::Admin, Role::ReadOnly];

    /// Whether this role may do that.
    pub fn may(self, deed: Deed) -> bool {
        use Deed as D;
        match self {
            Role::Admin => true,
            Role::Operations => {
                matches!(
                    deed,
                    D::SeeStock
                        | D::OwnProblems
                        | D::ReadAgain
                        | D::PauseConnection
                        | D::ManageMapping
                        | D::Export
                        | D::GoLive
                )
            }
            Role::Finance => matches!(deed, D::SeeStock | D::OwnProblems | D::ManageMapping | D::Export),
            Role::Merchandising => matches!(deed, D::SeeStock | D::OwnProblems | D::Export),
            Role::Store | Role::ReadOnly => matches!(deed, D::SeeStock),
        }
    }

    /// The word in the database and in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Role::Operations => "operations",
            Role::Finance => "finance",
            Role::Merchandising => "merchandising",
            Role::Store => "store",
            Role::Admin => "admin",
            Role::ReadOnly => "read-only",
        }
    }

    /// The word on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Role::Operations => "Operations",
            Role::Finance => "Finance",
            Role::Merchandising => "Merchandising",
            Role::Store => "Store",
            Role::Admin => "Administrator",
            Role::ReadOnly => "Read only",
        }
    }

    /// From the word in the database.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_admins_manage_connections_and_people() {
        for role in Role::ALL {
            for deed in [Deed::ManageConnections, Deed::ManagePeople] {
                assert_eq!(role.may(deed), role == Role::Admin, "{role:?} {deed:?}");
            }
        }
    }

    #[test]
    fn readers_change_nothing() {
        for role in [Role::ReadOnly, Role::Store] {
            let deeds = [
                Deed::OwnProblems,
                Deed::ReadAgain,
                Deed::PauseConnection,
                Deed::ManageMapping,
                Deed::GoLive,
                Deed::Export,
            ];
            for deed in deeds {
                assert!(!role.may(deed), "{role:?} {deed:?}");
            }
        }
    }

    #[test]
    fn words_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
    }
}

//! The systems that can be connected: what they are, what opens them, and what somebody has to allow over there.

/// A vendor's system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// A web shop.
    Centra,
    /// A web shop; also Adobe Commerce.
    Magento,
    /// A till.
    LightspeedX,
    /// A till.
    LightspeedR,
}

/// Which side of the count a system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemSide {
    /// It sells on the web; we write counts into it.
    Shop,
    /// It sells at the counter; its counts are believed.
    Till,
}

/// How a system tells us of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// It sends notices, always signed.
    Signed,
    /// It sends notices, signed where it was connected as an application.
    MaybeSigned,
    /// It sends none: it is asked again and again.
    Nothing,
}

/// One thing that opens a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyField {
    /// Its name in forms and on the command line.
    pub name: &'static str,
    /// What people call it; the vendor's own word.
    pub label: &'static str,
    /// As the label of a field that may replace it.
    pub new_label: &'static str,
    /// Where it is found.
    pub hint: &'static str,
    /// Whether there may be none of it.
    pub optional: bool,
}

const fn key(name: &'static str, labels: [&'static str; 2], hint: &'static str, optional: bool) -> KeyField {
    let [label, new_label] = labels;
    KeyField { name, label, new_label, hint, optional }
}

const CENTRA_KEYS: &[KeyField] = &[key(
    "token",
    ["Access token", "New access token"],
    "Centra: System, API tokens, Integration API. Kept encrypted.",
    false,
)];

const LIGHTSPEED_X_KEYS: &[KeyField] =
    &[key("token", ["Access token", "New access token"], "Lightspeed: Setup, Personal tokens. Kept encrypted.", false)];

const MAGENTO_KEYS: &[KeyField] = &[
    key(
        "consumer_key",
        ["Consumer key", "New consumer key"],
        "Magento: System, Integrations, your integration. Every call is signed with the four.",
        true,
    ),
    key("consumer_secret", ["Consumer secret", "New consumer secret"], "", true),
    key(
        "token",
        ["Access token", "New access token"],
        "Alone it is enough only where the shop allows integration tokens as Bearer.",
        false,
    ),
    key("token_secret", ["Access token secret", "New access token secret"], "", true),
];

const LIGHTSPEED_R_KEYS: &[KeyField] = &[
    key(
        "client_id",
        ["Client id", "New client id"],
        "Lightspeed: the application that you registered for Truecount.",
        false,
    ),
    key("client_secret", ["Client secret", "New client secret"], "", false),
    key(
        "refresh_token",
        ["Refresh token", "New refresh token"],
        "It is exchanged for a new one at once, and again every hour: nobody else may use it.",
        false,
    ),
];

impl System {
    /// All of them: shops, then tills.
    pub const ALL: [System; 4] = [System::Centra, System::Magento, System::LightspeedX, System::LightspeedR];

    /// The word that is stored, typed and put into addresses.
    pub const fn word(self) -> &'static str {
        match self {
            System::Centra => "centra",
            System::Magento => "magento",
            System::LightspeedX => "lightspeed-x",
            System::LightspeedR => "lightspeed-r",
        }
    }

    /// Reads a stored or typed word.
    pub fn parse(word: &str) -> Option<System> {
        System::ALL.into_iter().find(|system| system.word() == word)
    }

    /// Its name on pages.
    pub const fn name(self) -> &'static str {
        match self {
            System::Centra => "Centra",
            System::Magento => "Magento / Adobe Commerce",
            System::LightspeedX => "Lightspeed X-Series",
            System::LightspeedR => "Lightspeed R-Series",
        }
    }

    /// Which side of the count it is.
    pub const fn side(self) -> SystemSide {
        match self {
            System::Centra | System::Magento => SystemSide::Shop,
            System::LightspeedX | System::LightspeedR => SystemSide::Till,
        }
    }

    /// How it tells us of changes.
    pub const fn tells(self) -> Tells {
        match self {
            System::Centra => Tells::Signed,
            System::LightspeedX => Tells::MaybeSigned,
            System::Magento | System::LightspeedR => Tells::Nothing,
        }
    }

    /// What opens it.
    pub const fn keys(self) -> &'static [KeyField] {
        match self {
            System::Centra => CENTRA_KEYS,
            System::Magento => MAGENTO_KEYS,
            System::LightspeedX => LIGHTSPEED_X_KEYS,
            System::LightspeedR => LIGHTSPEED_R_KEYS,
        }
    }

    /// How its address looks.
    pub const fn address_like(self) -> &'static str {
        match self {
            System::Centra => "https://brand.centra.com",
            System::Magento => "https://shop.example.com",
            System::LightspeedX => "https://brand.retail.lightspeed.app",
            System::LightspeedR => "https://api.lightspeedapp.com",
        }
    }

    /// What has to be allowed over there, in the vendor's own words.
    ///
    /// UNSURE: put together from the vendors' papers and tried against no account. Nobody publishes which of Centra's nested
    /// permissions a question needs, under which heads Magento's screen shows its resources, or the R-Series scope for
    /// shops. A test of the connection says what is really missing.
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            System::Centra => &[
                "Product:read",
                "ProductVariant:read",
                "ProductSize:read",
                "ProductSize.stock:read",
                "Warehouse:read",
                "Warehouse.stock:read",
                "StockChange:read",
                "StockChange:write",
                "Order:read",
                "Allocation:read",
                "Shipment:read",
            ],
            System::Magento => &[
                "Catalog › Products",
                "Stores › Inventory › Sources, Stocks, Source items",
                "Sales › Orders, Shipments, Credit Memos: view",
            ],
            System::LightspeedX => &[
                "products:read",
                "inventory:read",
                "sales:read",
                "outlets:read",
                "registers:read",
                "payment_types:read",
                "taxes:read",
            ],
            System::LightspeedR => &["employee:inventory_read", "employee:register_read", "employee:admin_shops"],
        }
    }
}

impl SystemSide {
    /// From the word that is stored or sent in forms.
    pub fn parse(word: &str) -> Option<SystemSide> {
        [SystemSide::Shop, SystemSide::Till].into_iter().find(|side| side.word() == word)
    }

    /// The word that is stored.
    pub const fn word(self) -> &'static str {
        match self {
            SystemSide::Shop => "shop",
            SystemSide::Till => "till",
        }
    }

    /// The word on pages.
    pub const fn name(self) -> &'static str {
        match self {
            SystemSide::Shop => "web shop",
            SystemSide::Till => "till",
        }
    }
}

/// A web shop and a till, as rehearsals and demonstrations play them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The web shop.
    pub shop: System,
    /// The till.
    pub till: System,
}

impl Pair {
    /// Every pair.
    pub const ALL: [Pair; 4] = [
        Pair { shop: System::Centra, till: System::LightspeedX },
        Pair { shop: System::Centra, till: System::LightspeedR },
        Pair { shop: System::Magento, till: System::LightspeedX },
        Pair { shop: System::Magento, till: System::LightspeedR },
    ];

    /// As it is typed: `magento+lightspeed-r`.
    pub fn word(self) -> String {
        format!("{}+{}", self.shop.word(), self.till.word())
    }

    /// Reads what was typed; the error names what could have been.
    pub fn parse(text: &str) -> Result<Pair, String> {
        let known = Pair::ALL.map(Pair::word);
        let found = Pair::ALL.into_iter().find(|pair| pair.word() == text.trim());
        found.ok_or_else(|| format!("there is no pair {text}; there are {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_system_is_read_back_from_its_word_and_can_be_opened() {
        let words: BTreeSet<_> = System::ALL.iter().map(|system| system.word()).collect();
        assert_eq!(words.len(), System::ALL.len());
        for system in System::ALL {
            assert_eq!(System::parse(system.word()), Some(system));
            assert!(system.keys().iter().any(|key| !key.optional), "{system:?}");
            assert!(!system.permissions().is_empty() && system.address_like().starts_with("https://"));
        }
        assert_eq!(System::parse("abacus"), None);
    }

    #[test]
    fn every_pair_is_a_shop_and_a_till_and_is_read_back() {
        for pair in Pair::ALL {
            assert_eq!((pair.shop.side(), pair.till.side()), (SystemSide::Shop, SystemSide::Till));
            assert_eq!(Pair::parse(&pair.word()), Ok(pair));
        }
        let said = Pair::parse("centra").unwrap_err();
        assert!(said.contains("magento+lightspeed-r"), "{said}");
    }
}

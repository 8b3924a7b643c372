//! Sources, stocks, and which source feeds which stock.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call, num};
use super::ledger::{DEFAULT_SOURCE, DEFAULT_STOCK};
use serde_json::{Map, Value, json};

/// A place that holds goods.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    pub(super) code: String,
    pub(super) enabled: bool,
    pub(super) pickup: bool,
    pub(super) frontend_name: String,
    pub(super) frontend_description: Option<String>,
    /// Everything else that was said of it, by its name on the wire.
    pub(super) about: Map<String, Value>,
}

/// A set of sources that sell together on websites.
#[derive(Debug, Clone)]
pub(super) struct Stock {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) websites: Vec<String>,
}

/// That a source feeds a stock. A lower priority comes first.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) stock: i64,
    pub(super) source: String,
    pub(super) priority: i64,
}

/// The map of the shop's places.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) sources: Vec<Source>,
    pub(super) stocks: Vec<Stock>,
    pub(super) links: Vec<Link>,
}

const SOURCE_FIELDS: [&str; 19] = [
    "source_code",
    "name",
    "email",
    "contact_name",
    "enabled",
    "description",
    "latitude",
    "longitude",
    "country_id",
    "region_id",
    "region",
    "city",
    "street",
    "postcode",
    "phone",
    "fax",
    "use_default_carrier_config",
    "carrier_links",
    "extension_attributes",
];

impl Places {
    /// What a fresh shop has.
    pub(super) fn fresh() -> Places {
        let mut about = Map::new();
        for (name, value) in [
            ("name", json!("Default Source")),
            ("description", json!("Default Source")),
            ("latitude", json!(0)),
            ("longitude", json!(0)),
            ("country_id", json!("US")),
            ("postcode", json!("00000")),
        ] {
            about.insert(name.to_owned(), value);
        }
        let source = Source { code: DEFAULT_SOURCE.to_owned(), enabled: true, about, ..Source::default() };
        let stock = Stock { id: DEFAULT_STOCK, name: "Default Stock".to_owned(), websites: vec!["base".to_owned()] };
        let link = Link { stock: DEFAULT_STOCK, source: DEFAULT_SOURCE.to_owned(), priority: 1 };
        Places { sources: vec![source], stocks: vec![stock], links: vec![link] }
    }

    pub(super) fn source(&self, code: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.code.eq_ignore_ascii_case(code))
    }

    /// The sources of a stock, first those that are taken from first.
    pub(super) fn feeding(&self, stock: i64) -> Vec<&Source> {
        let mut links: Vec<&Link> = self.links.iter().filter(|link| link.stock == stock).collect();
        links.sort_by_key(|link| link.priority);
        links.into_iter().filter_map(|link| self.source(&link.source)).collect()
    }
}

impl Source {
    fn show(&self) -> Value {
        let mut out = Map::new();
        out.insert("source_code".to_owned(), json!(self.code));
        out.extend(self.about.clone());
        out.insert("enabled".to_owned(), json!(self.enabled));
        out.insert("use_default_carrier_config".to_owned(), json!(true));
        out.insert("carrier_links".to_owned(), json!([]));
        let mut more = Map::new();
        more.insert("is_pickup_location_active".to_owned(), json!(self.pickup));
        more.insert("frontend_name".to_owned(), json!(self.frontend_name));
        if let Some(text) = &self.frontend_description {
            more.insert("frontend_description".to_owned(), json!(text));
        }
        out.insert("extension_attributes".to_owned(), Value::Object(more));
        Value::Object(out)
    }

    /// The source as a place where goods are fetched, which says less and says it elsewhere.
    pub(super) fn as_pickup(&self) -> Value {
        let mut out = self.about.clone();
        out.insert("pickup_location_code".to_owned(), json!(self.code));
        out.insert("name".to_owned(), json!(self.frontend_name));
        if let Some(text) = &self.frontend_description {
            out.insert("description".to_owned(), json!(text));
        }
        Value::Object(out)
    }

    /// Takes over what was sent; fields that were not sent stay.
    fn change(&mut self, given: &Value) {
        for name in SOURCE_FIELDS {
            let outside =
                ["source_code", "enabled", "use_default_carrier_config", "carrier_links", "extension_attributes"];
            if let Some(value) = given.get(name).filter(|v| !outside.contains(&name) && !v.is_null()) {
                let value = if matches!(name, "latitude" | "longitude") {
                    input::decimal(value).map_or(Value::Null, num)
                } else {
                    value.clone()
                };
                self.about.insert(name.to_owned(), value);
            }
        }
        self.enabled = input::flag(given, "enabled").unwrap_or(self.enabled);
        let more = given.get("extension_attributes").unwrap_or(&Value::Null);
        self.pickup = input::flag(more, "is_pickup_location_active").unwrap_or(self.pickup);
        let name = input::words(more, "frontend_name").or_else(|| input::words(given, "name"));
        self.frontend_name = name.unwrap_or_else(|| std::mem::take(&mut self.frontend_name));
        self.frontend_description = input::words(more, "frontend_description");
    }
}

impl Stock {
    fn show(&self) -> Value {
        let channel = |code: &String| json!({"type": "website", "code": code});
        let channels: Vec<Value> = self.websites.iter().map(channel).collect();
        json!({"stock_id": self.id, "name": self.name, "extension_attributes": {"sales_channels": channels}})
    }
}

impl Account {
    /// Adds a place that holds goods, or changes one. `pickup` makes it a place where goods are fetched.
    pub fn add_source(&mut self, code: &str, name: &str, pickup: bool) {
        let given = json!({
            "name": name, "enabled": true, "country_id": "SE", "postcode": "21122",
            "extension_attributes": {"is_pickup_location_active": pickup, "frontend_name": name},
        });
        self.put_source(code, &given);
    }

    /// Switches a source on or off. The index follows with the next [`Account::reindex`].
    pub fn enable_source(&mut self, code: &str, enabled: bool) {
        let found = self.places.sources.iter_mut().find(|source| source.code.eq_ignore_ascii_case(code));
        if let Some(source) = found {
            source.enabled = enabled;
        }
    }

    /// Adds a stock of these sources, in the order in which they are taken from, that sells on a website.
    pub fn add_stock(&mut self, name: &str, website: &str, sources: &[&str]) -> i64 {
        let id = self.put_stock(None, name, vec![website.to_owned()]);
        for (at, source) in sources.iter().enumerate() {
            let priority = i64::try_from(at + 1).unwrap_or(i64::MAX);
            self.places.links.push(Link { stock: id, source: (*source).to_owned(), priority });
        }
        self.reindex();
        id
    }

    /// The sources of a stock: first those that are taken from first.
    pub fn stock_sources(&self, stock: i64) -> Vec<String> {
        self.places.feeding(stock).iter().map(|source| source.code.clone()).collect()
    }

    /// The stock that sells on the shop's website.
    pub fn stock_of_website(&self) -> i64 {
        self.stock_selling_on("base").unwrap_or(DEFAULT_STOCK)
    }

    pub(super) fn stock_selling_on(&self, website: &str) -> Option<i64> {
        self.places.stocks.iter().find(|stock| stock.websites.iter().any(|code| code == website)).map(|s| s.id)
    }

    /// Whether a source counts for a stock.
    pub(super) fn sells(&self, stock: i64, source: &str) -> bool {
        self.places.feeding(stock).iter().any(|found| found.enabled && found.code.eq_ignore_ascii_case(source))
    }

    fn put_source(&mut self, code: &str, given: &Value) {
        if self.places.source(code).is_none() {
            self.places.sources.push(Source { code: code.to_owned(), enabled: true, ..Source::default() });
            self.places.sources.sort_by(|a, b| a.code.cmp(&b.code));
        }
        let found = self.places.sources.iter_mut().find(|source| source.code.eq_ignore_ascii_case(code));
        if let Some(source) = found {
            source.change(given);
        }
    }

    fn put_stock(&mut self, id: Option<i64>, name: &str, websites: Vec<String>) -> i64 {
        for stock in &mut self.places.stocks {
            // A website belongs to one stock: the last that claims it.
            stock.websites.retain(|code| !websites.contains(code));
        }
        let last = self.places.stocks.iter().map(|stock| stock.id).max().unwrap_or(0);
        let id = id.unwrap_or(last + 1);
        self.places.stocks.retain(|stock| stock.id != id);
        self.places.stocks.push(Stock { id, name: name.to_owned(), websites });
        self.places.stocks.sort_by_key(|stock| stock.id);
        id
    }

    pub(super) fn list_sources(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, false, &self.switches)?;
        let cell = |source: &&Source, name: &str| match name {
            "source_code" => Some(Cell::Text(source.code.clone())),
            "enabled" => Some(Cell::int(i64::from(source.enabled))),
            name if SOURCE_FIELDS.contains(&name) => Some(Cell::text(source.about.get(name).and_then(Value::as_str))),
            _ => None,
        };
        asked.answer(self.places.sources.iter(), cell, |_| Wrong::internal(), |s| s.show(), &self.switches)
    }

    pub(super) fn get_source(&mut self, call: &Call) -> Said {
        let code = call.param("sourceCode");
        let wrong = || {
            let text = "Source with code \"%value\" does not exist.";
            Wrong::missing(text).with(json!({"value": code}))
        };
        self.places.source(code).map(Source::show).ok_or_else(wrong)
    }

    /// `POST` with a known code overwrites, `PUT` with an unknown one creates: both are one thing.
    pub(super) fn save_source(&mut self, call: &Call) -> Said {
        let given = call.need("source")?.clone();
        input::only(&given, &SOURCE_FIELDS)?;
        let code = match call.param("sourceCode") {
            "" => input::words(&given, "source_code").unwrap_or_default(),
            code => code.to_owned(),
        };
        let known = self.places.source(&code);
        let filled = |name: &str| {
            let sent = input::words(&given, name).is_some_and(|text| !text.trim().is_empty());
            sent || known.is_some_and(|source| source.about.contains_key(name))
        };
        let mut errors = Vec::new();
        let mut complain =
            |text: &str, field: &str| errors.push(json!({"message": text, "parameters": {"field": field}}));
        let empty = "\"%field\" can not be empty.";
        if !filled("name") {
            complain(empty, "name");
        }
        if code.is_empty() {
            complain(empty, "source_code");
        } else if code.contains(char::is_whitespace) {
            complain("\"%field\" can not contain whitespaces.", "source_code");
        }
        if !filled("postcode") {
            complain(empty, "postcode");
        }
        if !filled("country_id") {
            complain(empty, "country_id");
        }
        if !errors.is_empty() {
            return Err(Wrong::bad("Validation Failed").listing(errors));
        }
        self.put_source(&code, &given);
        Ok(json!([]))
    }

    pub(super) fn list_stocks(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, false, &self.switches)?;
        let cell = |stock: &&Stock, name: &str| match name {
            "stock_id" => Some(Cell::int(stock.id)),
            "name" => Some(Cell::Text(stock.name.clone())),
            _ => None,
        };
        asked.answer(self.places.stocks.iter(), cell, |_| Wrong::internal(), |s| s.show(), &self.switches)
    }

    pub(super) fn get_stock(&mut self, call: &Call) -> Said {
        let id = call.id("stockId")?;
        let text = "Stock with id \"%value\" does not exist.";
        let wrong = || Wrong::missing(text).with(json!({"value": id}));
        self.places.stocks.iter().find(|stock| stock.id == id).map(Stock::show).ok_or_else(wrong)
    }

    pub(super) fn save_stock(&mut self, call: &Call) -> Said {
        let given = call.need("stock")?.clone();
        input::only(&given, &["stock_id", "name", "extension_attributes"])?;
        let id = if call.param("stockId").is_empty() { None } else { Some(call.id("stockId")?) };
        let name = input::words(&given, "name").unwrap_or_default();
        if name.is_empty() {
            let error = json!({"message": "\"%field\" can not be empty.", "parameters": {"field": "name"}});
            return Err(Wrong::bad("Validation Failed").listing(vec![error]));
        }
        let channels = given.pointer("/extension_attributes/sales_channels").cloned().unwrap_or(Value::Null);
        let websites = input::list(&channels)?.iter().filter_map(|c| input::words(c, "code")).collect();
        Ok(Value::from(self.put_stock(id, &name, websites)))
    }

    pub(super) fn stock_resolver(&mut self, call: &Call) -> Said {
        let found = self.stock_selling_on(call.param("code"));
        let stock = self.places.stocks.iter().find(|stock| Some(stock.id) == found);
        stock.map(Stock::show).ok_or_else(|| Wrong::missing("No linked stock found"))
    }

    pub(super) fn list_links(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |link: &&Link, name: &str| match name {
            "stock_id" => Some(Cell::int(link.stock)),
            "source_code" => Some(Cell::Text(link.source.clone())),
            "priority" => Some(Cell::int(link.priority)),
            _ => None,
        };
        let show =
            |link: &&Link| json!({"stock_id": link.stock, "source_code": link.source, "priority": link.priority});
        asked.answer(self.places.links.iter(), cell, |_| Wrong::internal(), show, &self.switches)
    }

    pub(super) fn sources_by_priority(&mut self, call: &Call) -> Said {
        let stock = call.id("stockId")?;
        Ok(self.places.feeding(stock).into_iter().map(Source::show).collect())
    }

    fn read_links(call: &Call) -> Result<Vec<Link>, Wrong> {
        let mut links = Vec::new();
        for given in input::list(call.need("links")?)? {
            input::only(&given, &["stock_id", "source_code", "priority", "extension_attributes"])?;
            links.push(Link {
                stock: input::int(&given, "stock_id")?.unwrap_or(0),
                source: input::words(&given, "source_code").unwrap_or_default(),
                priority: input::int(&given, "priority")?.unwrap_or(0),
            });
        }
        Ok(links)
    }

    /// The default stock and the default source go with each other and with nobody else. The index waits for cron.
    pub(super) fn save_links(&mut self, call: &Call) -> Said {
        let links = Account::read_links(call)?;
        let wild = |link: &Link| (link.stock == DEFAULT_STOCK) != (link.source == DEFAULT_SOURCE);
        if links.iter().any(wild) {
            let text = "Can not save link related to Default Source or Default Stock";
            return Err(Wrong::bad("Validation Failed").listing(vec![json!({"message": text, "parameters": []})]));
        }
        for link in links {
            self.unlink(&link);
            self.places.links.push(link);
        }
        Ok(json!([]))
    }

    pub(super) fn delete_links(&mut self, call: &Call) -> Said {
        for link in Account::read_links(call)? {
            self.unlink(&link);
        }
        Ok(json!([]))
    }

    fn unlink(&mut self, gone: &Link) {
        self.places.links.retain(|l| l.stock != gone.stock || !l.source.eq_ignore_ascii_case(&gone.source));
    }
}

//! What a batch has to know before it can be applied, asked for in one trip.
//!
//! More is asked for than may be needed (a repeat needs nothing): one wide question costs less than two trips.

use super::apply::{Incoming, Origin};
use crate::domain::count::TillCount;
use crate::domain::fact::Fact;
use crate::store::feeds::Marks;
use crate::store::ledger::Shelf;
use crate::store::listings::Known;
use crate::store::sales::SaleHead;
use crate::store::script::{Done, Statement};
use crate::store::{Dialect, StoreError, Tx, feeds, ledger, listings, sales};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What some facts name.
#[derive(Default)]
pub(super) struct Named<'a> {
    products: BTreeSet<&'a str>,
    documents: BTreeSet<&'a str>,
    shelves: BTreeSet<(&'a str, &'a str)>,
    /// Whether one of them changes what the others ask for, so that it must be written first.
    pub first: bool,
}

impl<'a> Named<'a> {
    /// What these facts name.
    pub fn by(facts: impl IntoIterator<Item = &'a Fact>) -> Self {
        let mut named = Self::default();
        for fact in facts {
            match fact {
                Fact::Sale(sale) => {
                    named.documents.insert(sale.document.as_str());
                    named.documents.extend(sale.return_for.as_ref().map(|document| document.as_str()));
                    for line in &sale.lines {
                        named.products.insert(line.product.as_str());
                        named.shelves.insert((line.product.as_str(), sale.outlet.as_str()));
                    }
                }
                Fact::TillReading(reading) => {
                    named.products.insert(reading.product.as_str());
                    named.shelves.insert((reading.product.as_str(), reading.outlet.as_str()));
                }
                Fact::Listing(_) | Fact::Order(_) => named.first = true,
                Fact::Hint(_) | Fact::Noted { .. } => {}
            }
        }
        named
    }

    /// What these records name.
    pub fn by_records(incoming: &[&'a Incoming]) -> Self {
        Self::by(incoming.iter().filter_map(|i| i.facts.as_ref().ok()).flatten())
    }

    /// The questions; their answers are for [`Books::read`].
    pub fn questions(&self, dialect: Dialect, origin: Origin<'_>) -> Vec<Statement> {
        let connection = origin.connection;
        let mut questions = Vec::new();
        if !self.products.is_empty() {
            questions.push(listings::ask_known(dialect, connection, self.products.iter().copied()));
            questions.push(feeds::ask_marks(connection, "stock"));
            questions.push(ledger::ask_counts(dialect, connection, self.shelves.iter().copied()));
            questions.push(ledger::ask_doubtful(connection));
        }
        if !self.documents.is_empty() {
            questions.push(sales::ask_heads(dialect, connection, self.documents.iter().copied()));
            questions.push(ledger::ask_holds_waiting_for(dialect, connection, self.documents.iter().copied()));
        }
        questions
    }

    /// Asks now.
    pub async fn ask(&self, tx: &mut Tx, origin: Origin<'_>) -> Result<Books, StoreError> {
        let questions = self.questions(tx.dialect(), origin);
        if questions.is_empty() {
            return Ok(Books::default());
        }
        let answers = tx.ask(questions).await?;
        Books::read(self, &answers)
    }
}

/// What the database knows of what a batch names.
#[derive(Default)]
pub(super) struct Books {
    /// Listings by product.
    pub known: HashMap<String, Known>,
    /// How far the till's stock feed has been read, and where our books begin.
    pub marks: Marks,
    /// Documents known before.
    pub heads: HashMap<String, SaleHead>,
    /// Whether a return waits for one of the documents.
    pub awaited: bool,
    /// Shelves of which a newer reading lies parked.
    pub doubtful: HashSet<Shelf>,
    counts: HashMap<Shelf, TillCount>,
    counted: BTreeSet<Shelf>,
}

impl Books {
    /// Reads the answers to the questions of `named`.
    pub fn read(named: &Named<'_>, answers: &[Done]) -> Result<Self, StoreError> {
        let mut books = Self::default();
        let mut answers = answers.iter();
        let none = Done::default();
        let mut next = || answers.next().unwrap_or(&none);
        if !named.products.is_empty() {
            books.known = listings::known_from(next())?;
            books.marks = feeds::marks_from(next())?;
            books.counts = ledger::counts_from(next())?;
            books.doubtful = ledger::doubtful_from(next())?;
            books.counted = named.shelves.iter().map(|(p, o)| ((*p).to_owned(), (*o).to_owned())).collect();
        }
        if !named.documents.is_empty() {
            books.heads = sales::heads_from(next())?;
            books.awaited = !ledger::holds_waiting_for_from(next())?.is_empty();
        }
        Ok(books)
    }

    /// The counts of these shelves. Those that nobody named (a corrected document had its goods elsewhere) are asked
    /// for now.
    pub async fn counts(
        &mut self,
        tx: &mut Tx,
        origin: Origin<'_>,
        shelves: &BTreeSet<Shelf>,
    ) -> Result<HashMap<Shelf, TillCount>, StoreError> {
        let mut counts = std::mem::take(&mut self.counts);
        counts.retain(|shelf, _| shelves.contains(shelf));
        let unnamed: Vec<Shelf> = shelves.iter().filter(|shelf| !self.counted.contains(*shelf)).cloned().collect();
        if !unnamed.is_empty() {
            counts.extend(ledger::counts(tx, origin.connection, &unnamed).await?);
        }
        Ok(counts)
    }
}

//! Questions to the readers: one by itself, or many in one trip.
//!
//! Asking costs the waking of the database's thread or process, and a reader that is taken and given back. Who wants to
//! know many things at once therefore writes all of them down first, and asks once.

use super::script::{self, Done, Statement};
use super::{Store, StoreError, Tx};
use sqlx::any::AnyRow;

/// A question, with what makes its answer of the rows.
#[derive(Debug)]
pub struct Question<T> {
    statement: Statement,
    read: fn(&[AnyRow]) -> Result<T, sqlx::Error>,
}

impl<T> Question<T> {
    /// A statement that only reads.
    pub(super) fn new(statement: Statement, read: fn(&[AnyRow]) -> Result<T, sqlx::Error>) -> Self {
        Self { statement, read }
    }

    /// Asks it inside a unit of work, which sees what it has written itself.
    pub async fn within(self, tx: &mut Tx) -> Result<T, StoreError> {
        let at = self.statement.at();
        let rows = tx.rows(self.statement).await?;
        (self.read)(&rows).map_err(StoreError::at(at))
    }

    /// Asks it alone.
    pub async fn ask(self, store: &Store) -> Result<T, StoreError> {
        let mut questions = Questions::default();
        let slot = questions.add(self);
        questions.ask(store).await?.take(slot)
    }
}

/// Questions that go together.
#[derive(Debug, Default)]
pub struct Questions {
    statements: Vec<Statement>,
}

/// Where the answer to one of them will be.
#[derive(Debug)]
pub struct Slot<T> {
    number: usize,
    at: &'static str,
    read: fn(&[AnyRow]) -> Result<T, sqlx::Error>,
}

impl Questions {
    /// Writes a question down.
    pub fn add<T>(&mut self, question: Question<T>) -> Slot<T> {
        let slot = Slot { number: self.statements.len(), at: question.statement.at(), read: question.read };
        self.statements.push(question.statement);
        slot
    }

    /// Asks all of them, in their order. Each sees what is committed when its turn comes.
    pub async fn ask(self, store: &Store) -> Result<Answers, StoreError> {
        let mut reader = store.read().acquire().await.map_err(StoreError::at("waiting for a reader"))?;
        let answers = script::run(&mut reader, store.dialect(), self.statements).await?;
        Ok(Answers { answers })
    }
}

/// What was answered.
pub struct Answers {
    answers: Vec<Done>,
}

impl Answers {
    /// The answer to one question; it must be one of those that were asked together.
    pub fn take<T>(&self, slot: Slot<T>) -> Result<T, StoreError> {
        let rows = self.answers.get(slot.number).map_or(&[][..], |done| done.rows.as_slice());
        (slot.read)(rows).map_err(StoreError::at(slot.at))
    }
}

/// All rows, each made into something.
pub(super) fn each<T>(rows: &[AnyRow], one: impl Fn(&AnyRow) -> Result<T, sqlx::Error>) -> Result<Vec<T>, sqlx::Error> {
    rows.iter().map(one).collect()
}

/// The first row of a question that always has one.
pub(super) fn first(rows: &[AnyRow]) -> Result<&AnyRow, sqlx::Error> {
    rows.first().ok_or(sqlx::Error::RowNotFound)
}

//! A small honest GraphQL reader: operations, variables, fields, aliases, arguments, inline and named fragments.
//! Directives, subscriptions and block strings are not spoken here and are refused as syntax errors.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Deeper selections are refused; nobody asks like that in good faith.
const DEEPEST: usize = 20;

/// An argument before variables are put in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    Variable(String),
    Literal(Value),
    List(Vec<Argument>),
    Object(Vec<(String, Argument)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    Field(Field),
    /// Type condition, if any, and what is selected on it.
    Inline(Option<String>, Vec<Selection>),
    Spread(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Vec<(String, Argument)>,
    pub selection: Vec<Selection>,
    pub line: usize,
    pub column: usize,
}

impl Field {
    /// The key of the answer.
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variable {
    pub name: String,
    pub required: bool,
    pub default: Option<Argument>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    pub mutation: bool,
    pub name: Option<String>,
    pub variables: Vec<Variable>,
    pub selection: Vec<Selection>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Document {
    pub operations: Vec<Operation>,
    pub fragments: BTreeMap<String, Vec<Selection>>,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub message: String,
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Number(String),
    Text(String),
    Mark(char),
    Spread,
    End,
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    column: usize,
    token: Token,
    token_line: usize,
    token_column: usize,
}

/// Reads a whole document.
pub(super) fn document(text: &str) -> Result<Document, Wrong> {
    let mut reader =
        Reader { rest: text.chars().peekable(), line: 1, column: 1, token: Token::End, token_line: 1, token_column: 1 };
    reader.advance()?;
    let mut document = Document::default();
    while reader.token != Token::End {
        match &reader.token {
            Token::Mark('{') => {
                let selection = reader.selection(0)?;
                document.operations.push(Operation { mutation: false, name: None, variables: Vec::new(), selection });
            }
            Token::Name(word) if word == "query" || word == "mutation" => {
                let mutation = word == "mutation";
                reader.advance()?;
                document.operations.push(reader.operation(mutation)?);
            }
            Token::Name(word) if word == "fragment" => {
                reader.advance()?;
                let name = reader.name()?;
                reader.word("on")?;
                let on = reader.name()?;
                let selection = reader.selection(0)?;
                document.fragments.insert(name, vec![Selection::Inline(Some(on), selection)]);
            }
            _ => return Err(reader.unexpected()),
        }
    }
    if document.operations.is_empty() {
        return Err(Wrong { message: "Syntax Error: the document has no operation".into(), line: 1, column: 1 });
    }
    Ok(document)
}

impl Reader<'_> {
    fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), line: self.token_line, column: self.token_column }
    }

    fn unexpected(&self) -> Wrong {
        let what = match &self.token {
            Token::Name(word) => format!("Name \"{word}\""),
            Token::Number(number) => format!("Number {number}"),
            Token::Text(_) => "String".into(),
            Token::Mark(mark) => mark.to_string(),
            Token::Spread => "...".into(),
            Token::End => "<EOF>".into(),
        };
        self.wrong(format!("Syntax Error: Unexpected {what}"))
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn advance(&mut self) -> Result<(), Wrong> {
        loop {
            match self.rest.peek() {
                Some(c) if c.is_whitespace() || *c == ',' || *c == '\u{feff}' => {
                    self.next_char();
                }
                Some('#') => while self.next_char().is_some_and(|c| c != '\n') {},
                _ => break,
            }
        }
        (self.token_line, self.token_column) = (self.line, self.column);
        self.token = match self.next_char() {
            None => Token::End,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                Token::Name(self.take_while(c, |c| c.is_ascii_alphanumeric() || c == '_'))
            }
            Some(c) if c.is_ascii_digit() || c == '-' => {
                Token::Number(self.take_while(c, |c| c.is_ascii_digit() || "+-.eE".contains(c)))
            }
            Some('"') => Token::Text(self.text()?),
            Some('.') => {
                if self.next_char() == Some('.') && self.next_char() == Some('.') {
                    Token::Spread
                } else {
                    return Err(self.wrong("Syntax Error: Unexpected ."));
                }
            }
            Some(c) if "{}()[]:!$=".contains(c) => Token::Mark(c),
            Some(c) => return Err(self.wrong(format!("Syntax Error: Unexpected character {c:?}"))),
        };
        Ok(())
    }

    fn take_while(&mut self, first: char, wanted: impl Fn(char) -> bool) -> String {
        let mut word = String::from(first);
        while let Some(c) = self.rest.peek().copied().filter(|c| wanted(*c)) {
            word.push(c);
            self.next_char();
        }
        word
    }

    fn text(&mut self) -> Result<String, Wrong> {
        // JSON and GraphQL agree on the escapes of a one-line string.
        let mut raw = String::from("\"");
        loop {
            match self.next_char() {
                Some('"') => break,
                Some('\\') => {
                    raw.push('\\');
                    raw.extend(self.next_char());
                }
                Some('\n') | None => return Err(self.wrong("Syntax Error: Unterminated string")),
                Some(c) => raw.push(c),
            }
        }
        raw.push('"');
        serde_json::from_str(&raw).map_err(|_| self.wrong("Syntax Error: Bad escape in a string"))
    }

    fn is(&self, mark: char) -> bool {
        self.token == Token::Mark(mark)
    }

    fn mark(&mut self, mark: char) -> Result<(), Wrong> {
        if self.is(mark) { self.advance() } else { Err(self.unexpected()) }
    }

    fn word(&mut self, word: &str) -> Result<(), Wrong> {
        if self.token == Token::Name(word.into()) { self.advance() } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String, Wrong> {
        match &self.token {
            Token::Name(name) => {
                let name = name.clone();
                self.advance()?;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn operation(&mut self, mutation: bool) -> Result<Operation, Wrong> {
        let name = if matches!(self.token, Token::Name(_)) { Some(self.name()?) } else { None };
        let mut variables = Vec::new();
        if self.is('(') {
            self.advance()?;
            while !self.is(')') {
                self.mark('$')?;
                let name = self.name()?;
                self.mark(':')?;
                let required = self.variable_type()?;
                let default = if self.is('=') {
                    self.advance()?;
                    Some(self.argument()?)
                } else {
                    None
                };
                variables.push(Variable { name, required, default });
            }
            self.advance()?;
        }
        Ok(Operation { mutation, name, variables, selection: self.selection(0)? })
    }

    /// Whether a value must be given.
    fn variable_type(&mut self) -> Result<bool, Wrong> {
        if self.is('[') {
            self.advance()?;
            self.variable_type()?;
            self.mark(']')?;
        } else {
            self.name()?;
        }
        let required = self.is('!');
        if required {
            self.advance()?;
        }
        Ok(required)
    }

    fn selection(&mut self, depth: usize) -> Result<Vec<Selection>, Wrong> {
        if depth > DEEPEST {
            return Err(self.wrong("The query is nested too deeply"));
        }
        self.mark('{')?;
        let mut list = Vec::new();
        while !self.is('}') {
            if self.token == Token::Spread {
                self.advance()?;
                list.push(match &self.token {
                    Token::Name(word) if word == "on" => {
                        self.advance()?;
                        let on = self.name()?;
                        Selection::Inline(Some(on), self.selection(depth + 1)?)
                    }
                    Token::Name(_) => Selection::Spread(self.name()?),
                    _ => Selection::Inline(None, self.selection(depth + 1)?),
                });
            } else {
                list.push(Selection::Field(self.field(depth)?));
            }
        }
        if list.is_empty() {
            return Err(self.unexpected());
        }
        self.advance()?;
        Ok(list)
    }

    fn field(&mut self, depth: usize) -> Result<Field, Wrong> {
        let (line, column) = (self.token_line, self.token_column);
        let mut name = self.name()?;
        let mut alias = None;
        if self.is(':') {
            self.advance()?;
            alias = Some(std::mem::replace(&mut name, self.name()?));
        }
        let mut arguments = Vec::new();
        if self.is('(') {
            self.advance()?;
            while !self.is(')') {
                let argument = self.name()?;
                self.mark(':')?;
                arguments.push((argument, self.argument()?));
            }
            self.advance()?;
        }
        let selection = if self.is('{') { self.selection(depth + 1)? } else { Vec::new() };
        Ok(Field { alias, name, arguments, selection, line, column })
    }

    fn argument(&mut self) -> Result<Argument, Wrong> {
        let argument = match &self.token {
            Token::Mark('$') => {
                self.advance()?;
                return Ok(Argument::Variable(self.name()?));
            }
            Token::Mark('[') => {
                self.advance()?;
                let mut list = Vec::new();
                while !self.is(']') {
                    list.push(self.argument()?);
                }
                Argument::List(list)
            }
            Token::Mark('{') => {
                self.advance()?;
                let mut fields = Vec::new();
                while !self.is('}') {
                    let name = self.name()?;
                    self.mark(':')?;
                    fields.push((name, self.argument()?));
                }
                Argument::Object(fields)
            }
            Token::Name(word) => Argument::Literal(match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                // An enumeration's member; variables carry it as text, so both look the same from here on.
                _ => Value::String(word.clone()),
            }),
            Token::Text(text) => Argument::Literal(Value::String(text.clone())),
            Token::Number(number) => Argument::Literal(
                serde_json::from_str::<serde_json::Number>(number)
                    .map(Value::Number)
                    .map_err(|_| self.wrong(format!("Syntax Error: Invalid number {number}")))?,
            ),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(argument)
    }
}

impl Argument {
    /// The value, with variables put in; an absent optional variable leaves its place empty.
    pub fn value(&self, variables: &Map<String, Value>) -> Option<Value> {
        match self {
            Argument::Variable(name) => variables.get(name).cloned(),
            Argument::Literal(value) => Some(value.clone()),
            Argument::List(list) => {
                Some(Value::Array(list.iter().map(|a| a.value(variables).unwrap_or(Value::Null)).collect()))
            }
            Argument::Object(fields) => Some(Value::Object(
                fields.iter().filter_map(|(name, a)| Some((name.clone(), a.value(variables)?))).collect(),
            )),
        }
    }

    /// Names of the variables in it.
    pub fn variables<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Argument::Variable(name) => names.push(name),
            Argument::Literal(_) => {}
            Argument::List(list) => list.iter().for_each(|a| a.variables(names)),
            Argument::Object(fields) => fields.iter().for_each(|(_, a)| a.variables(names)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn only_field(text: &str) -> Field {
        match document(text).expect(text).operations.remove(0).selection.remove(0) {
            Selection::Field(field) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arguments_of_every_kind_become_values() {
        let variables = json!({"n": 7, "ids": [1, 2]});
        let variables = variables.as_object().expect("an object");
        for (text, want) in [
            ("{a(x:1)}", json!(1)),
            ("{a(x:-1.5e2)}", json!(-150.0)),
            ("{a(x:\"q\\\"uo\\u00e9\")}", json!("q\"uoé")),
            ("{a(x:true)}", json!(true)),
            ("{a(x:null)}", json!(null)),
            ("{a(x:DIRECT_TO_CONSUMER)}", json!("DIRECT_TO_CONSUMER")),
            ("{a(x:[1,2 3])}", json!([1, 2, 3])),
            ("{a(x:{b:{c:[$n]},d:ASC})}", json!({"b": {"c": [7]}, "d": "ASC"})),
            ("query Q($ids:[Int!]!){a(x:$ids)}", json!([1, 2])),
            ("{a(x:{gone:$gone, kept:1})}", json!({"kept": 1})),
        ] {
            assert_eq!(only_field(text).arguments[0].1.value(variables), Some(want), "{text}");
        }
    }

    #[test]
    fn shapes_of_documents_are_understood() {
        let text =
            "# a comment\nmutation M($i: StockSetInput!, $n: Int = 3) { setStock(input: $i) { stockChanges { id } } }";
        let read = document(text).expect("reads");
        let operation = &read.operations[0];
        assert!(operation.mutation);
        assert_eq!(operation.name.as_deref(), Some("M"));
        assert_eq!(operation.variables.iter().map(|v| v.required).collect::<Vec<_>>(), [true, false]);
        let aliased = only_field("{ mine: warehouses(limit: 2) { id ... on X { y } ...F } } fragment F on X { z }");
        assert_eq!((aliased.key(), aliased.name.as_str(), aliased.selection.len()), ("mine", "warehouses", 3));
        assert!(matches!(&aliased.selection[1], Selection::Inline(Some(on), _) if on == "X"));
        assert_eq!(aliased.selection[2], Selection::Spread("F".into()));
    }

    #[test]
    fn what_is_no_graphql_is_refused_with_its_place() {
        for (text, line, column) in [
            ("", 1, 1),
            ("{", 1, 2),
            ("{}", 1, 2),
            ("{a(x:)}", 1, 6),
            ("{a\n  b(", 2, 5),
            ("{a @include(if:true)}", 1, 4),
            ("subscription{a}", 1, 1),
            ("{a(x:\"open)}", 1, 6),
            ("{a(x:1.)}", 1, 6),
        ] {
            let wrong = document(text).expect_err(text);
            assert_eq!((wrong.line, wrong.column), (line, column), "{text}: {}", wrong.message);
        }
    }
}

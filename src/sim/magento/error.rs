//! How a request is refused: texts that keep their placeholders, parameters beside them, and faults that are no
//! JSON.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

/// What a service answers: the value that is printed, or the refusal.
pub(super) type Said = Result<Value, Wrong>;

/// A refusal. Boxed inside, because it is rare and long.
#[derive(Debug)]
pub(super) struct Wrong(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    message: String,
    parameters: Option<Value>,
    errors: Vec<Value>,
    shape: Shape,
}

#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Json,
    Text,
    Html,
}

impl Wrong {
    /// A refusal with this status and text.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Wrong {
        let inner = Inner { status, message: message.into(), parameters: None, errors: Vec::new(), shape: Shape::Json };
        Wrong(Box::new(inner))
    }

    /// 400, which stands for every business error.
    pub(super) fn bad(message: impl Into<String>) -> Wrong {
        Wrong::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401.
    pub(super) fn unauthorized(message: impl Into<String>) -> Wrong {
        Wrong::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 404.
    pub(super) fn missing(message: impl Into<String>) -> Wrong {
        Wrong::new(StatusCode::NOT_FOUND, message)
    }

    /// 404 with the text that orders, invoices, shipments and memos share.
    pub(super) fn no_entity() -> Wrong {
        Wrong::missing("The entity that was requested doesn't exist. Verify the entity and try again.")
    }

    /// 400: a parameter of the service, or a field that must stand, is absent.
    pub(super) fn required(name: &str) -> Wrong {
        Wrong::bad("\"%fieldName\" is required. Enter and try again.").with(json!({"fieldName": name}))
    }

    /// An error inside the service that PHP does not survive: 500 in plain text.
    pub(super) fn fatal() -> Wrong {
        let text = "An error has happened during application run. See exception log for details.\n";
        let mut wrong = Wrong::new(StatusCode::INTERNAL_SERVER_ERROR, text);
        wrong.0.shape = Shape::Text;
        wrong
    }

    /// 500 in JSON, which names a report that only the shop can read.
    pub(super) fn internal() -> Wrong {
        let text = "Internal Error. Details are available in Magento log file. Report ID: webapi-0000000000000";
        Wrong::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// A page for people, which says nothing that a program could read.
    pub(super) fn page(status: StatusCode, title: &str, text: &str) -> Wrong {
        let html = format!(
            "<!doctype html>\n<html><head><title>{title}</title></head>\n<body><h1>{text}</h1></body>\n</html>\n"
        );
        let mut wrong = Wrong::new(status, html);
        wrong.0.shape = Shape::Html;
        wrong
    }

    /// The same refusal with parameters for its placeholders.
    pub(super) fn with(mut self, parameters: Value) -> Wrong {
        self.0.parameters = Some(parameters);
        self
    }

    /// The same refusal with the single errors that it sums up.
    pub(super) fn listing(mut self, errors: Vec<Value>) -> Wrong {
        self.0.errors = errors;
        self
    }

    /// The text as a log would print it, with the parameters put in.
    pub(super) fn spoken(&self) -> String {
        let mut text = self.0.message.clone();
        match &self.0.parameters {
            Some(Value::Array(list)) => {
                for (at, value) in list.iter().enumerate() {
                    text = text.replace(&format!("%{}", at + 1), &bare(value));
                }
            }
            Some(Value::Object(named)) => {
                for (name, value) in named {
                    text = text.replace(&format!("%{name}"), &bare(value));
                }
            }
            _ => {}
        }
        text
    }

    /// The answer on the wire; a shop in developer mode adds a trace.
    pub(super) fn response(&self, developer: bool) -> Response<Bytes> {
        match self.0.shape {
            Shape::Text => plain(self.0.status, "text/plain;charset=UTF-8", &self.0.message),
            Shape::Html => plain(self.0.status, "text/html; charset=UTF-8", &self.0.message),
            Shape::Json => {
                let mut body = Map::new();
                body.insert("message".to_owned(), Value::from(self.0.message.as_str()));
                if !self.0.errors.is_empty() {
                    body.insert("errors".to_owned(), Value::from(self.0.errors.clone()));
                }
                if let Some(parameters) = &self.0.parameters {
                    body.insert("parameters".to_owned(), parameters.clone());
                }
                if developer {
                    body.insert("trace".to_owned(), Value::from("#0 index.php(1): run()"));
                }
                plain(self.0.status, JSON, &Value::Object(body).to_string())
            }
        }
    }
}

/// The media type of every ordinary answer.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// An answer with a body and its media type.
pub(super) fn plain(status: StatusCode, kind: &'static str, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

//! Asynchronous calls: taken at once, carried out when a consumer runs, looked up by the id of their bulk.

use super::Account;
use super::criteria::{self, Cell};
use super::error::{Said, Wrong};
use super::input::{self, Call};
use super::routes::{Found, Later, Run};
use crate::domain::time::Timestamp;
use crate::sim::text;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const COMPLETE: i64 = 1;
const FAILED: i64 = 3;
const OPEN: i64 = 4;

/// One call that waits or is done.
#[derive(Debug)]
pub(super) struct Operation {
    id: usize,
    call: Call,
    run: Run,
    service: &'static str,
    status: i64,
    message: Option<String>,
    code: Option<i64>,
    data: Option<String>,
}

/// Calls that came together.
#[derive(Debug)]
pub(super) struct Bulk {
    uuid: String,
    topic: String,
    start: Timestamp,
    operations: Vec<Operation>,
}

/// An answer of 202: what was taken.
pub(super) type Taken = Result<Value, Wrong>;

impl Account {
    /// Takes calls for later. One that is malformed refuses all of them.
    pub(super) fn take_later(&mut self, found: &Found, call: Call, bulk: bool) -> Taken {
        let calls = if bulk { elements(found, &call)? } else { vec![call.clone()] };
        let later = found.route.later;
        let check = later.as_ref().map(|later| later.check);
        for call in &calls {
            check.map_or_else(|| needed(found.route.needs, call), |check| check(call))?;
            if let Some(limits) = &self.switches.limits {
                let count = call.arg("sourceItems").and_then(Value::as_array).map_or(0, Vec::len);
                if count > limits.async_list {
                    let kind = "\\Magento\\InventoryApi\\Api\\Data\\SourceItemInterface";
                    let wrong = Wrong::bad("Maximum items of type \"%type\" is %max");
                    return Err(wrong.with(json!({"type": kind, "max": limits.async_list})));
                }
            }
        }
        self.bulks_made += 1;
        let uuid = uuid(self.bulks_made);
        let topic = later.as_ref().map_or_else(|| usual_topic(found), |later| later.topic.to_owned());
        let service = later.as_ref().map_or("Service::execute", |later: &Later| later.service);
        let run = later.as_ref().map_or(found.route.run, |later| later.run);
        let mut taken = Vec::new();
        let mut operations = Vec::new();
        for (id, one) in calls.into_iter().enumerate() {
            let said = json!({
                "entity_id": null, "entity_link": "", "meta_information": one.body.to_string(), "store_id": "1",
            });
            let data = said.to_string();
            let hash = hex::encode(Sha256::digest(format!("{uuid}{id}{data}").as_bytes()));
            taken.push(json!({"id": id, "data_hash": hash, "status": "accepted"}));
            let data = Some(data);
            operations.push(Operation { id, call: one, run, service, status: OPEN, message: None, code: None, data });
        }
        self.bulks.push(Bulk { uuid: uuid.clone(), topic, start: call.now, operations });
        Ok(json!({"bulk_uuid": uuid, "request_items": taken, "errors": false}))
    }

    /// Runs the consumer on up to `most` operations, oldest first; how many it carried out.
    pub fn run_consumer(&mut self, most: usize, now: Timestamp) -> usize {
        let now = self.clock(now);
        let places: Vec<(usize, usize)> = self
            .bulks
            .iter()
            .enumerate()
            .flat_map(|(at, bulk)| {
                let open = bulk.operations.iter().enumerate().filter(|(_, operation)| operation.status == OPEN);
                open.map(move |(inside, _)| (at, inside)).collect::<Vec<_>>()
            })
            .take(most)
            .collect();
        for (at, inside) in &places {
            let found = self.bulks.get(*at).and_then(|bulk| bulk.operations.get(*inside));
            let Some((mut call, run)) = found.map(|operation| (operation.call.clone(), operation.run)) else {
                continue;
            };
            call.now = now;
            if self.switches.consumer_repeats {
                drop(run(self, &call));
            }
            let said = run(self, &call);
            let found = self.bulks.get_mut(*at).and_then(|bulk| bulk.operations.get_mut(*inside));
            if let Some(operation) = found {
                operation.settle(said);
            }
        }
        places.len()
    }

    fn bulk(&self, call: &Call) -> Result<&Bulk, Wrong> {
        let uuid = call.param("uuid");
        let wrong = || Wrong::missing("Bulk uuid %bulkUuid not exist").with(json!({"bulkUuid": uuid}));
        self.bulks.iter().find(|bulk| bulk.uuid == uuid).ok_or_else(wrong)
    }

    pub(super) fn bulk_status(&mut self, call: &Call) -> Said {
        Ok(self.bulk(call)?.show(|operation| operation.brief()))
    }

    pub(super) fn bulk_details(&mut self, call: &Call) -> Said {
        let bulk = self.bulk(call)?;
        Ok(bulk.show(|operation| operation.full(bulk)))
    }

    pub(super) fn bulk_count(&mut self, call: &Call) -> Said {
        let status = call.id("status")?;
        let operations = &self.bulk(call)?.operations;
        Ok(json!(operations.iter().filter(|operation| operation.status == status).count()))
    }

    /// Lists operations, not bulks.
    pub(super) fn list_operations(&mut self, call: &Call) -> Said {
        let asked = criteria::read(call, true, &self.switches)?;
        let cell = |(bulk, operation): &(&Bulk, &Operation), name: &str| {
            Some(match name {
                "bulk_uuid" => Cell::Text(bulk.uuid.clone()),
                "topic_name" => Cell::Text(bulk.topic.clone()),
                "status" => Cell::int(operation.status),
                "start_time" => Cell::Time(text::spaced(bulk.start)),
                "id" => Cell::int(i64::try_from(operation.id).unwrap_or(0)),
                _ => return None,
            })
        };
        let show = |(bulk, operation): &(&Bulk, &Operation)| {
            let mut out = operation.full(bulk);
            if let Some(fields) = out.as_object_mut() {
                fields.insert("extension_attributes".to_owned(), json!({"start_time": text::spaced(bulk.start)}));
            }
            out
        };
        let rows = self.bulks.iter().flat_map(|bulk| bulk.operations.iter().map(move |operation| (bulk, operation)));
        asked.answer(rows, cell, |_| Wrong::internal(), show, &self.switches)
    }
}

impl Operation {
    fn settle(&mut self, said: Said) {
        match said {
            Ok(_) => {
                self.status = COMPLETE;
                self.message = Some(format!("Service execution success {}", self.service));
                self.data = None;
            }
            Err(wrong) => {
                self.status = FAILED;
                self.message = Some(wrong.spoken());
                self.code = Some(0);
            }
        }
    }

    fn brief(&self) -> Value {
        json!({"id": self.id, "status": self.status, "result_message": self.message, "error_code": self.code})
    }

    fn full(&self, bulk: &Bulk) -> Value {
        json!({
            "id": self.id, "bulk_uuid": bulk.uuid, "topic_name": bulk.topic, "serialized_data": self.data,
            "result_serialized_data": null, "status": self.status, "result_message": self.message,
            "error_code": self.code,
        })
    }
}

impl Bulk {
    fn show(&self, each: impl Fn(&Operation) -> Value) -> Value {
        json!({
            "operations_list": self.operations.iter().map(each).collect::<Vec<_>>(), "user_type": 1,
            "bulk_id": self.uuid, "description": format!("Topic {}", self.topic),
            "start_time": text::spaced(self.start), "user_id": 1, "operation_count": self.operations.len(),
        })
    }
}

/// The bodies of a bulk; what the path would say stands in each of them.
fn elements(found: &Found, call: &Call) -> Result<Vec<Call>, Wrong> {
    let mut calls = Vec::new();
    for body in input::list(&call.body)? {
        let mut params = call.params.clone();
        for name in found.params.keys() {
            params.insert(name.clone(), input::take(&body, name).and_then(input::text).unwrap_or_default());
        }
        calls.push(Call { params, body, ..call.clone() });
    }
    Ok(calls)
}

fn needed(names: &[&str], call: &Call) -> Result<(), Wrong> {
    names.iter().try_for_each(|name| call.need(name).map(drop))
}

fn usual_topic(found: &Found) -> String {
    let path: String = found.route.path.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("async.magento.{}.{}", path.to_lowercase(), found.route.method.to_lowercase())
}

fn uuid(number: u64) -> String {
    let digest = hex::encode(Sha256::digest(format!("bulk {number}").as_bytes()));
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

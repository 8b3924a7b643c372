//! What tells two changes of one order apart, and what is asked for.

use super::tests::{data, order, shop};
use super::*;
use crate::connectors::script::{NOW, Script};
use serde_json::{Value, json};

#[tokio::test]
async fn two_changes_in_one_second_are_two_and_a_repeat_is_one() {
    let script = Script::new();
    let second = "2026-02-02T10:10:05+01:00";
    let placed = order(1042, second);
    let mut shipped = placed.clone();
    shipped["status"] = json!("SHIPPED");
    let mut versions = Vec::new();
    for one in [&placed, &shipped, &placed] {
        script.then(200, data(json!({"orders": [one]})));
        let page = shop(&script).orders_after(None).await.expect("a page").value;
        versions.push(page.rows[0].version);
        let resume: Value = serde_json::from_str(&page.resume.expect("the end")).expect("JSON");
        assert_eq!(resume["from"].as_i64(), Some((1_770_023_405 - 300) * 1_000_000), "the second itself counts");
    }
    assert_eq!(versions[0], versions[2]);
    assert_ne!(versions[0], versions[1]);
    assert_eq!(versions[0] / 1_000_000, versions[1] / 1_000_000);
    script.done();
}

#[test]
fn nothing_is_asked_for_that_nobody_reads() {
    let sweep = Sweep::open(None, NOW).expect("a sweep");
    let asked = [queries::orders(&sweep), queries::order(1), queries::products(&sweep), queries::warehouses()];
    for asked in asked {
        for needs_more in ["payment", "totals", "shipping", "store{", "market", "brand", "brickAndMortar", "Address"] {
            assert!(!asked.text.contains(needs_more), "{} asks for {needs_more}", asked.purpose);
        }
    }
}

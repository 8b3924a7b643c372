//! A customer at the simulated till: `POST /sell {"sku": "…", "units": 1}` on a loopback port of its own.
//! An empty SKU sells any item that is on a shelf.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use truecount::clock::Clock;
use truecount::sim::World;

#[derive(Clone)]
struct Customer {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Basket {
    sku: String,
    units: i64,
}

/// Serves it until `stop` turns true; returns its address.
pub(super) async fn serve(
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    tasks: &mut JoinSet<()>,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/sell", post(sell)).with_state(Customer { world, clock });
    tasks.spawn(async move {
        let stopped = async move { super::vendors::until_stopped(&mut stop).await };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::warn!(%error, "the simulated till's door closed");
        }
    });
    Ok(address)
}

/// The body is read as JSON whatever its content type says, so that the simplest `curl -d` works.
async fn sell(State(customer): State<Customer>, body: String) -> (StatusCode, Json<serde_json::Value>) {
    let said = |status, text: String| (status, Json(serde_json::json!({ "error": text })));
    let basket: Basket = match serde_json::from_str(&body) {
        Ok(basket) => basket,
        Err(error) => return said(StatusCode::BAD_REQUEST, format!("give {{\"sku\":\"…\",\"units\":1}}: {error}")),
    };
    if !(1..=1_000).contains(&basket.units) {
        return said(StatusCode::BAD_REQUEST, "units must be 1 to 1000".into());
    }
    customer.world.advance_to(customer.clock.now());
    let skus = if basket.sku.is_empty() { customer.world.skus() } else { vec![basket.sku.clone()] };
    for sku in &skus {
        if basket.sku.is_empty() && customer.world.shows(sku).is_none_or(|shows| shows < 3) {
            continue;
        }
        for (outlet, name) in customer.world.outlets() {
            if let Ok(sale) = customer.world.sell(sku, &outlet, basket.units) {
                return (
                    StatusCode::OK,
                    Json(serde_json::json!({ "sale": sale, "sku": sku, "outlet": name, "units": basket.units })),
                );
            }
        }
    }
    said(StatusCode::CONFLICT, "no outlet has that many of it".into())
}

//! What there is behind the door.

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

use super::{api, attach, door, health, house::House};

/// Returns everything that a connection may ask for.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/api/attach", get(attach::attach))
        .merge(api::router())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&house),
            door::check,
        ))
        // Nobody needs to be known for these.
        .merge(health::router())
        .with_state(house)
}

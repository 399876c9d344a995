//! What there is behind the door.

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

use super::{api, attach, door, health, house::House, page};

/// Returns everything that a connection may ask for. What stands above the check of tokens needs one; all of it is
/// greeted first.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/api/attach", get(attach::attach))
        .merge(api::router())
        .fallback(door::nothing)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&house),
            door::check,
        ))
        // Nobody needs to be known for these.
        .merge(health::router())
        .route("/", get(page::page))
        .method_not_allowed_fallback(door::not_so)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&house),
            door::greet,
        ))
        .with_state(house)
}

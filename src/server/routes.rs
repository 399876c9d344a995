//! What there is behind the door.

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

use super::{attach, door, house::House};

/// Returns everything that a connection may ask for.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/api/attach", get(attach::attach))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&house),
            door::check,
        ))
        .with_state(house)
}

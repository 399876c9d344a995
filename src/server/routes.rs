//! What there is behind the door.

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

use super::{api, auth, health, page, shared::Shared, upgrade};

/// Returns everything that a connection may ask for. What stands above the check of tokens needs one; all of it is
/// greeted first.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/attach", get(upgrade::upgrade))
        .merge(api::router())
        .fallback(auth::nothing)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            auth::check,
        ))
        // Nobody needs to be known for these.
        .merge(health::router())
        .route("/", get(page::page))
        .method_not_allowed_fallback(auth::not_so)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            auth::greet,
        ))
        .with_state(shared)
}

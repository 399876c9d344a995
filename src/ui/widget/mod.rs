//! Parts that several views draw.

pub mod block;
pub mod markdown;
pub mod meter;
pub mod plot;
pub mod window_list;
pub mod wrapped_text;

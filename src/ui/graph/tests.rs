//! Properties of the drawing, on random graphs.

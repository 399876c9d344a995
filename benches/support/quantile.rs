//! What a list of figures comes to.

/// Returns the middle one of some figures, and the one that 99 of 100 do not exceed.
pub(crate) fn p50_p99(mut figures: Vec<f64>) -> (f64, f64) {
    figures.sort_by(f64::total_cmp);
    let at = |share: usize| figures[(figures.len() - 1) * share / 100];
    (at(50), at(99))
}

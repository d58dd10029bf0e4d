//! How long to wait before another try.

use std::time::Duration;

/// Doubles from `first` to `most` with the number of failures (from 1), and is spread by a fifth either way so that many
/// waiters do not come back together.
pub(super) fn backoff(failures: u32, first: Duration, most: Duration) -> Duration {
    let doubled = first.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1).min(20)));
    spread(doubled.min(most))
}

/// Four to six fifths of `time`.
pub(super) fn spread(time: Duration) -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness the pause is only less well spread.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    time.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_its_bound() {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(1));
        let within = |failures, low, high| {
            let time = backoff(failures, first, most);
            assert!((low..=high).contains(&time.as_millis()), "{failures}: {time:?}");
        };
        within(1, 80, 120);
        within(2, 160, 240);
        within(4, 640, 960);
        within(5, 800, 1200);
        within(u32::MAX, 800, 1200);
    }
}

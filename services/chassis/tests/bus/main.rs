//! One suite over both buses, and what each must stand beyond it.

mod faults;
mod jetstream;
mod local;
mod suite;
mod tools;

/// Runs every test of the suite on a bus of its own.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_local_log {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                crate::suite::$test(&crate::tools::LocalHouse::new()?).await
            })*
        }
        mod on_jetstream {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                crate::suite::$test(&crate::tools::NatsHouse::start("")?).await
            })*
        }
    };
}

on_both!(
    all_come_in_order_and_whole,
    an_id_is_kept_once,
    every_consumer_gets_what_it_asked_for,
    feeds_of_one_consumer_share,
    a_failed_delivery_comes_again_and_blocks_nobody,
    an_unanswered_delivery_comes_again,
    a_consumer_goes_on_where_it_was,
    a_waiting_feed_is_woken,
    parked_is_listed_given_again_or_dropped,
    parked_twice_is_once_and_anew_after_a_retry,
    lag_counts_what_is_not_done,
    what_no_bus_carries_is_refused,
    ten_thousand_events,
);

//! One suite over both buses, and what each must stand beyond it.

mod faults;
mod jetstream;
mod local;
mod suite;
mod tail;
mod tools;

/// Runs every test of the suite on a bus of its own.
macro_rules! on_both {
    ($($place:ident::$test:ident),* $(,)?) => {
        mod on_local_log {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                crate::$place::$test(&crate::tools::LocalHouse::new()?).await
            })*
        }
        mod on_jetstream {
            $(#[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                crate::$place::$test(&crate::tools::NatsHouse::start("")?).await
            })*
        }
    };
}

on_both!(
    suite::all_come_in_order_and_whole,
    suite::an_id_is_kept_once,
    suite::every_consumer_gets_what_it_asked_for,
    suite::feeds_of_one_consumer_share,
    suite::a_failed_delivery_comes_again_and_blocks_nobody,
    suite::an_unanswered_delivery_comes_again,
    suite::a_consumer_goes_on_where_it_was,
    suite::a_waiting_feed_is_woken,
    suite::parked_is_listed_given_again_or_dropped,
    suite::parked_twice_is_once_and_anew_after_a_retry,
    suite::lag_counts_what_is_not_done,
    suite::what_no_bus_carries_is_refused,
    suite::ten_thousand_events,
    tail::a_tail_reads_after_a_number,
    tail::a_tail_from_now_is_woken,
    tail::a_tail_gets_what_it_asked_for,
    tail::tails_and_consumers_leave_each_other_alone,
);

//! What every store does, whatever the database. The bytes in it are arbitrary, except where the chains
//! are judged: a store does not look inside.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod appends;
mod chains;
mod crowd;
mod limits;
mod made;
mod pages;
mod sqlite;

/// The tests of the contract, for one kind of [`made::Place`].
macro_rules! contract {
    ($place:ty) => {
        contract! { $place:
            appends::a_workspace_begins_once
            appends::the_same_again_is_done
            appends::an_envelope_is_replaced_by_its_author_only
            appends::the_first_of_two_writers_wins
            appends::a_commit_in_sight_of_an_old_link_is_a_conflict
            appends::a_removal_states_where_environments_are
            appends::all_or_nothing
            appends::what_fails_leaves_nothing
            appends::it_is_all_there_after_opening_again
            chains::a_planted_difference_is_found
            chains::a_record_that_is_gone_is_found
            chains::a_chain_that_breaks_a_rule_is_found
            crowd::eight_at_once_make_one_line
            limits::there_is_enough_of_everything
            limits::one_device_appends_alone
            limits::a_lease_of_the_future_is_free
            limits::old_slots_go_when_their_time_has_come
            limits::a_closed_store_is_not_well
            pages::links_come_in_pages
            pages::commits_come_in_pages
            pages::a_page_ends_when_it_is_large
            pages::a_state_comes_in_pages
            pages::records_come_in_the_parts_asked_for
            pages::many_records_go_and_come_at_once
            pages::a_device_reads_its_own_envelopes
            pages::workspaces_come_in_pages
            pages::devices_and_epochs_are_kept
        }
    };
    ($place:ty: $($module:ident::$test:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let place = <$place>::default();
            crate::$module::$test(&place).await;
        }
    )* };
}

pub(crate) use contract;

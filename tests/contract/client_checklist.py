"""What makes a client of Connect one that survives the real world: forty-five lines, each with the tests that show it.

`test_connect_checklist.py` keeps the table true, as it does for the server's. `kind` is `does`, or `differs` where this client
deliberately does something else: then `why` says why, and the tests show what it does instead. Tests are named by their place under
`tests`: `folder/module::function`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One property of the client."""

    kind: str
    sentence: str
    shown_by: tuple[str, ...]
    why: str = ""


def does(sentence: str, *shown_by: str) -> Line:
    """A line that holds as it is usually asked for."""
    return Line("does", sentence, shown_by)


def differs(sentence: str, why: str, *shown_by: str) -> Line:
    """A line about what is done in place of what is usually asked for, and why."""
    return Line("differs", sentence, shown_by, why)


CONNECTION = {
    1: does(
        "A source has one pool of ten connections, kept alive for less time than load balancers keep silent ones.",
        "unit/connect/test_client::test_connections_are_used_again_and_closed_with_the_source",
        "unit/connect/test_client::test_a_hung_host_delays_no_other",
    ),
    2: does(
        "The server's URL may end in a slash or in /v1 and may have a path; one with credentials is refused.",
        "unit/connect/test_client::test_a_host_is_a_base_for_paths",
        "unit/connect/test_client::test_a_path_prefix_in_the_host_is_kept",
        "unit/connect/test_client::test_what_is_no_plain_url_is_refused_by_name",
    ),
    3: does(
        "Connecting, waiting for the first byte and the whole of a call have limits; the first call of all is more patient.",
        "unit/connect/test_client::test_a_server_that_says_nothing_is_given_up_at_the_limit",
        "unit/connect/test_client::test_an_answer_that_never_ends_is_given_up_at_the_deadline_of_the_call",
        "unit/connect/test_client::test_the_first_call_is_patient_because_the_server_may_be_fresh",
        "faults/test_client_faults::test_a_connect_that_is_started_with_the_operator_and_needs_its_time_is_no_trouble",
    ),
    4: differs(
        "Private authorities and a certificate of our own are read from files, again when they change; verification can't be switched off.",
        "A switch that turns verification off is found in production sooner or later; an authority of one's own is as easily named.",
        "unit/net/test_tls::test_an_authority_that_takes_the_place_of_another_is_trusted_from_then_on",
        "unit/net/test_tls::test_a_new_one_is_shown_without_a_restart",
        "unit/net/test_tls::test_names_are_checked_and_letters_of_rfc_5280_are_not",
        "cluster/test_network::test_a_private_authority_that_nobody_named_is_told_with_the_remedy",
        "faults/test_client_faults::test_secrets_stay_resources_say_why_calls_are_few_and_all_heals",
    ),
    5: differs(
        "Proxies come from the environment by Go's rules, which exempt loopback and nothing else.",
        "The environment was written for a Go program. Names of the cluster go into NO_PROXY, as they had to for that one.",
        "unit/rules/test_http_proxy::test_the_scheme_picks_the_proxy_and_exceptions_need_none",
        "unit/rules/test_http_proxy::test_without_a_proxy_everything_is_direct",
        "cluster/test_network::test_connect_through_a_proxy_and_the_api_server_past_it",
    ),
    6: does(
        "Redirects are not followed, so the token reaches no other origin.",
        "unit/connect/test_client::test_a_redirect_is_an_error_and_the_token_never_follows_it",
        "faults/test_client_faults::test_secrets_stay_resources_say_why_calls_are_few_and_all_heals",
    ),
    7: does(
        "Requests name the operator and its version, which Connect's activity log shows.",
        "unit/connect/test_client::test_the_token_is_in_the_authorization_header_and_nowhere_else",
    ),
    8: does(
        "White space around a token does not matter; white space inside, other characters and base64 are told by name at the start.",
        "unit/connect/test_access_token::test_white_space_around_it_does_not_matter",
        "unit/connect/test_access_token::test_what_is_no_token_keeps_the_one_before_and_is_told_once",
        "unit/settings/test_checks::test_a_file_without_one_is_named",
        "unit/rules/test_token_syntax::test_what_is_no_token_is_told_by_what_it_is",
    ),
}

RETRIES = {
    9: does(
        "What may pass by itself is tried four times, with full jitter, within the call's deadline.",
        "unit/connect/test_client::test_a_passing_trouble_is_tried_again",
        "unit/connect/test_client::test_a_broken_connection_is_tried_again",
        "unit/connect/test_client::test_four_tries_are_enough",
        "unit/connect/test_answers::test_otherwise_they_double_up_to_ten_seconds_with_full_jitter",
    ),
    10: does(
        "A pause that Connect asks for, in seconds or as a date, up to five minutes, is kept by every call, not by one alone.",
        "unit/connect/test_answers::test_seconds_are_kept_within_reason",
        "unit/connect/test_answers::test_a_date_is_a_moment_from_now",
        "unit/connect/test_client::test_one_that_is_longer_than_the_call_may_take_fails_it_and_all_others_until_it_is_over",
        "unit/connect/test_client::test_a_call_that_is_being_tried_again_keeps_what_another_one_was_asked_for",
        "unit/connect/test_breaker::test_a_wait_is_not_cut_short_by_what_fails_meanwhile",
    ),
    11: does(
        "A refusal for lack of access is believed the third time, a refused token the second, after another look at its file.",
        "unit/connect/test_client::test_a_refused_token_is_believed_the_second_time_and_a_refused_vault_the_third",
        "unit/connect/test_client::test_a_single_refusal_is_a_slip",
        "unit/connect/test_client::test_a_refused_token_is_read_again_before_it_is_believed_to_be_refused",
    ),
    12: does(
        "What is not there is not asked for again in the same call; the lists decide when it is.",
        "unit/connect/test_client::test_what_does_not_exist_is_not_asked_for_again",
        "unit/service/vaults/test_poller::test_a_path_that_led_nowhere_is_woken_by_its_vault",
    ),
    13: does(
        "A file that Connect has not fetched yet is tried five times.",
        "unit/connect/test_client::test_a_file_that_fails_at_first_is_read_again",
    ),
    14: differs(
        "Nothing is ever written to Connect.",
        "An operator that only reads needs a token that may only read.",
        "unit/connect/test_client::test_nothing_is_ever_written_and_no_body_sent",
    ),
    15: differs(
        "After three failures in a row one probe goes out now and then, and it is the vault list; Secrets stay as they are.",
        "The vault list proves the token too, and a successful one is the poll itself; /health answers although every read would fail.",
        "unit/connect/test_breaker::test_the_circuit_opens_after_three_calls_in_a_row_without_an_answer",
        "unit/connect/test_breaker::test_however_many_ask_for_the_vault_list_the_probe_goes_out_now_and_then",
        "unit/connect/test_breaker::test_one_item_that_can_not_be_read_is_no_outage_however_often_it_is_tried",
        "faults/test_client_faults::test_secrets_stay_resources_say_why_calls_are_few_and_all_heals",
    ),
    16: does(
        "A call that is cancelled ends at once, in a request or in a pause, so a signal ends the operator soon.",
        "unit/connect/test_client::test_a_cancelled_call_ends_at_once_and_does_no_more",
        "unit/connect/test_breaker::test_calls_under_way_are_counted_also_those_that_are_given_up",
        "unit/test_app::test_a_connect_that_hangs_does_not_hold_up_the_end",
    ),
}

REQUESTS = {
    17: does(
        "Nothing but an identifier ever gets into a path.",
        "unit/connect/test_client::test_nothing_but_an_id_gets_into_a_path",
        "unit/connect/test_client::test_a_file_whose_id_is_no_id_is_not_asked_for",
    ),
    18: differs(
        "No filter is sent, so a name may hold whatever it likes.",
        "Look-ups go over complete lists, which the poll needs anyway, and cost no request; how Connect reads a quote is unknown.",
        "unit/connect/test_client::test_items_are_listed_without_a_filter",
        "contract/test_odd_items::test_what_goes_in_through_the_official_client_comes_out_the_same_everywhere",
    ),
    19: differs(
        "Titles are matched here, exactly, and without case only where nothing matches exactly.",
        "Over complete lists there is no first match on the server that could be wrong.",
        "unit/rules/test_pick_item::test_an_item_is_found_by_id_then_by_title_then_by_title_without_case",
        "unit/rules/test_pick_item::test_an_item_that_is_not_there_is_reported_with_the_remedy",
    ),
    20: differs(
        "A vault is found in the list of all that the token sees, without case.",
        "That list is the one request of an idle poll.",
        "unit/rules/test_pick_item::test_a_vault_is_found_by_id_or_by_name_without_case",
        "unit/service/vaults/test_lookup::test_an_unknown_vault_is_looked_for_once_more",
    ),
    21: differs(
        "What looks like an identifier is one if a list has it, else a title; only what no list shows is asked for by itself.",
        "An item that a list shows needs no question, and one that is archived shows in none.",
        "unit/rules/test_pick_item::test_an_id_wins_over_every_title",
        "unit/service/secret_sync/test_content::test_an_id_that_no_list_shows_is_asked_for_itself",
    ),
    22: differs(
        "Of several items of one title the oldest is taken, with a warning that names all; it is never exchanged for another by guessing.",
        "The official operator takes the oldest, so Secrets that it made keep their content.",
        "unit/rules/test_pick_item::test_of_several_items_the_oldest_active_one_is_taken_and_the_others_are_told",
        "unit/service/vaults/test_lookup::test_several_are_refused_with_their_ids",
    ),
    23: does(
        "Where a file's content is, its identifiers say, and not the reply.",
        "unit/connect/test_client::test_an_item_comes_with_the_content_of_its_files",
    ),
    24: does(
        "Files are read in pieces up to what a Secret holds, all together; a part of a file is never taken for the whole.",
        "unit/connect/test_client::test_files_share_the_room_that_there_is_whatever_is_announced",
        "unit/connect/test_client::test_files_that_are_announced_too_large_are_not_read",
        "unit/connect/test_client::test_a_file_that_is_not_as_large_as_announced_is_read_again_and_never_taken_in_part",
        "faults/test_client_faults::test_secrets_stay_resources_say_why_calls_are_few_and_all_heals",
    ),
    25: does("No request has a body.", "unit/connect/test_client::test_nothing_is_ever_written_and_no_body_sent"),
}

DECODING = {
    26: does(
        "Unknown members and values, nulls, missing values and numbers of any kind are no obstacle.",
        "unit/connect/test_schema::test_unknown_members_and_values_are_ignored",
        "unit/connect/test_schema::test_null_elements_are_none_at_all",
        "unit/connect/test_schema::test_versions_may_come_as_any_kind_of_number",
        "unit/connect/test_schema::test_values_may_come_as_numbers_and_may_be_absent",
        "unit/connect/test_schema::test_what_does_not_fit_is_named_by_place_and_never_by_value",
    ),
    27: does(
        "A reply about another item or another vault than was asked for is refused.",
        "unit/connect/test_client::test_an_answer_about_another_item_is_refused",
        "unit/connect/test_client::test_a_list_of_another_vault_is_refused",
    ),
    28: does(
        "Times are understood with fractions of any length and in any zone.",
        "unit/rules/test_pick_item::test_times_are_moments_however_they_are_written",
    ),
    29: does(
        "A reply has a largest size and a largest depth, and is not unpacked.",
        "unit/connect/test_client::test_a_list_without_end_is_cut_off",
        "unit/connect/test_client::test_an_item_too_large_for_a_secret_is_the_users_matter",
        "unit/connect/test_client::test_nothing_compressed_is_asked_for_or_unpacked",
        "unit/connect/test_schema::test_what_is_no_json_is_said_to_be_none",
        "faults/test_client_faults::test_secrets_stay_resources_say_why_calls_are_few_and_all_heals",
    ),
    30: differs(
        "Bodies of errors are not looked at.",
        "They may quote what was sent, and gateways write their own; the status and the route say what a person can act on.",
        "unit/connect/test_client::test_what_a_body_says_never_gets_into_an_error",
        "unit/connect/test_client::test_what_is_no_list_of_vaults_is_not_understood",
    ),
}

ERRORS = {
    31: does(
        "Everything that goes wrong is one of a few kinds, each with a reason, a time for the next try and a message that is safe to show.",
        "unit/connect/test_answers::test_a_status_says_who_has_to_do_something_and_when_to_try_again",
        "architecture/test_error_tree::test_no_error_of_the_network_passes_the_connect_client",
        "architecture/test_error_tree::test_every_status_of_connect_is_a_leaf",
    ),
    32: does(
        "Values and the token are shown by nothing: no representation, log, Event, metric, status or chain of errors.",
        "unit/model/test_confidential::test_no_way_to_show_a_value_shows_it",
        "unit/connect/test_access_token::test_that_it_was_read_again_is_told_without_it",
        "architecture/test_error_tree::test_no_error_of_the_network_passes_the_connect_client",
        "faults/test_leaks::test_a_planted_leak_is_found",
    ),
    33: does(
        "A refused token is told with what it may be and where the right one goes.",
        "unit/connect/test_answers::test_a_refused_token_is_told_with_what_it_may_be_and_where_it_goes",
    ),
}

EFFICIENCY = {
    34: does(
        "Eight calls at a time; equal ones at the same time are one; lists are shared.",
        "unit/connect/test_breaker::test_only_so_many_calls_are_under_way",
        "unit/service/vaults/test_item_reads::test_many_users_at_once_are_one_read",
        "unit/service/vaults/test_catalog::test_a_fresh_vault_list_serves_everybody_with_one_request",
        "unit/service/vaults/test_catalog::test_a_listing_is_shared_and_kept",
    ),
    35: does(
        "One poller; an item is read only if its version is another one, whichever is larger.",
        "unit/service/vaults/test_poller::test_an_unchanged_poll_is_exactly_one_vault_list_and_nothing_in_the_cluster",
        "unit/service/vaults/test_poller::test_a_changed_item_is_read_once_and_every_secret_on_it_is_replaced_with_a_mark",
        "unit/rules/test_item_changes::test_an_item_changed_if_its_version_is_higher_and_is_missing_if_not_listed_as_active",
    ),
    36: does(
        "No conditional requests; a Secret that proves to hold the revision costs neither a read nor a write.",
        "unit/service/secret_sync/test_content::test_a_secret_that_proves_to_hold_the_listed_version_costs_no_read",
        "cluster/test_main_job::test_a_restart_with_everything_in_place_reads_no_item_and_writes_nothing",
    ),
    37: differs(
        "Polls are spread by a tenth, and sooner while something is wrong; the first one is made at once.",
        "A start is owed its Secrets, and it costs a request.",
        "unit/test_app::test_polls_are_spread_by_a_tenth_and_sooner_while_something_is_wrong",
    ),
    38: does(
        "Sources share nothing: not the token, the pool, the circuit or the time that they wait.",
        "unit/connect/test_breaker::test_one_sources_outage_is_no_other_ones",
        "unit/connect/test_client::test_each_source_sends_its_own_token_to_its_own_server",
        "unit/connect/test_client::test_a_hung_host_delays_no_other",
    ),
}

OBSERVABILITY = {
    39: does(
        "Metrics count and time requests by route and status, and show retries, calls under way, the circuit, the last poll, the version.",
        "unit/telemetry/test_metrics::test_requests_are_counted_by_side_route_and_code",
        "unit/telemetry/test_metrics::test_retries_are_counted_by_route",
        "unit/telemetry/test_metrics::test_of_the_connect_server_only_the_version_it_has_now_is_shown",
        "unit/telemetry/test_metrics::test_only_a_poll_that_came_through_moves_the_time",
        "unit/test_app::test_what_is_known_of_connect_and_its_token_is_a_metric",
    ),
    40: differs(
        "The server's health is looked at now and then; version and idle parts are logged, and old versions warned of.",
        "There is no resource that stands for the server, so there is no condition; the version is a metric.",
        "unit/connect/test_server_watch::test_a_version_with_known_faults_is_warned_of",
        "unit/connect/test_server_watch::test_parts_that_are_not_active_are_named_and_their_recovery_is_told",
        "unit/test_app::test_the_connect_server_is_looked_at_after_the_first_poll_and_sooner_again_if_it_is_not_well",
    ),
    41: differs(
        "Requests are observed by the template of their route, which holds no identifier; there is no tracing.",
        "Metrics by the same templates answer what an operator of one server asks; a tracing library would be the largest dependency.",
        "unit/connect/test_client::test_requests_are_told_by_route_and_never_by_id",
    ),
    42: differs(
        "A token's end is a metric, and is warned of in the log two weeks before and when it has come.",
        "There is no resource that stands for the token, so there is no condition.",
        "unit/connect/test_access_token::test_it_stands_in_the_token",
        "unit/connect/test_access_token::test_a_token_need_not_be_a_jwt",
        "unit/connect/test_server_watch::test_a_token_that_ends_soon_is_warned_of_once",
        "unit/connect/test_server_watch::test_and_once_more_when_it_has_ended",
    ),
}

LIFECYCLE = {
    43: differs(
        "A new token in its file is used by the next request, and ends the wait after a refusal, without a restart.",
        "The file of a mounted Secret is watched by looking at it; a connection holds no token, so the pool can stay.",
        "unit/connect/test_access_token::test_a_change_is_noticed_at_the_next_request_and_counted",
        "unit/connect/test_access_token::test_a_file_that_is_exchanged_as_the_kubelet_does_it_is_noticed",
        "unit/connect/test_breaker::test_another_token_is_tried_at_once",
        "faults/test_client_faults::test_secrets_stay_resources_say_why_calls_are_few_and_all_heals",
    ),
    44: differs(
        "A process has one server and one token, and what it read of an item it holds for seconds.",
        "Who may read what is the token's matter; tenants with tokens of their own run an operator of their own.",
        "unit/service/vaults/test_item_reads::test_values_are_let_go_after_seconds",
        "unit/connect/test_client::test_each_source_sends_its_own_token_to_its_own_server",
    ),
    45: does(
        "The pool is closed with its source.",
        "unit/connect/test_client::test_connections_are_used_again_and_closed_with_the_source",
    ),
}

CHECKLIST = CONNECTION | RETRIES | REQUESTS | DECODING | ERRORS | EFFICIENCY | OBSERVABILITY | LIFECYCLE

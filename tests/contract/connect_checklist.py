"""What makes the embedded server a faithful one: fifty lines, each with the tests that show it. `test_connect_checklist.py` keeps it true.

`kind` is `must`, `should`, or `fault` for what real servers and networks do wrong and a test can ask for. `shown_by` names tests as
`module::function`; modules are those of tests/unit/devconnect and of this folder.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One property of a faithful server."""

    kind: str
    sentence: str
    shown_by: tuple[str, ...]


def must(sentence: str, *shown_by: str) -> Line:
    """A line that a server without it would not be one."""
    return Line("must", sentence, shown_by)


def should(sentence: str, *shown_by: str) -> Line:
    """A line that clients in the wild may depend on."""
    return Line("should", sentence, shown_by)


def fault(sentence: str, *shown_by: str) -> Line:
    """A line about something going wrong, switched on at the admin port."""
    return Line("fault", sentence, shown_by)


ROUTING = {
    1: must(
        "All fifteen endpoints answer on one port.",
        "test_routes::test_all_fifteen_endpoints_answer_on_one_port",
        "test_openapi::test_it_has_every_route_of_the_server_and_no_other",
    ),
    2: must(
        "A trailing slash changes nothing, for reads and for creations.",
        "test_server::test_a_trailing_slash_changes_nothing",
        "test_routing::test_a_path_gives_its_template_and_ids_with_or_without_a_trailing_slash",
        "test_write_endpoints::test_a_created_item_gets_id_and_version_1_with_status_200",
        "test_js_client::test_vaults_are_found_by_id_and_by_name_in_any_case",
    ),
    3: must(
        "Every reply tells the server's version, which can be set and left out.",
        "test_server::test_every_reply_carries_the_server_version",
        "test_server::test_the_version_can_be_set_and_an_empty_one_leaves_the_header_out",
        "test_go_client::test_without_the_version_header_the_client_refuses_its_file_functions",
    ),
    4: must(
        "Replies are JSON, a dot, or bytes, and say so.",
        "test_server::test_replies_name_their_content_type",
        "test_file_endpoints::test_a_file_is_listed_described_inlined_and_downloaded",
    ),
    5: must(
        "What is not there is a 404 with an error object, a wrong method a 405.",
        "test_server::test_an_unknown_route_is_a_404_error_object_even_without_a_token",
        "test_server::test_a_known_route_with_another_method_is_405",
        "test_server::test_the_body_for_an_unknown_route_can_be_set",
    ),
    6: must(
        "The content type of a request does not matter.",
        "test_read_endpoints::test_unknown_parameters_headers_and_content_types_of_requests_are_ignored",
        "test_write_endpoints::test_a_patch_may_call_itself_json_patch",
    ),
    7: should(
        "Connections are kept alive, TLS is there, and a body has a largest size.",
        "test_server::test_a_connection_serves_one_request_after_the_other",
        "test_certificates::test_clients_that_trust_the_authority_reach_the_server",
        "test_certificates::test_a_given_certificate_is_used",
        "test_server::test_the_body_limit_holds_with_and_without_an_announced_length",
    ),
    8: should(
        "Unknown query parameters and tracing headers are ignored.",
        "test_read_endpoints::test_unknown_parameters_headers_and_content_types_of_requests_are_ignored",
    ),
}

TOKENS = {
    9: must(
        "A token that is missing, malformed, forged, expired or meant for something else is a 401.",
        "unit/devconnect/auth/test_tokens::test_a_missing_or_malformed_token_is_invalid",
        "unit/devconnect/auth/test_tokens::test_another_servers_token_and_a_changed_one_have_a_wrong_signature",
        "unit/devconnect/auth/test_tokens::test_a_token_ends_at_its_expiry_even_if_it_was_used_before",
        "unit/devconnect/auth/test_tokens::test_a_token_of_this_server_for_something_else_is_invalid",
        "test_go_client::test_a_refusal_is_the_clients_own_error_with_status_and_message",
    ),
    10: must(
        "A token carries a mask for each of its vaults and lists no others.",
        "unit/devconnect/auth/test_tokens::test_the_claims_carry_connects_names_and_masks",
        "unit/devconnect/admin/test_tokens::test_a_token_is_minted_revoked_and_restored",
    ),
    11: must(
        "Another vault, or a write with a token for reading, is a 403 in the words clients match on.",
        "test_server::test_refusals_come_in_the_documented_order",
        "test_python_client::test_a_refusal_is_the_clients_own_error_with_status_and_message",
    ),
    12: must(
        "A token for writing writes, reads nothing, and learns no value from its own writes.",
        "test_write_endpoints::test_a_write_only_token_may_write_but_learns_no_value",
        "test_write_endpoints::test_no_write_of_a_write_only_token_shows_a_value",
    ),
    13: should(
        "Tokens expire and are revoked while the server runs.",
        "unit/devconnect/auth/test_tokens::test_a_revoked_token_is_refused_until_it_is_restored",
        "unit/devconnect/admin/test_tokens::test_a_token_without_vaults_expires_when_told",
    ),
    14: must(
        "Heartbeat, health and metrics need no token, and a token on /health unlocks.",
        "test_server::test_health_endpoints_need_no_token",
        "test_metrics::test_requests_are_counted_by_template_without_any_id",
        "test_upstream::test_over_http_a_bearer_on_health_unlocks_and_a_wrong_one_does_not",
    ),
}

READING = {
    15: must(
        "Lists are bare arrays; those of items have versions and times, and nothing that could be a value.",
        "test_read_endpoints::test_vaults_are_a_bare_list_with_their_counters",
        "test_read_endpoints::test_an_item_list_shows_versions_but_no_values",
    ),
    16: must(
        "Identifiers have 26 characters: lower case for things, upper case for people and accounts.",
        "test_read_endpoints::test_ids_are_26_lower_case_characters_and_editors_upper_case",
        "test_activity::test_a_read_of_an_item_says_who_what_and_which_version",
    ),
    17: must(
        "A malformed identifier is a 400, an unknown one a 404 that names what is missing.",
        "test_server::test_refusals_come_in_the_documented_order",
        "test_server::test_what_is_not_there_is_named_in_the_404",
    ),
    18: must(
        "The filters that clients send work, with spaces in either encoding; no match is an empty list, nonsense a 400.",
        "test_read_endpoints::test_filters_select_and_a_plus_sign_is_a_space",
        "test_filters::test_a_filter_selects_by_attribute_operator_and_value",
        "test_filters::test_vaults_answer_to_name_and_title",
        "test_filters::test_a_malformed_filter_is_a_400",
        "test_js_client::test_items_are_found_by_id_by_title_and_by_a_part_of_it",
    ),
    19: must(
        "A filter's value may hold quotes, backslashes, any Unicode, or look like an identifier.",
        "test_read_endpoints::test_filter_values_may_hold_quotes_backslashes_and_any_unicode",
        "test_go_client::test_items_are_found_by_id_and_title_with_whatever_is_in_it",
    ),
    20: must("Two items of one title are both found.", "test_read_endpoints::test_two_items_of_one_title_are_both_listed"),
    21: must(
        "An empty field has no value member, and nothing is ever null.",
        "test_read_endpoints::test_optional_members_are_left_out_and_never_null",
        "test_field_input::test_an_empty_value_is_left_out",
    ),
    22: must(
        "One-time passwords are computed for the server's clock, in every algorithm, length and period.",
        "test_read_endpoints::test_the_one_time_password_follows_the_clock",
        "test_totp::test_the_code_is_that_of_the_standard",
        "test_totp::test_a_raw_seed_means_six_digits_every_thirty_seconds",
        "test_js_client::test_a_one_time_password_is_read_from_the_item",
    ),
    23: must(
        "Dates are seconds, months are YYYYMM, and passwords tell their entropy.",
        "test_field_input::test_dates_are_unix_seconds_and_months_are_yyyymm",
        "test_field_input::test_a_password_tells_its_entropy_and_nothing_else_does",
    ),
    24: must(
        "An SSH key shows its public key, fingerprint and type.",
        "test_item_input::test_the_fields_beside_a_private_key_are_derived_from_it",
        "test_seed::test_the_example_is_filled_and_read",
    ),
    25: should(
        "Sections come in every form of the years: none, empty, legacy identifiers, one label twice.",
        "test_field_input::test_sections_of_every_age_are_kept",
        "test_item_input::test_two_sections_may_have_one_label",
    ),
    26: should(
        "Archived items are hidden, or listed with their state.",
        "test_read_endpoints::test_an_archived_item_leaves_the_list_and_the_count_but_can_be_read",
        "test_visibility::test_archived_items_are_shown_as_the_behaviour_says",
    ),
}

FILES = {
    27: must(
        "Files are listed, described and downloaded under any name.",
        "test_file_endpoints::test_a_file_is_listed_described_inlined_and_downloaded",
        "test_file_endpoints::test_a_download_is_named_without_breaking_the_header",
    ),
    28: must(
        "A small file comes inline, a larger one is a 413, and the limit can be set.",
        "test_file_endpoints::test_a_file_too_large_to_inline_is_413_naming_the_content_endpoint",
        "test_file_endpoints::test_the_inline_limit_can_be_set",
    ),
    29: must(
        "A file is found under its own items only, of which there may be two.",
        "test_file_endpoints::test_a_file_of_another_item_is_not_found",
        "test_file_endpoints::test_one_file_may_belong_to_two_items",
    ),
    30: fault(
        "A file that is not synced yet is a 500 a few times.",
        "unit/devconnect/faults/test_injection::test_an_unsynced_file_is_a_500_for_a_few_times_and_then_there",
    ),
}

WRITING = {
    31: must(
        "Creations and replacements are 200, deletions 204 with no body.",
        "test_write_endpoints::test_a_created_item_gets_id_and_version_1_with_status_200",
        "test_write_endpoints::test_deleting_answers_204_without_a_body_and_lowers_the_count",
        "test_go_client::test_an_item_is_created_changed_and_deleted",
    ),
    32: must(
        "Bodies that a real server refuses are a 400 and store nothing.",
        "test_write_endpoints::test_bodies_connect_refuses_are_400_and_store_nothing",
        "test_write_endpoints::test_a_replacement_must_name_the_item_and_vault_of_the_path",
        "test_write_endpoints::test_two_password_purposes_are_refused_as_too_many",
        "test_item_input::test_documents_and_custom_items_are_not_created_but_may_stay_what_they_are",
    ),
    33: must(
        "Passwords are generated by a recipe that is checked, and never over one that is given.",
        "test_field_input::test_a_value_is_generated_only_if_none_is_given",
        "test_passwords::test_a_recipe_decides_length_sets_and_excluded_characters",
        "test_passwords::test_a_recipe_that_cannot_be_followed_is_a_400",
        "test_python_client::test_an_item_is_created_changed_and_deleted",
    ),
    34: must(
        "A purpose decides a field's identifier, and its label if there is none; tags are sorted.",
        "test_field_input::test_a_purpose_gives_the_canonical_id_and_a_label_if_there_is_none",
        "test_item_input::test_tags_are_sorted_and_not_repeated",
    ),
    35: must(
        "A replacement drops what it leaves out, except for files.",
        "test_write_endpoints::test_replacing_drops_what_is_omitted_keeps_files_and_moves_every_counter",
    ),
    36: must(
        "A patch is a list of additions, replacements and removals by the identifiers of fields, all or none of it.",
        "test_patches::test_fields_are_addressed_by_id_with_json_pointer_escapes",
        "test_patches::test_a_field_is_appended_and_gets_an_id",
        "test_patches::test_tags_have_positions",
        "test_patches::test_properties_and_the_whole_item_are_replaced",
        "test_patches::test_a_failing_operation_leaves_the_item_as_it_was",
        "test_patches::test_an_operation_connect_does_not_know_is_a_400",
        "test_write_endpoints::test_a_patch_stores_one_revision_and_an_empty_one_none",
    ),
    37: must(
        "Every stored change moves the versions and times of item and vault; a new name moves the vault's other version.",
        "test_write_endpoints::test_replacing_drops_what_is_omitted_keeps_files_and_moves_every_counter",
        "test_write_endpoints::test_renaming_a_vault_moves_its_attribute_version_and_not_its_content_version",
    ),
    38: must(
        "A deletion lowers the vault's count and moves its version.",
        "test_write_endpoints::test_deleting_answers_204_without_a_body_and_lowers_the_count",
        "test_write_endpoints::test_a_deletion_moves_the_content_version",
    ),
    39: should(
        "Writes at one time are stored one after the other, or one of them is refused as a conflict.",
        "test_write_endpoints::test_writes_at_the_same_time_are_stored_one_after_the_other",
        "unit/devconnect/faults/test_injection::test_a_conflict_hits_writes_only_and_stores_nothing",
    ),
}

OVER_TIME = {
    40: fault(
        "Readers see a write only after a while, and the reply to it has the version they still see.",
        "test_write_endpoints::test_while_reads_lag_the_reply_to_a_write_carries_the_version_readers_see",
        "test_visibility::test_a_deleted_item_is_read_until_the_deletion_arrives_and_a_created_one_is_not",
    ),
    41: fault(
        "A vault's version may be ahead of its items, or behind them.",
        "test_visibility::test_vault_list_and_item_may_catch_up_in_any_order",
        "test_visibility::test_a_lag_for_a_while_ends_by_itself_and_with_it_the_wait",
    ),
    42: fault(
        "The first request to a cold server waits for the first sync, and is a 408 if that takes too long.",
        "test_upstream::test_requests_wait_for_the_first_sync",
        "test_upstream::test_over_http_cold_start_blocks_and_answers_408",
    ),
    43: fault(
        "Replies fail in every way between the server and the client, for a number of times or a while.",
        "unit/devconnect/faults/test_injection::test_transient_statuses_pass",
        "unit/devconnect/faults/test_injection::test_a_fault_for_a_while_ends_by_itself",
        "unit/devconnect/faults/test_replies::test_html_garbage_and_redirect_are_what_proxies_send",
        "unit/devconnect/faults/test_replies::test_a_slow_body_is_the_right_one_in_pieces",
        "unit/devconnect/faults/test_replies::test_a_truncated_body_is_shorter_than_announced",
        "unit/devconnect/faults/test_replies::test_a_body_longer_than_announced_is_cut_by_whoever_believes_the_length",
        "unit/devconnect/faults/test_replies::test_a_reset_breaks_the_connection_without_an_answer",
    ),
    44: fault(
        "Without 1Password, reads are stale and writes fail.",
        "unit/devconnect/faults/test_injection::test_offline_reads_are_stale_and_writes_fail_until_it_ends",
        "unit/devconnect/faults/test_injection::test_a_server_that_starts_offline_cannot_initialise",
    ),
    45: must(
        "The activity log has every request with a valid token, newest first, in pages, with refusals.",
        "test_activity::test_every_request_with_a_valid_token_is_in_it_newest_first",
        "test_activity::test_pages_say_where_they_are_and_a_limit_is_cut_to_the_largest",
        "test_activity::test_a_refusal_for_lack_of_access_is_a_deny",
    ),
    46: must(
        "Metrics count and time requests by route, without identifiers.",
        "test_metrics::test_requests_are_counted_by_template_without_any_id",
        "test_metrics::test_buckets_are_cumulative_and_end_with_everything",
    ),
    47: must(
        "Health goes from locked to synced.",
        "test_upstream::test_a_server_is_locked_until_a_token_and_ready_at_once_by_default",
        "test_upstream::test_a_first_sync_that_takes_longer_than_the_timeout_is_a_408_and_goes_on",
    ),
    48: must(
        "The same seed gives the same data; the clock is the caller's; states are taken and restored.",
        "test_seed::test_the_same_seed_gives_the_same_ids_and_generated_values_and_another_id_seed_other_ids",
        "unit/devconnect/admin/test_items::test_a_snapshot_is_restored_with_versions_and_without_giving_an_id_twice",
        "test_seed::test_json_is_read_as_well",
        "test_read_endpoints::test_the_one_time_password_follows_the_clock",
    ),
    49: must(
        "Neither values nor tokens are ever logged, and the examples' secrets are obviously fake.",
        "test_server::test_neither_values_nor_tokens_reach_the_log",
        "test_server::test_a_bug_in_the_server_looks_like_a_failing_connect_and_logs_no_value",
        "test_seed::test_the_secrets_of_the_example_are_obviously_fake",
        "test_connect_fuzz::test_mutated_items",
    ),
    50: should(
        "A test in Python edits items and vaults without speaking HTTP.",
        "test_runtime::test_the_servers_own_token_opens_vaults_created_later",
        "test_visibility::test_a_lag_for_a_while_ends_by_itself_and_with_it_the_wait",
    ),
}

CHECKLIST = ROUTING | TOKENS | READING | FILES | WRITING | OVER_TIME

"""The kit finds defects: each is planted alone into a provider that is right, and found by the test that is meant for it."""

from __future__ import annotations

from typing import Any

import defects
import pytest
from kit import contract, failure, names
from small import Answer, FaultKind, Small, problem

ARRIVES = "test_every_accepted_field_arrives"
BESIDE = "test_accepted_fields_arrive_beside_each_other"
CHANGES = "test_every_accepted_field_changes_the_request"
MESSAGES = "test_messages_arrive_in_their_order_and_with_their_roles"
INPUTS = "test_inputs_of_any_kind_arrive_or_are_refused"
FILES = "test_files_of_any_kind_arrive_or_are_refused"
SAME = "test_the_same_call_builds_the_same_request"
SECRETS = "test_secrets_stand_in_auth_only"
KEYLESS = "test_without_a_key_there_is_no_empty_header"
AGENT = "test_an_agent_id_stays_in_its_place"
CLASSIFIED = "test_errors_in_a_200_are_classified"
GARBAGE = "test_an_answer_needs_its_proof"
PROOF = "test_an_answer_without_one_of_its_fields_is_the_same_or_none"
OPTIONAL = "test_only_the_proof_may_fail"
UNKNOWN = "test_unknown_fields_harm_no_answer"
STATUS = "test_no_error_status_is_ever_an_answer"
FACTS = "test_the_facts_of_a_fault_follow_from_its_kind"
PROSE = "test_other_words_leave_an_error_what_it_is"
MENTION = "test_an_answer_may_mention_errors"
RAISES = "test_documented_errors_are_read_without_raising"
CUTTING = "test_streams_give_the_same_events_in_any_cutting"
EARLY = "test_a_stream_that_ends_early_is_never_an_answer"
STREAMS = "test_streams_read_as_given"
ASTRAY = "test_polls_go_to_the_connection_whatever_the_vendor_says"
POLLS = "test_each_poll_asks_for_its_own_run"
LOST = "test_a_lost_run_is_found_again"

PLANTED: dict[type[Small], tuple[str, str]] = {
    defects.DropsSession: (ARRIVES, "'Session-8aF3' of it is nowhere in the request"),
    defects.DropsSessionOfStreams: (ARRIVES, "nowhere in the request (streaming)"),
    defects.DropsTextBesideFiles: (BESIDE, "files beside text"),
    defects.CountsMessages: (ARRIVES, "'Earlier-41dA: hello' of it is nowhere"),
    defects.SaysOnlyThatThereIsACallback: (ARRIVES, "accepts names 'callback_url'"),
    defects.DropsAMessage: (ARRIVES, "'Earlier-41dA: hello' of it is nowhere"),
    defects.DropsRoles: (MESSAGES, "lose their order or their roles"),
    defects.DropsInputs: (ARRIVES, "'tone-e4D1' of it is nowhere"),
    defects.DropsNestedInputs: (INPUTS, "send it as it is, or raise UnsupportedFeatureError"),
    defects.DropsLinks: (FILES, "'https://caller.invalid/note-5d.txt' of it is nowhere"),
    defects.ReadsFilesByItself: (FILES, "in a file on disk"),
    defects.DropsInputsOfFiles: ("test_the_input_of_a_file_arrives_or_is_refused", "File(input=...) got lost"),
    defects.ForgetsAField: ("test_accepts_leaves_nothing_out", "build_request sends 'user_id'"),
    defects.MakesUpIds: (SAME, "use call.fresh_id"),
    defects.CountsCalls: (SAME, "use call.fresh_id"),
    defects.ChangesTheCallersInputs: ("test_building_changes_nothing_that_the_caller_gave", "copy first"),
    defects.IdempotentPost: ("test_running_an_agent_twice_is_never_harmless", "marked idempotent"),
    defects.UnescapedAgent: (AGENT, "Use quote(call.agent, safe='')"),
    defects.HalfEscapedAgent: (AGENT, "does not stay one step of the path"),
    defects.FoldsAgents: ("test_other_agents_are_other_requests", "nowhere in the request"),
    defects.OtherApi: ("test_the_provider_can_be_registered", "version 2 of the plugin API"),
    defects.KeyInUrl: (SECRETS, "belongs into HttpRequest(auth="),
    defects.KeyInHeader: (SECRETS, "belongs into HttpRequest(auth="),
    defects.KeyInBodyOfStreams: (SECRETS, "streaming"),
    defects.KeyInPoll: (SECRETS, "a poll of 'polled'"),
    defects.EmptyAuth: (KEYLESS, "has the header 'Authorization'"),
    defects.BlankAuth: (KEYLESS, "leave it out where call.api_key is None"),
    defects.ErrorAsAnswer: (CLASSIFIED, "was read as the answer 'You have no credits left'"),
    defects.AllOptional: (PROOF, "without reply was read as ''"),
    defects.ReadsNullAsText: (PROOF, "with null as reply was read as 'None'"),
    defects.ForbidsUnknownFields: (UNKNOWN, "ignore them"),
    defects.KnowsAllMoods: (OPTIONAL, "make the field Lenient"),
    defects.NeedsReadableCredits: (OPTIONAL, "reads well without credits"),
    defects.ResultForErrorStatus: (STATUS, "look at response.ok"),
    defects.PendingForErrorStatus: (STATUS, "look at response.ok"),
    defects.Stateful: ("test_reading_twice_gives_the_same", "keep no state"),
    defects.KeepsItsModel: ("test_results_can_be_kept", ""),
    defects.Retries402: (FACTS, "FaultKind.QUOTA_EXCEEDED, but retryable is True"),
    defects.NeverRetriesBusy: (FACTS, "FaultKind.UNAVAILABLE, but retryable is False"),
    defects.SaysThatNothingRan: (FACTS, "may_have_run is False"),
    defects.SaysThatItRan: (FACTS, "may_have_run is True, though nothing ran"),
    defects.SearchesProse: (PROSE, "not by words"),
    defects.SearchesProseBesideCodes: (PROSE, "is FaultKind.RATE_LIMITED where problem.message says"),
    defects.SearchesAnswers: (MENTION, "never by searching prose"),
    defects.TakesAnswersThatBeginLikeErrors: (MENTION, "that only mentions 'We are busy'"),
    defects.LeaksKeyError: (RAISES, "read made KeyError('message') of the error 'a refused key'"),
    defects.LeaksKeyErrorIn200: (RAISES, "read made KeyError("),
    defects.UnpicklableFault: ("test_errors_pickle_with_all_their_fields", "pickle"),
    defects.EndsEarly: (EARLY, "was read as the answer ''"),
    defects.TakesAnyTextAsTheEnd: (EARLY, "only the vendor's own sign of success makes one"),
    defects.DependsOnChunks: (CUTTING, "keep what is not complete until the rest is there"),
    defects.DecodesChunksAlone: (CUTTING, "keep what is not complete until the rest is there"),
    defects.LosesTheTextBeforeAnError: ("test_an_error_after_text_keeps_the_text", "is not in the Fault"),
    defects.TakesAFailedStreamForAnAnswer: (STREAMS, "is a failure and was read as an answer"),
    defects.DecoderRaises: ("test_decoders_never_raise", "give a VendorEvent"),
    defects.FailsAtUnknownEvents: ("test_unknown_events_harm_no_stream", "ignore it"),
    defects.SharesTheTextOfStreams: ("test_two_streams_share_nothing", "keep no class state"),
    defects.WrongFactsOfAStream: (STREAMS, "retryable is False"),
    defects.NoDecoderAfterAll: (STREAMS, "decoder gives None"),
    defects.FollowsStatusUrl: (ASTRAY, "https://vendor.invalid.evil.invalid/run, with the key"),
    defects.FollowsAnyUrl: (ASTRAY, "never from what an answer says"),
    defects.PollsByStarting: (POLLS, "is the request that starts a run"),
    defects.PollsNoRunInParticular: (POLLS, "send pending.id"),
    defects.TakesAnyPollForAnAnswer: ("test_a_poll_is_no_answer_without_its_proof", "was read as the answer"),
    defects.RecoversTheSameRun: (LOST, "the same Pending for two calls"),
    defects.RecoversAnyRun: (LOST, "two Pendings for one request"),
    defects.CallbackWithoutProof: ("test_a_callback_needs_its_proof", "was read as the answer"),
    defects.EmptyCallback: ("test_an_empty_callback_is_no_answer", "return None for what is no answer yet"),
    defects.OptionalCallback: ("test_a_callback_without_one_of_its_fields_is_the_same_or_none", "make it required"),
    defects.ForbidsUnknownFieldsInCallbacks: ("test_unknown_fields_harm_no_callback", "ignore them"),
    defects.AwaitsCallbacksNowhere: ("test_callbacks_are_read_where_they_are_asked_for", "so write read_callback"),
    defects.ForgetsTheDecision: ("test_a_paused_run_goes_on_as_decided", "whatever the decision"),
    defects.ForgetsTheFeedback: ("test_feedback_arrives_or_is_refused", "is nowhere in the request"),
    defects.PausesForGood: ("test_a_paused_run_says_what_it_waits_for", "so write resume"),
    defects.ForeignOperations: ("test_operations_belong_to_the_provider", "provider must be 'small'"),
}


@pytest.mark.parametrize("name", names(contract(Small())))
def test_what_is_right_passes(name):
    assert failure(contract(Small()), name) is None


@pytest.mark.parametrize("defect", PLANTED, ids=lambda defect: defect.__name__)
def test_a_planted_defect_is_found_by_the_test_that_is_meant_for_it(defect):
    name, message = PLANTED[defect]
    found = failure(contract(defect()), name)
    assert found is not None
    assert message in found


OPERATIONS = {
    defects.HopefulBalance: ("test_no_error_status_is_ever_the_value_of_an_operation", "was read as 0.0"),
    defects.KeyedBalance: (SECRETS, "operation 'balance'"),
}


@pytest.mark.parametrize("defect", OPERATIONS, ids=lambda defect: defect.__name__)
def test_a_defect_of_an_operation_is_found(defect):
    name, message = OPERATIONS[defect]
    planted = contract(Small(), operations={"balance": (defect(), Answer({"balance": 17}))})
    assert message in (failure(planted, name) or "")


class Sentences(Small):
    """Tells a refused key by a sentence, whole or searched for."""

    whole = True

    def fault(self, problem):
        text = "Your key is unknown"
        if problem.message == text or (not self.whole and text in problem.message):
            return defects.fault_from_status(401, problem.message)
        return super().fault(problem)


class SearchedSentences(Sentences):
    whole = False


REFUSED = {"a refused key": (Answer(problem(500, "Your key is unknown")), FaultKind.AUTHENTICATION)}
CITED = {"Your key is unknown": "the vendor's page on errors"}


@pytest.mark.parametrize(
    ("provider", "sentences", "message"),
    [
        (Sentences(), CITED, None),
        (Sentences(), {}, "sentences = {'Your key is unknown': 'where it is written'}"),
        (SearchedSentences(), CITED, "compare the whole text"),
    ],
)
def test_a_fixed_sentence_is_cited_and_matched_whole(provider, sentences, message):
    found = failure(contract(provider, errors_in_200=REFUSED, sentences=sentences), PROSE)
    assert found is None if message is None else message in (found or "")


def test_a_chunk_dependent_stream_is_found_without_hypothesis(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "hypothesis", None)
    assert failure(contract(defects.DependsOnChunks()), CUTTING)
    assert failure(contract(Small()), CUTTING) is None


MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "test_the_provider_can_be_registered": ({"answers": {}}, "set answers = "),
    CLASSIFIED: ({"errors_in_200": {}, "errors": {}}, "no_errors_in_200"),
    STREAMS: ({"streams": {}}, "give streams = "),
    "test_callbacks_read_as_given": ({"callbacks": {}}, "give callbacks = "),
    "test_a_paused_run_says_what_it_waits_for": (
        {"answers": {"plain": (Answer({"reply": "hi"}), "hi")}},
        'status="waiting_for_input"',
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_an_author_who_forgets_an_example_is_told_which(name):
    attributes, message = MISSING[name]
    assert message in (failure(contract(Small(), **attributes), name) or "")


def test_a_class_in_place_of_an_instance_is_named():
    assert "an instance" in (failure(contract(Small), "test_the_provider_can_be_registered") or "")


def test_a_source_that_rules_errors_in_a_200_out_is_enough():
    quiet = contract(Small(), errors_in_200={}, no_errors_in_200="Small's API reference, Errors")
    assert failure(quiet, CLASSIFIED) is None
    assert failure(contract(Small(), errors_in_200={}, no_errors_in_200=" "), CLASSIFIED)

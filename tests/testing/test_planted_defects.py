"""The kit finds defects: each is planted alone into a provider that is right, and found by the test that is meant for it."""

from __future__ import annotations

import json
from typing import Any

import defects_in_reading as reading
import defects_in_requests as requests
import defects_in_what_comes_later as later
import pytest
from kit import contract, failure, names
from small import EXAMPLES, Answer, FaultKind, Small, fault_from_status, problem

from agentbridge import Link

OPTIONS = "test_options_that_are_named_are_used"
STATES = "test_a_decisive_field_decides"
STEPS = "test_polls_go_by_the_step_of_their_run"
UNKNOWN_EVENTS = "test_unknown_events_harm_no_stream"
GIVEN = "test_answers_read_as_given"
DECIDED = "test_a_paused_run_goes_on_as_decided"
OWN_WORDS = "test_a_decision_in_ones_own_words_arrives_or_is_refused"
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
BACK = "test_a_request_is_read_back_as_the_call_that_built_it"
LOST = "test_a_lost_run_is_found_again"

PLANTED: dict[type[Small], tuple[str, str]] = {
    requests.DropsSession: (ARRIVES, "'Session-8aF3' of it is nowhere in the request"),
    requests.DropsSessionOfStreams: (ARRIVES, "nowhere in the request (streaming)"),
    requests.DropsTextBesideFiles: (BESIDE, "files beside text"),
    requests.CountsMessages: (ARRIVES, "'Earlier-41dA: hello' of it is nowhere"),
    requests.SaysOnlyThatThereIsACallback: (ARRIVES, "accepts names 'callback_url'"),
    requests.DropsAMessage: (ARRIVES, "'Earlier-41dA: hello' of it is nowhere"),
    requests.DropsRoles: (MESSAGES, "lose their order or their roles"),
    requests.StartsAsUser: (MESSAGES, "lose their order or their roles"),
    requests.NamesAnOptionForNothing: (OPTIONS, "Provider.options names 'depth', but it changes no request"),
    requests.DropsInputs: (ARRIVES, "'tone-e4D1' of it is nowhere"),
    requests.DropsNestedInputs: (INPUTS, "send it as it is, or raise UnsupportedFeatureError"),
    requests.DropsLinks: (FILES, "'https://caller.invalid/note-5d.txt' of it is nowhere"),
    requests.ReadsFilesByItself: (FILES, "in a file on disk"),
    requests.DropsInputsOfFiles: ("test_the_input_of_a_file_arrives_or_is_refused", "File(input=...) got lost"),
    requests.ForgetsAField: ("test_accepts_leaves_nothing_out", "build_request sends 'user_id'"),
    requests.MakesUpIds: (SAME, "use call.fresh_id"),
    requests.CountsCalls: (SAME, "use call.fresh_id"),
    requests.ChangesTheCallersInputs: ("test_building_changes_nothing_that_the_caller_gave", "copy first"),
    requests.IdempotentPost: ("test_running_an_agent_twice_is_never_harmless", "marked idempotent"),
    requests.UnescapedAgent: (AGENT, "Use quote(call.agent, safe='')"),
    requests.HalfEscapedAgent: (AGENT, "does not stay one step of the path"),
    requests.FoldsAgents: ("test_other_agents_are_other_requests", "nowhere in the request"),
    requests.SessionInPath: ("test_ids_of_callers_stay_in_their_place", "does not stay in its place"),
    requests.NeedsAKey: (KEYLESS, "call.api_key may be None"),
    requests.OtherApi: ("test_the_provider_can_be_registered", "version 2 of the plugin API"),
    requests.KeyInUrl: (SECRETS, "belongs into HttpRequest(auth="),
    requests.KeyInHeader: (SECRETS, "belongs into HttpRequest(auth="),
    requests.KeyInBodyOfStreams: (SECRETS, "streaming"),
    requests.KeyInPoll: (SECRETS, "a poll of 'polled'"),
    requests.EmptyAuth: (KEYLESS, "has the header 'Authorization'"),
    requests.BlankAuth: (KEYLESS, "leave it out where call.api_key is None"),
    reading.ErrorAsAnswer: (CLASSIFIED, "was read as the answer 'You have no credits left'"),
    reading.AllOptional: (PROOF, "without reply was read as ''"),
    reading.ReadsNullAsText: (PROOF, "with null as reply was read as 'None'"),
    reading.ForbidsUnknownFields: (UNKNOWN, "ignore them"),
    reading.KnowsAllMoods: (OPTIONAL, "make the field Lenient"),
    reading.NeedsReadableCredits: (OPTIONAL, "reads well without credits"),
    reading.ResultForErrorStatus: (STATUS, "look at response.ok"),
    reading.PendingForErrorStatus: (STATUS, "look at response.ok"),
    reading.PendingForAnything: (GARBAGE, "that needs its proof too"),
    reading.DropsTheIdOfTheRun: (GIVEN, "the id of answer 'plain' was read as None, not as 'r-1'"),
    reading.DropsTheSessionOfTheAnswer: (GIVEN, "the session_id of answer 'plain' was read as None"),
    reading.TakesFailedPollsForRunning: (RAISES, "of the error 'failed once it was polled'"),
    reading.FailsAtOnceWhatIsPolled: (CLASSIFIED, "is a tuple, so that each answer but the last"),
    reading.Stateful: ("test_reading_twice_gives_the_same", "keep no state"),
    reading.KeepsItsModel: ("test_results_can_be_kept", ""),
    reading.Retries402: (FACTS, "FaultKind.QUOTA_EXCEEDED, but retryable is True"),
    reading.NeverRetriesBusy: (FACTS, "FaultKind.UNAVAILABLE, but retryable is False"),
    reading.SaysThatNothingRan: (FACTS, "may_have_run is False"),
    reading.SaysThatItRan: (FACTS, "may_have_run is True, though nothing ran"),
    reading.SearchesProse: (PROSE, "not by words"),
    reading.SearchesProseBesideCodes: (PROSE, "is FaultKind.RATE_LIMITED where problem.message says"),
    reading.SearchesAnswers: (MENTION, "never by searching prose"),
    reading.TakesAnswersThatBeginLikeErrors: (MENTION, "that only mentions 'We are busy'"),
    reading.LeaksKeyError: (RAISES, "read made KeyError('message') of the error 'a refused key'"),
    reading.LeaksKeyErrorIn200: (RAISES, "read made KeyError("),
    reading.UnpicklableFault: ("test_errors_pickle_with_all_their_fields", "pickle"),
    later.EndsEarly: (EARLY, "was read as the answer ''"),
    later.TakesAnyTextAsTheEnd: (EARLY, "only the vendor's own sign of success makes one"),
    later.DependsOnChunks: (CUTTING, "keep what is not complete until the rest is there"),
    later.DecodesChunksAlone: (CUTTING, "keep what is not complete until the rest is there"),
    later.LosesTheTextBeforeAnError: ("test_an_error_after_text_keeps_the_text", "is not in the Fault"),
    later.TakesAFailedStreamForAnAnswer: (STREAMS, "is a failure and was read as an answer"),
    later.DecoderRaises: ("test_decoders_never_raise", "give a VendorEvent"),
    later.FailsAtUnknownEvents: (UNKNOWN_EVENTS, "ignore it"),
    later.SharesTheTextOfStreams: ("test_two_streams_share_nothing", "keep no class state"),
    later.WrongFactsOfAStream: (STREAMS, "retryable is False"),
    later.StopsReadingAtTheFirstText: (CUTTING, "reads otherwise"),
    later.FinishesOnce: (STREAMS, "it may be called at any time"),
    later.CompletesByItself: (STREAMS, "Started and Completed are the core's"),
    later.NoDecoderAfterAll: (STREAMS, "decoder gives None"),
    later.FollowsStatusUrl: (ASTRAY, "https://vendor.invalid.evil.invalid/run, with the key"),
    later.FollowsAnyUrl: (ASTRAY, "never from what an answer says"),
    later.PollsByStarting: (POLLS, "is the request that starts a run"),
    later.PollsNoRunInParticular: (POLLS, "send pending.id"),
    later.TakesAnyPollForAnAnswer: ("test_a_poll_is_no_answer_without_its_proof", "was read as the answer"),
    later.ForgetsTheStep: (STEPS, "have the steps ['None', 'ticket'], and each is asked for in the same way"),
    later.ForgetsTheSecondId: (STEPS, "each is asked for in the same way"),
    later.RecoversTheSameRun: (LOST, "the same Pending for two calls"),
    later.RecoversAnyRun: (LOST, "two Pendings for one request"),
    later.ReadsBackNoFiles: (BACK, "where is my order?') of the request of"),
    later.ReadsBackPlainCallsOnly: (BACK, "read_request gives None for a call that sets"),
    later.ReadsBackPolls: ("test_a_poll_is_read_back_as_no_call", "takes a poll of 'polled' for a call"),
    later.CallbackWithoutProof: ("test_a_callback_needs_its_proof", "was read as the answer"),
    later.EmptyCallback: ("test_an_empty_callback_is_no_answer", "return None for what is no answer yet"),
    later.OptionalCallback: ("test_a_callback_without_one_of_its_fields_is_the_same_or_none", "make it required"),
    later.ForbidsUnknownFieldsInCallbacks: ("test_unknown_fields_harm_no_callback", "ignore them"),
    later.AwaitsCallbacksNowhere: ("test_callbacks_are_read_where_they_are_asked_for", "so write read_callback"),
    later.ForgetsTheDecision: (DECIDED, "whatever the decision"),
    later.AlwaysSaysOk: (DECIDED, "whatever the decision"),
    later.CountsTheDecision: (OWN_WORDS, "is nowhere in the request: it offers no choices"),
    later.ForgetsTheFeedback: ("test_feedback_arrives_or_is_refused", "is nowhere in the request"),
    later.PausesForGood: ("test_a_paused_run_says_what_it_waits_for", "so write resume"),
    later.ForeignOperations: ("test_operations_belong_to_the_provider", "provider must be 'small'"),
    later.MisnamedOperations: ("test_operations_tell_of_fields_that_they_have", "tells of ['curency']"),
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


LINKS_ONLY = (SAME, "test_building_changes_nothing_that_the_caller_gave", ARRIVES, CHANGES, SECRETS, LOST)


@pytest.mark.parametrize("name", LINKS_ONLY)
def test_who_needs_an_example_of_a_field_is_told_its_shape(name):
    found = failure(contract(requests.FetchesLinksOnly()), name)
    assert """examples = {"files": (Link("https://..."),)}""" in (found or "")


@pytest.mark.parametrize("name", LINKS_ONLY)
def test_with_that_example_nothing_is_missing(name):
    examples = {"files": (Link("https://example.com/a.png"),)}
    assert failure(contract(requests.FetchesLinksOnly(), examples=examples), name) is None


def test_a_stream_that_is_one_json_document_is_no_stream_of_lines():
    refused = (json.dumps({"problem": {"code": 402, "message": "none left"}}).encode(), FaultKind.QUOTA_EXCEEDED)
    streams = {**EXAMPLES["streams"], "refused": refused}
    assert failure(contract(later.RefusesInBareJson(), streams=streams), UNKNOWN_EVENTS) is None
    assert failure(contract(later.RefusesInBareJson(), streams=streams), STREAMS) is None


def test_a_stream_that_an_unknown_event_harms_is_shown_as_it_was_fed():
    found = failure(contract(later.FailsAtUnknownEvents()), UNKNOWN_EVENTS)
    assert 'It was fed b\'data: {"event":"a_new_event"' in (found or "")


def test_an_option_may_matter_in_some_calls_alone():
    assert failure(contract(requests.ReadsItsOptionBesideFiles()), OPTIONS) is None


def test_a_state_that_nobody_knows_is_no_running_run():
    decisive = frozenset({"state"})
    found = failure(contract(Small(), decisive=decisive), STATES)
    assert "answer 'polled' with \"a-new-value\" there is still read as an answer, or as a run" in (found or "")
    assert failure(contract(later.KnowsItsStates(), decisive=decisive), STATES) is None


def test_a_decision_is_looked_for_where_the_run_pauses_once_it_was_polled():
    paused = Answer({"ticket": "t-1", "reply": "so far", "question": "what now?", "mood": "calm", "run": "r-1"})
    answers = {"paused": ((Answer({"ticket": "t-1", "state": "queued"}, 202), paused), "so far")}
    found = failure(contract(later.AsksFreelyOnceItWasPolled(), answers=answers), DECIDED)
    assert "whatever the decision" in (found or "")
    assert failure(contract(later.AsksFreely(), answers=answers), DECIDED) is None


OPERATIONS = {
    later.HopefulBalance: ("test_no_error_status_is_ever_the_value_of_an_operation", "was read as 0.0"),
    later.KeyedBalance: (SECRETS, "operation 'balance'"),
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
            return fault_from_status(401, problem.message)
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
    assert failure(contract(later.DependsOnChunks()), CUTTING)
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

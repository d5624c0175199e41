"""Pitfalls 23, 24 and 56: what was sent is known, whatever becomes of the process."""

from __future__ import annotations

from pitfall import Pitfall, Removal

GITHUB = "https://github.com/"
LEDGER = "src/agentbridge/migrate/ledger.py"
REPLAYING = "src/agentbridge/migrate/replaying.py"
SAMPLES = "src/agentbridge/migrate/samples.py"
REPLAY_TESTS = "tests/migrate/test_replaying.py::"
LEDGER_TESTS = "tests/migrate/test_ledger.py::"
KILLED_TESTS = "tests/migrate/test_killed.py::"

PITFALLS = (
    Pitfall(
        number=23,
        hurt="Each attempt had a new key or id, so that a vendor could not tell that it was the same call.",
        handled="Ids are minted once a call, and every attempt sends the same request. The ledger keeps how many there were, by the sample's id.",
        tests=(f"{REPLAY_TESTS}test_every_attempt_sends_the_same_request_and_the_ledger_counts_them",),
        removals=(Removal(SAMPLES, "attempts=came.attempts, ", ""),),
        threads=(f"{GITHUB}square/square-mcp-server/issues/31",),
    ),
    Pitfall(
        number=24,
        hurt="A process died between the act and the note of it; the next one did it again.",
        handled="A call is claimed in the ledger, and the disk waited for, before it is sent. What was claimed and never finished is of unknown outcome, and not sent again unasked.",
        tests=(
            f"{REPLAY_TESTS}test_a_call_is_claimed_in_the_ledger_before_it_is_sent",
            f"{LEDGER_TESTS}test_what_a_dead_process_claimed_is_unknown_and_not_offered",
            f"{KILLED_TESTS}test_a_replay_that_is_killed_again_and_again_sends_nothing_twice_and_loses_no_answer",
        ),
        removals=(
            Removal(REPLAYING, "            if not self._keeper.claim(turn):", "            if False:"),
            Removal(LEDGER, "SET standing = 'unknown', outcome", "SET standing = 'remains', outcome"),
        ),
        threads=(f"{GITHUB}stripe/ai/issues/402",),
    ),
    Pitfall(
        number=56,
        hurt="A crash lost answers that were paid for, or the next run did everything again.",
        handled="Each answer is written down when it comes, and a rerun makes exactly the calls that remain. A last line that was torn is left out, and reports say what is unknown and what was not asked.",
        tests=(
            f"{LEDGER_TESTS}test_what_is_finished_is_not_offered_again",
            "tests/migrate/test_samples.py::test_a_last_line_that_was_torn_in_a_crash_is_left_out",
            "tests/migrate/test_report.py::test_the_page_shows_what_was_not_measured",
        ),
        removals=(
            Removal(LEDGER, " AND (c.position IS NULL OR c.standing = 'remains') ORDER BY s.lead", " ORDER BY s.lead"),
            Removal(SAMPLES, '            if line.endswith("\\n"):\n', "            if True:\n"),
        ),
        threads=tuple(
            f"{GITHUB}{thread}"
            for thread in (
                "sbintuitions/flexeval/issues/216",
                "datenlabor-bmz/evals-for-every-language/pull/32",
                "NousResearch/hermes-agent/pull/297",
                "comet-ml/opik/pull/6941",
                "UKGovernmentBEIS/inspect_ai/pull/2563",
            )
        ),
    ),
)

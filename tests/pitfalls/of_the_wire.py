"""Pitfalls 22 to 40: sending again, waiting, leaving, and the bytes of a stream."""

from __future__ import annotations

from pitfall import Pitfall, Removal

GITHUB = "https://github.com/"
RETRY = "src/agentbridge/retry.py"
FAULTS = "src/agentbridge/faults.py"
STREAMING = "src/agentbridge/exchange/streaming.py"
STREAM = "src/agentbridge/transport/stream.py"
PERFORMER = "src/agentbridge/transport/performer.py"
COMMON = "src/agentbridge/transport/common.py"
HTTPX = "src/agentbridge/transport/httpx.py"
OPENED = "src/agentbridge/transport/opened.py"
SSE = "src/agentbridge/sse.py"
FALLBACK = "src/agentbridge/planning/fallback.py"
EXCHANGE_TESTS = "tests/core/test_exchange.py::"
STREAM_TESTS = "tests/core/test_streams.py::"
TRANSPORT_TESTS = "tests/core/test_transports.py::"
SSE_TESTS = "tests/core/test_sse.py::"
_AGAIN = """answer: HttpResponse | NoAnswer = self._transport.send(command)
            if isinstance(answer, HttpResponse) and answer.status == 503:
                answer = self._transport.send(command)
            return answer"""

PITFALLS = (
    Pitfall(
        number=22,
        hurt="A request was sent again after a timeout, ran twice, and was billed twice.",
        handled="What may have run is not sent again unless the caller asks for that; `.may_have_run` says so.",
        tests=(
            f"{EXCHANGE_TESTS}test_nothing_that_may_have_run_is_sent_again",
            f"{TRANSPORT_TESTS}test_nothing_that_may_have_run_is_sent_twice_as_counted_at_the_server",
        ),
        removals=(
            Removal(RETRY, "safe = idempotent or self.retry_unsafe or fault.may_have_run is False", "safe = True"),
        ),
        threads=(f"{GITHUB}pleaseai/shunt/issues/126", f"{GITHUB}Comfy-Org/comfy-python-sdk/pull/79"),
    ),
    Pitfall(
        number=25,
        hurt="Two layers tried again, each on its own, and their numbers multiplied.",
        handled="There is one layer, above all reading of answers; `attempts` is what the server counts.",
        tests=(
            f"{EXCHANGE_TESTS}test_attempts_are_exactly_the_requests_sent",
            f"{TRANSPORT_TESTS}test_nothing_that_may_have_run_is_sent_twice_as_counted_at_the_server",
        ),
        removals=(
            Removal(RETRY, "if attempt >= self.attempts or", "if attempt > self.attempts or"),
            Removal(
                PERFORMER,
                "answer: HttpResponse | NoAnswer = self._transport.send(command)\n            return answer",
                _AGAIN,
            ),
        ),
        threads=(f"{GITHUB}HKUDS/nanobot/issues/2760", f"{GITHUB}BerriAI/litellm/pull/34129"),
    ),
    Pitfall(
        number=26,
        hurt="`Retry-After` was ignored, crashed as a date, or was rounded down so that the next call came too early.",
        handled="Seconds, dates and milliseconds are read as they are; one beyond the cap is raised, with `.retry_after`, and not shortened.",
        tests=(
            "tests/core/test_faults.py::test_retry_after_in_every_spelling",
            "tests/core/test_faults.py::test_no_retry_after_breaks_the_call",
            f"{EXCHANGE_TESTS}test_retry_after_is_waited_for_and_a_longer_one_than_the_cap_is_raised",
        ),
        removals=(
            Removal(FAULTS, "return number if math.isfinite(number) and number >= 0 else None", "return number"),
            Removal(
                FAULTS,
                "    if seconds is None and (until := _date(value)) is not None:",
                "    if (until := None) is not None:",
            ),
            Removal(FAULTS, 'until - (_date(headers.get("date")) or wall)', "until - wall"),
            Removal(
                RETRY,
                "return fault.retry_after if fault.retry_after <= self.max_delay else None",
                "return min(fault.retry_after, self.max_delay)",
            ),
        ),
        threads=(
            f"{GITHUB}openai/openai-python/pull/3555",
            f"{GITHUB}interviewstreet/hiring-agent/issues/386",
            f"{GITHUB}e2b-dev/E2B/pull/1797",
        ),
    ),
    Pitfall(
        number=27,
        hurt="Falling back went round in circles, without end.",
        handled="A chain that names a connection twice is refused when it is read, and one total time spans all of it.",
        tests=(
            "tests/core/test_fallback.py::test_a_wrong_chain_is_refused_before_anything_is_sent",
            "tests/core/test_fallback.py::test_a_wrong_default_is_refused_when_it_is_read",
            "tests/core/test_fallback.py::test_one_total_time_spans_all_vendors",
        ),
        removals=(
            Removal(
                FALLBACK,
                ".after(tried, now - started, more=other is not None)",
                ".after(tried, 0.0, more=other is not None)",
            ),
            Removal(
                "src/agentbridge/naming.py",
                "        if names.count(name) > 1:\n",
                "        if names.count(name) > 99:\n",
            ),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/issues/6498",),
    ),
    Pitfall(
        number=28,
        hurt="A stream failed after its first words, was begun anew, and the words came twice.",
        handled="Once content was handed out nothing is tried again; the error has the text so far.",
        tests=(
            f"{STREAM_TESTS}test_nothing_is_tried_again_once_content_was_handed_out",
            "tests/core/test_fallback.py::test_a_stream_that_gave_content_never_goes_to_another_vendor",
        ),
        removals=(
            Removal(FALLBACK, "if error.may_have_run or other is None:", "if other is None:"),
            Removal(
                STREAMING,
                "if isinstance(value, Failure) and self._has_content:",
                "if isinstance(value, Failure) and not decoder:",
            ),
        ),
        threads=(f"{GITHUB}NuGuardAI/nuguard/issues/455", f"{GITHUB}BerriAI/litellm/pull/32835"),
    ),
    Pitfall(
        number=29,
        hurt="Falling back was turned off, and a stream fell back all the same.",
        handled="`fallback=False` holds for `invoke`, `stream` and `submit` alike: the candidates are chosen in one place.",
        tests=("tests/core/test_fallback.py::test_falling_back_can_be_turned_off_for_a_call",),
        removals=(Removal(FALLBACK, "if len(places) == 1 or not fallback:", "if len(places) == 1:"),),
        threads=(f"{GITHUB}BerriAI/litellm/issues/19077",),
    ),
    Pitfall(
        number=30,
        hurt="A stream was opened only when it was iterated, so that its errors came outside of the block that expected them.",
        handled="Entering the `with` block sends the request and raises what `invoke` raises.",
        tests=(f"{STREAM_TESTS}test_a_refusal_is_raised_on_entering_and_not_when_it_is_iterated",),
        removals=(
            Removal(
                STREAM,
                "    def __enter__(self) -> Self:\n        self._advance()\n",
                "    def __enter__(self) -> Self:\n",
            ),
            Removal(
                STREAM,
                "    async def __aenter__(self) -> Self:\n        await self._advance()\n",
                "    async def __aenter__(self) -> Self:\n",
            ),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/pull/26067",),
    ),
    Pitfall(
        number=31,
        hurt="The body of a request was changed between two attempts.",
        handled="An Invocation is frozen and copies what it is given; the bytes are fixed once, before the first attempt.",
        tests=(
            "tests/core/test_bridge.py::test_what_a_caller_changes_meanwhile_changes_no_later_attempt",
            "tests/core/test_model.py::test_values_are_frozen_and_copy_what_they_are_given",
        ),
        removals=(
            Removal(
                "src/agentbridge/exchange/running.py",
                "        value = yield from attempt(send if",
                "        from ..body import encode\n\n        send = attrs.evolve(send, body=encode(send.request))\n        value = yield from attempt(send if",
            ),
            Removal("src/agentbridge/wire.py", "    return dict(mapping)\n", "    return mapping\n"),
        ),
        threads=(f"{GITHUB}Comfy-Org/comfy-python-sdk/pull/79",),
    ),
    Pitfall(
        number=32,
        hurt="A timeout was one for each read, so that a server that drips was waited for without end.",
        handled="`Timeouts.total` bounds the whole call, whatever the server does, in both worlds.",
        tests=(f"{TRANSPORT_TESTS}test_a_slow_vendor_is_left_in_time_and_not_asked_again",),
        removals=(
            Removal(
                "src/agentbridge/transport/deadline.py",
                "    if deadline is None:\n        return timeout\n",
                "    if deadline is None or deadline:\n        return timeout\n",
            ),
            Removal(HTTPX, "async with loops.timeout(left(send.deadline)):", "async with loops.timeout(None):"),
        ),
        threads=(f"{GITHUB}openai/openai-python/issues/2599", f"{GITHUB}simonw/llm-gemini/issues/74"),
    ),
    Pitfall(
        number=33,
        hurt="A library overrode the timeouts of the client that its user had made.",
        handled="The timeouts of a client of yours count, unless you say others to the bridge or the call.",
        tests=("tests/core/test_http_client.py::test_timeouts_of_the_client_count_unless_the_bridge_says_otherwise",),
        removals=(
            Removal(
                COMMON,
                "        if send.timeouts is None and self._client is not None:\n            limits = self._client.timeout.as_dict()\n",
                "",
            ),
        ),
        threads=(f"{GITHUB}mistralai/client-python/issues/449",),
    ),
    Pitfall(
        number=34,
        hurt="A stream hung in silence for ever, or was kept alive by heartbeats that say nothing.",
        handled="`Timeouts.idle` counts bytes of any kind, `Timeouts.content` events only.",
        tests=(
            f"{STREAM_TESTS}test_a_stream_that_falls_silent_is_left_in_time_with_the_text_so_far",
            f"{STREAM_TESTS}test_heartbeats_count_for_idle",
        ),
        removals=(
            Removal(
                STREAMING,
                "None if content is None else last_event + content)",
                "None)",
            ),
            Removal(
                COMMON,
                'limits["read"] = (send.timeouts or DEFAULT_TIMEOUTS).idle',
                'limits["read"] = (send.timeouts or DEFAULT_TIMEOUTS).answer',
            ),
        ),
        threads=(f"{GITHUB}2389-research/tracker/issues/575", f"{GITHUB}openonion/connectonion/issues/1116"),
    ),
    Pitfall(
        number=35,
        hurt="Leaving a stream early left its connection open, or ended in noise about generators.",
        handled="A stream is a context manager, not a generator: leaving it by any way closes its connection.",
        tests=(
            f"{STREAM_TESTS}test_leaving_early_closes_the_connection",
            f"{STREAM_TESTS}test_a_stream_is_cancelled_with_its_task",
            f"{STREAM_TESTS}test_leaving_early_closes_the_connection_of_a_task_too",
        ),
        removals=(
            Removal(
                STREAM,
                "    def __exit__(self, *exc: object) -> None:\n        self.close()\n",
                "    def __exit__(self, *exc: object) -> None:\n        pass\n",
            ),
            Removal(
                STREAM,
                "    async def __aexit__(self, *exc: object) -> None:\n        await self.close()\n",
                "    async def __aexit__(self, *exc: object) -> None:\n        pass\n",
            ),
        ),
        threads=(
            f"{GITHUB}HKUDS/LightRAG/issues/3634",
            f"{GITHUB}simonw/llm/pull/1659",
            f"{GITHUB}BerriAI/litellm/issues/12861",
        ),
    ),
    Pitfall(
        number=36,
        hurt="A stream could not be ended from another task, since its generator was running.",
        handled="`close()` acts on the connection, so that a read that waits elsewhere ends at once.",
        tests=(
            f"{STREAM_TESTS}test_a_stream_is_closed_from_another_thread",
            f"{STREAM_TESTS}test_a_stream_is_closed_from_another_task",
        ),
        removals=(
            Removal(
                OPENED,
                'a read that waits ends at once."""\n        _break_off(self._response)\n',
                'a read that waits ends at once."""\n',
            ),
            Removal(OPENED, "        if self._is_reading", "        if False"),
        ),
        threads=(f"{GITHUB}googleapis/python-genai/issues/2425",),
    ),
    Pitfall(
        number=37,
        hurt="Streams were cut at line separators inside of their JSON (U+2028, U+0085), as `str.splitlines` does.",
        handled="An SSE parser of our own, on bytes: lines end at LF, CR and CRLF and nowhere else.",
        tests=(
            f"{SSE_TESTS}test_a_stream_means_what_the_standard_says",
            "plugins/flowise/tests/test_recorded_streams.py::test_a_recorded_stream_becomes_the_result_that_was_meant",
        ),
        removals=(Removal(SSE, 'text.split(b"\\n")', 'text.replace("\\u2028".encode(), b"\\n").split(b"\\n")'),),
        threads=(
            f"{GITHUB}florimondmanca/httpx-sse/issues/34",
            f"{GITHUB}fern-api/fern/pull/15495",
            f"{GITHUB}Soju06/codex-lb/issues/1010",
        ),
    ),
    Pitfall(
        number=38,
        hurt="A CRLF that was cut between two chunks made an event of its own, or none.",
        handled="The parser knows where a CR ended a chunk; the same bytes in any chunks give the same events.",
        tests=(
            f"{SSE_TESTS}test_a_stream_means_what_the_standard_says",
            f"{SSE_TESTS}test_any_chunking_gives_the_same_events",
        ),
        removals=(
            Removal(SSE, '            chunk = chunk.removeprefix(b"\\n")\n', ""),
            Removal(SSE, 'text.replace(b"\\r\\n", b"\\n").replace(b"\\r", b"\\n")', 'text.replace(b"\\r\\n", b"\\n")'),
        ),
        threads=(f"{GITHUB}hey-api/hey-api/issues/3054", f"{GITHUB}vercel/ai/pull/6200"),
    ),
    Pitfall(
        number=39,
        hurt="A letter that was cut between two chunks was spoilt, `data:` without a blank lost a letter, one event took all memory.",
        handled="Only whole events are decoded, the blank is optional, and one event has at most 64 MB.",
        tests=(
            f"{SSE_TESTS}test_a_stream_means_what_the_standard_says",
            f"{SSE_TESTS}test_any_chunking_gives_the_same_events",
            f"{SSE_TESTS}test_an_event_without_end_is_refused",
        ),
        removals=(
            Removal(
                SSE,
                "        if self._start is not None:\n            chunk = self._skip_mark(chunk)\n",
                '        chunk = chunk.decode("utf-8", "replace").encode()\n        if self._start is not None:\n            chunk = self._skip_mark(chunk)\n',
            ),
            Removal(SSE, 'line[6:] if line[5:6] == b" " else line[5:]', "line[6:]"),
            Removal(SSE, "if not events and self._size > self._largest:", "if not events and self._size < 0:"),
        ),
        threads=(f"{GITHUB}praxis-proxy/praxis/pull/739", f"{GITHUB}agentclientprotocol/python-sdk/pull/135"),
    ),
    Pitfall(
        number=40,
        hurt="A byte order mark cost the first event, a stream that stopped inside of one passed as whole, and `data:` was cut out of answers.",
        handled="The mark is skipped, half an event is known as such, and what an event says is left alone.",
        tests=(
            f"{SSE_TESTS}test_a_stream_means_what_the_standard_says",
            f"{SSE_TESTS}test_a_stream_that_stops_inside_an_event_is_unfinished",
            "plugins/flowise/tests/test_recorded_streams.py::test_a_recorded_stream_becomes_the_result_that_was_meant",
        ),
        removals=(
            Removal(SSE, "return start.removeprefix(_BOM)", "return start"),
            Removal(SSE, "return bool(self._pieces or self._data)", "return False"),
            Removal(
                SSE,
                'self._data.append(line[6:] if line[5:6] == b" " else line[5:])',
                'self._data.append(line.replace(b"data:", b"")[1:])',
            ),
        ),
    ),
)

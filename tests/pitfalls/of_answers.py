"""Pitfalls 1 to 21: errors and what they mean, and what a vendor cannot take."""

from __future__ import annotations

from pitfall import Pitfall, Removal

GITHUB = "https://github.com/"
VERDICT = "src/agentbridge/verdict.py"
EXCHANGE = "src/agentbridge/exchange/running.py"
RULES = "src/agentbridge/rules.py"
CHECKS = "src/agentbridge/planning/checks.py"
WIRE = "src/agentbridge/wire.py"
READING = "src/agentbridge/reading/models.py"
DECODER = "plugins/flowise/src/agentbridge_flowise/decoder.py"
EXCHANGE_TESTS = "tests/core/test_exchange.py::"
FLOWISE_CONTRACT = "plugins/flowise/tests/test_contract.py::TestFlowise::"
FLOWISE_STREAMS = "plugins/flowise/tests/test_recorded_streams.py::"
FLOWISE_ANSWERS = "plugins/flowise/tests/test_recorded_exchanges.py::"

PITFALLS = (
    Pitfall(
        number=1,
        hurt="An error inside a 200 was not recognised, and was of another class when it came in a stream.",
        handled="All forms end in one `Fault`, and the core alone makes exceptions of faults.",
        tests=("tests/core/test_one_failure.py::test_a_failure_is_the_same_in_every_form",),
        removals=(
            Removal(
                VERDICT, "        if isinstance(value, Fault):\n            return _failure(value, answer, wall)\n", ""
            ),
            Removal(
                VERDICT,
                "    if isinstance(value, Fault):\n        fault = complete(value, 200)\n",
                "    if not value:\n        fault = complete(value, 200)\n",
            ),
        ),
        threads=(f"{GITHUB}langchain-ai/langchain/issues/40362",),
    ),
    Pitfall(
        number=2,
        hurt="Users knew an error of their vendor that the library did not, and could teach it only by code; messages leaked keys.",
        handled="Fault rules in the configuration go before the plugin's own reading, and what they quote is masked.",
        tests=(
            "tests/core/test_rules.py::test_a_rule_overrides_the_providers_own_class",
            "tests/core/test_rules.py::test_what_a_rule_says_is_masked_like_everything",
        ),
        removals=(
            Removal(
                RULES,
                "return read(response) if seen is None else attrs.evolve(seen[1], partial=_read(read, response))",
                "return read(response)",
            ),
            Removal(VERDICT, "    fault = _masked(failure.fault, redactor)\n", "    fault = failure.fault\n"),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/issues/32193",),
    ),
    Pitfall(
        number=3,
        hurt="A 400 that only mentioned a rate limit was taken for one, and tried again for ever.",
        handled="Status and documented fields decide. A fixed sentence that is a vendor's only sign is matched whole.",
        tests=(
            "tests/core/test_one_failure.py::test_a_failure_is_the_same_in_every_form",
            "tests/core/test_rules.py::test_a_condition_holds_for_exactly_what_it_says",
            f"{FLOWISE_CONTRACT}test_other_words_leave_an_error_what_it_is",
            f"{FLOWISE_CONTRACT}test_an_answer_may_mention_errors",
        ),
        removals=(
            Removal(
                "plugins/flowise/src/agentbridge_flowise/failures.py",
                "sentence.fullmatch(message)",
                "sentence.search(message)",
            ),
            Removal(RULES, "re.fullmatch(self.matches", "re.search(self.matches"),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/pull/27915",),
    ),
    Pitfall(
        number=4,
        hurt="A refusal of the vendor came out as an outage, since the outer status was believed and the inner one lost.",
        handled="The inner status decides the class; the true HTTP status stays in `.status`, the inner one in `.code`.",
        tests=(
            "plugins/flowgent/tests/test_read.py::test_an_inner_status_decides_and_of_two_errors_the_worse",
            "plugins/promptitude/tests/test_read.py::test_the_code_of_the_body_decides",
        ),
        removals=(
            Removal(
                "plugins/flowgent/src/agentbridge_flowgent/endpoint.py",
                "inner_failed = [status for status in inner if status is not None and not 200 <= status <= 299]",
                "inner_failed: list[int] = []",
            ),
            Removal(
                "plugins/promptitude/src/agentbridge_promptitude/endpoint.py",
                "    if envelope.is_error_code:\n        return fault_from_status(envelope.number or 0, message, code=code, partial=partial)\n",
                "",
            ),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/issues/17131",),
    ),
    Pitfall(
        number=5,
        hurt="An error was tried again because its class inherited from one that may be.",
        handled="`retryable` is a fact of each error, not of its class.",
        tests=("tests/core/test_errors.py::test_retryable_is_a_fact_of_the_fault_and_not_of_the_class",),
        removals=(
            Removal(
                "src/agentbridge/errors.py",
                "return bool(self.fault.retryable)",
                "return isinstance(self, (RateLimitError, UnavailableError))",
            ),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/pull/22697", f"{GITHUB}Arize-ai/phoenix/pull/2126"),
    ),
    Pitfall(
        number=6,
        hurt="The page of a proxy in between was thrown away, and an error without a word was left.",
        handled="An unreadable refusal keeps its status, its whole body, and says how the body begins.",
        tests=(f"{EXCHANGE_TESTS}test_an_unreadable_error_page_is_still_its_status",),
        removals=(
            Removal(VERDICT, "    if not response.ok:\n        return _by_status(response, wall)\n", ""),
            Removal(
                VERDICT,
                "excerpt = bool(response.content.strip()) and not 300 <= response.status <= 399",
                "excerpt = False",
            ),
        ),
        threads=(f"{GITHUB}earendil-works/pi/issues/5763",),
    ),
    Pitfall(
        number=7,
        hurt="A login page in a 200 became a bare JSONDecodeError.",
        handled="It is a `MalformedResponseError` that says what came, how it begins, and that it looks like a web page.",
        tests=(f"{FLOWISE_ANSWERS}test_a_recorded_failure_is_raised_as_what_it_is",),
        removals=(
            Removal(
                VERDICT,
                "    except Exception as error:\n        return _unreadable(",
                "    except ZeroDivisionError as error:\n        return _unreadable(",
            ),
            Removal(
                VERDICT,
                '" It looks like a web page: check base_url" if _is_page(response) and response.ok else ""',
                '""',
            ),
        ),
        threads=(f"{GITHUB}Significant-Gravitas/AutoGPT/issues/944", f"{GITHUB}lorenzodifuccia/safaribooks/issues/381"),
    ),
    Pitfall(
        number=8,
        hurt="A 200 whose body says that it failed was taken for a success.",
        handled="Any flag, code or status that says no is a failure, in every combination and spelling.",
        tests=("plugins/promptitude/tests/test_read.py::test_any_combination_of_flag_code_and_status_is_a_failure",),
        removals=(
            Removal(
                "plugins/promptitude/src/agentbridge_promptitude/endpoint.py",
                "if envelope.is_flagged or envelope.is_error_code or not response.ok:",
                "if not response.ok:",
            ),
        ),
        threads=(f"{GITHUB}miteshsondhi/gulp-cloudflare/pull/2",),
    ),
    Pitfall(
        number=9,
        hurt="A wrapper lost the error inside of it, and every status became 503.",
        handled="What a plugin raised is chained by its type and place, and the vendor's own code travels in `.code`.",
        tests=(
            f"{EXCHANGE_TESTS}test_what_read_raises_is_chained_by_its_type_alone",
            "plugins/flowgent/tests/test_read.py::test_the_documented_errors_of_chat",
        ),
        removals=(
            Removal(VERDICT, "    error.__cause__ = failure.cause\n", ""),
            Removal(
                "plugins/flowgent/src/agentbridge_flowgent/endpoint.py",
                "fault_from_status(max(statuses, key=_badness), message, code=envelope.code)",
                "fault_from_status(max(statuses, key=_badness), message)",
            ),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/pull/38153",),
    ),
    Pitfall(
        number=10,
        hurt="A call succeeded with an empty answer, and nobody was told.",
        handled='Blank text is a Result with the warning "empty answer".',
        tests=(f"{EXCHANGE_TESTS}test_blank_text_with_proof_is_an_answer_with_a_warning",),
        removals=(
            Removal(
                EXCHANGE,
                'empty = (_EMPTY,) if whole and (result.text or " ").isspace() and _EMPTY not in result.warnings else ()',
                "empty = ()",
            ),
        ),
        threads=(f"{GITHUB}langgenius/dify/issues/33721", f"{GITHUB}langgenius/dify/issues/23777"),
    ),
    Pitfall(
        number=11,
        hurt="A stream answered 200 and sent not one byte, and that was an answer.",
        handled="A stream without its sign of success is a `StreamInterruptedError`.",
        tests=(
            f"{FLOWISE_CONTRACT}test_a_stream_of_nothing_is_never_an_answer",
            "tests/core/test_streams.py::test_a_stream_of_nothing_is_never_an_empty_success",
        ),
        removals=(
            Removal(
                DECODER,
                'return Fault(FaultKind.INTERRUPTED, f"the stream {where}", partial=self._partial())',
                "return self._partial()",
            ),
        ),
        threads=(f"{GITHUB}langflow-ai/langflow/issues/8990",),
    ),
    Pitfall(
        number=12,
        hurt="A stream ended well, and there was nothing in it but its metadata.",
        handled='The warning "empty answer", and the id of the message that the vendor stored, to be asked for.',
        tests=(f"{FLOWISE_STREAMS}test_a_stream_of_nothing_but_metadata_names_the_message_to_look_for",),
        removals=(
            Removal(DECODER, '"chatMessageId": metadata.get("chatMessageId"),', '"chatMessageId": None,'),
            Removal(
                EXCHANGE,
                'empty = (_EMPTY,) if whole and (result.text or " ").isspace() and _EMPTY not in result.warnings else ()',
                "empty = ()",
            ),
        ),
        threads=(f"{GITHUB}FlowiseAI/Flowise/issues/5592", f"{GITHUB}FlowiseAI/Flowise/issues/5253"),
    ),
    Pitfall(
        number=13,
        hurt="The server never said that it was done or had failed, and the client waited on.",
        handled="`Timeouts.idle` and `.content` end the wait, and the text so far is in `.partial`; no end is no success.",
        tests=(
            "tests/core/test_streams.py::test_a_stream_that_falls_silent_is_left_in_time_with_the_text_so_far",
            f"{FLOWISE_STREAMS}test_a_stream_that_is_cut_anywhere_before_its_end_is_never_a_success",
        ),
        removals=(
            Removal(
                "src/agentbridge/transport/common.py",
                'limits["read"] = (send.timeouts or DEFAULT_TIMEOUTS).idle',
                'limits["read"] = (send.timeouts or DEFAULT_TIMEOUTS).answer',
            ),
            Removal(
                DECODER,
                "        if self._metadata is None:\n            where",
                "        if not self._text and self._metadata is None:\n            where",
            ),
        ),
        threads=(f"{GITHUB}langgenius/dify/issues/36943", f"{GITHUB}langgenius/dify/issues/31253"),
    ),
    Pitfall(
        number=14,
        hurt="The connection broke in the middle of an answer, and what had come was lost with it.",
        handled="What arrived is in `.partial` of the error, and its bytes in `.response`.",
        tests=(
            f"{FLOWISE_STREAMS}test_a_recorded_failure_inside_of_a_stream_is_raised",
            "tests/core/test_transports.py::test_what_arrived_of_a_broken_answer_is_kept",
        ),
        removals=(
            Removal(
                DECODER,
                'return Fault(FaultKind.INTERRUPTED, f"the stream {where}", partial=self._partial())',
                'return Fault(FaultKind.INTERRUPTED, f"the stream {where}")',
            ),
            Removal(
                "src/agentbridge/transport/common.py",
                "    partial = attrs.evolve(head, content=",
                "    partial = head\n    attrs.evolve(head, content=",
            ),
        ),
        threads=(f"{GITHUB}langgenius/dify/issues/35165",),
    ),
    Pitfall(
        number=15,
        hurt="An error event in the middle of a stream was swallowed.",
        handled="It is raised as the class that it means, with the text so far.",
        tests=(
            f"{FLOWISE_STREAMS}test_a_recorded_failure_inside_of_a_stream_is_raised",
            f"{FLOWISE_CONTRACT}test_an_error_after_text_keeps_the_text",
        ),
        removals=(
            Removal(
                DECODER,
                "        if self._error is not None:\n            from . import failures\n\n            return failures.in_stream(self._error, self._partial())\n",
                "",
            ),
        ),
        threads=(f"{GITHUB}groq/groq-python/pull/119",),
    ),
    Pitfall(
        number=16,
        hurt="The vendor added a field or a value, and every client broke that day.",
        handled="Unknown fields and events pass; an optional field of the wrong type becomes a warning; only the proof of an answer may fail. `bridge.drift` counts what nobody knew.",
        tests=(
            f"{FLOWISE_CONTRACT}test_unknown_events_harm_no_stream",
            f"{FLOWISE_CONTRACT}test_unknown_fields_harm_no_answer",
            f"{FLOWISE_CONTRACT}test_only_the_proof_may_fail",
            "plugins/promptitude/tests/test_read.py::test_an_unreadable_log_id_is_a_warning",
            "tests/vendors/test_drift.py::test_what_a_vendor_adds_is_counted_once",
            "tests/core/test_drift.py::test_a_bridge_counts_what_nobody_knows_for_each_connection",
        ),
        removals=(
            Removal(READING, 'extra="ignore", coerce', 'extra="forbid", coerce'),
            Removal(READING, 'return union_schema([wanted, fallback], mode="left_to_right")', "return wanted"),
            Removal(
                DECODER,
                "        if handler is not None:\n            return handler(self, value)\n",
                "        return self._HANDLERS[name](self, value)\n",
            ),
            Removal(READING, "            active.compare(names_of(cls), data)\n", "            pass\n"),
        ),
        threads=(f"{GITHUB}apify/apify-client-python/issues/931", f"{GITHUB}GitGuardian/py-gitguardian/pull/191"),
    ),
    Pitfall(
        number=17,
        hurt="JSON with a byte order mark was refused, and NaN was let through into documents that no other reader takes.",
        handled="The mark is skipped, NaN and Infinity are refused, and of a name that is there twice the last value counts.",
        tests=(
            "tests/core/test_model.py::TestHttpResponse::test_what_is_not_json_is_a_value_error",
            "tests/core/test_model.py::TestHttpResponse::test_a_byte_order_mark_is_skipped",
            "tests/core/test_model.py::TestHttpResponse::test_of_a_name_that_is_there_twice_the_last_value_counts",
        ),
        removals=(
            Removal(WIRE, "content.removeprefix(_BYTE_ORDER_MARK).decode()", "content.decode()"),
            Removal(
                WIRE,
                "_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)\n",
                "_DECODER = json.JSONDecoder()\n",
            ),
        ),
    ),
    Pitfall(
        number=18,
        hurt="A parameter that the vendor does not know was left out without a word.",
        handled="`UnsupportedFeatureError` names the field before anything is sent; what is dropped on request is named in `Result.dropped`.",
        tests=(
            "tests/core/test_bridge.py::test_a_field_that_the_vendor_cannot_carry_is_refused_before_anything_is_sent",
            "tests/core/test_bridge.py::test_what_may_be_dropped_is_dropped_when_asked_for_and_named",
        ),
        removals=(
            Removal(
                CHECKS,
                "        if field not in dropped:\n            raise UnsupportedFeatureError(field, _why(field, provider), provider=provider.name)\n",
                "        pass\n",
            ),
            Removal(EXCHANGE, "            dropped=asked.dropped,\n", ""),
        ),
        threads=(f"{GITHUB}withceleste/celeste-python/issues/210", f"{GITHUB}veryfront/veryfront-code/issues/1049"),
    ),
    Pitfall(
        number=19,
        hurt="One switch that drops what is unsupported dropped what mattered, too.",
        handled="Only `session_id`, `user_id` and `callback_url` can be dropped, and a call can say otherwise than its bridge.",
        tests=(
            "tests/core/test_bridge.py::test_what_the_caller_wanted_to_say_is_never_dropped",
            "tests/core/test_bridge.py::test_the_call_outweighs_the_connection_and_the_connection_the_bridge",
        ),
        removals=(
            Removal(CHECKS, 'if field in DROPPABLE and on_unsupported == "drop")', 'if on_unsupported == "drop")'),
            Removal(
                "src/agentbridge/planning/settling.py",
                "settings=settings.over(connection).over(defaults),",
                "settings=defaults,",
            ),
        ),
        threads=(f"{GITHUB}joryirving/home-ops/pull/9236",),
    ),
    Pitfall(
        number=20,
        hurt='The text "false" in a configuration was taken for true.',
        handled="Configuration is read strictly: a switch is a boolean or an error that names it.",
        tests=("tests/core/test_config.py::test_a_typo_is_named_with_its_file_and_the_remedy",),
        removals=(
            Removal("src/agentbridge/tables.py", 'extra="forbid", strict=True,', 'extra="forbid", strict=False,'),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/pull/33738",),
    ),
    Pitfall(
        number=21,
        hurt="Null or an empty text was sent for what nobody had said, and the server crashed on it; overrides were ignored in silence.",
        handled="What is not said is not sent, and an empty id is refused. That Flowise ignores overrides which a flow forbids stands in its README.",
        tests=(
            "plugins/flowgent/tests/test_request.py::test_earlier_turns_come_first_and_the_text_last",
            "plugins/promptitude/tests/test_operations.py::test_what_is_sent",
            "tests/core/test_attacks.py::test_an_empty_id_is_not_sent",
        ),
        removals=(
            Removal(
                "plugins/flowgent/src/agentbridge_flowgent/provider.py",
                "said = {name: value for name, value in body.items() if value is not None}",
                "said = body",
            ),
            Removal(
                "plugins/promptitude/src/agentbridge_promptitude/endpoint.py", "exclude_none=True", "exclude_none=False"
            ),
            Removal(CHECKS, "if not value and field in DROPPABLE:", "if not value and field in frozenset():"),
        ),
        threads=(f"{GITHUB}FlowiseAI/Flowise/issues/5177", f"{GITHUB}FlowiseAI/Flowise/issues/2337"),
    ),
)

"""Pitfalls 41 to 58: plugins, processes, secrets, sessions, callbacks."""

from __future__ import annotations

from pitfall import Pitfall, Removal

GITHUB = "https://github.com/"
PLUGINS = "src/agentbridge/plugins.py"
PLANNING = "src/agentbridge/planning/runs.py"
VERDICT = "src/agentbridge/verdict.py"
CASSETTES = "src/agentbridge/testing/cassettes.py"
PERFORMER = "src/agentbridge/transport/performer.py"
STREAMING = "src/agentbridge/exchange/streaming.py"
DECIDING = "src/agentbridge/callbacks/deciding.py"
BROKEN_PLUGIN = "tests/core/test_isolation.py::test_a_broken_distribution_is_named_and_harms_no_other"
SESSION_TESTS = "tests/core/test_sessions.py::"
RECEIVER_TESTS = "tests/callbacks/test_receiver.py::"

PITFALLS = (
    Pitfall(
        number=41,
        hurt="One plugin that did not load took all others with it.",
        handled="Each is loaded alone, whole or not at all; what is wrong with it stands in `failures`, by plugin and distribution. `strict=True` raises.",
        tests=(
            BROKEN_PLUGIN,
            "tests/core/test_isolation.py::test_what_a_broken_plugin_would_have_brought_is_still_free",
            "tests/core/test_plugins.py::test_strict_raises_instead",
            "tests/core/test_plugins.py::test_a_name_clash_refuses_the_second_and_names_both",
        ),
        removals=(
            Removal(
                PLUGINS,
                "    except (Exception, SystemExit) as error:\n        message",
                "    except (ImportError, SyntaxError) as error:\n        message",
            ),
            Removal(PLUGINS, "            self._providers, self._origins = before\n", ""),
            Removal(PLUGINS, "if provider.name in self._providers:", "if provider.name in ():"),
            Removal(PLUGINS, "if provider.api_version != API_VERSION:", "if provider.api_version == -1:"),
            Removal(PLUGINS, "                if self._strict:\n", "                if False:\n"),
        ),
        threads=(
            f"{GITHUB}simonw/llm/pull/1351",
            f"{GITHUB}datachain-ai/datachain/issues/1904",
            f"{GITHUB}conda/conda/pull/12460",
        ),
    ),
    Pitfall(
        number=42,
        hurt="A plugin could not be found for a moment, and was not found from then on.",
        handled="What failed is tried again when it is asked for by its name.",
        tests=("tests/core/test_plugins.py::test_a_plugin_that_failed_is_tried_again_when_it_is_asked_for",),
        removals=(
            Removal(PLUGINS, "            self._forget_failure(name)\n", ""),
            Removal(PLUGINS, "                    self._tried.remove(point)\n", ""),
        ),
        threads=(f"{GITHUB}EleutherAI/lm-evaluation-harness/issues/4203",),
    ),
    Pitfall(
        number=43,
        hurt="An import took seconds, or went to the network and hung.",
        handled="`import agentbridge` loads nothing but a table of names: no HTTP library, no pydantic, no plugin, no SSL.",
        tests=(
            "tests/core/test_package.py::test_importing_loads_no_http_library_no_plugin_and_nothing_that_could",
            "tests/cli/test_process.py::test_help_imports_nothing_heavy",
        ),
        removals=(
            Removal(
                "src/agentbridge/__init__.py",
                "    _MODULES = {\n",
                "    import ssl as _ssl  # noqa\n\n    _MODULES = {\n",
            ),
            Removal("src/agentbridge/_lazy.py", "import sys\n", "import sys\n\nimport pydantic  # noqa\n"),
        ),
        threads=(
            f"{GITHUB}BerriAI/litellm/issues/2677",
            f"{GITHUB}BerriAI/litellm/issues/926",
            f"{GITHUB}openai/openai-python/issues/2339",
        ),
    ),
    Pitfall(
        number=44,
        hurt="An error could not be pickled, and the real one was lost on its way out of a worker.",
        handled="Every error pickles and copies with all its fields, and takes no secret along.",
        tests=(
            "tests/core/test_errors.py::test_every_error_pickles_and_copies_with_all_its_fields",
            "tests/core/test_errors.py::test_an_error_of_a_users_own_with_another_init_pickles_too",
            "tests/core/test_errors.py::test_no_pickle_holds_what_stood_in_auth",
        ),
        removals=(
            Removal(
                "src/agentbridge/errors.py",
                "        return _rebuild, (type(self), self.args, self.__dict__)\n",
                "        return type(self), self.args\n",
            ),
            Removal("src/agentbridge/wire.py", 'return {**state, "auth": {}}', "return state"),
        ),
        threads=(f"{GITHUB}meridianlabs-ai/inspect_scout/issues/616", f"{GITHUB}ray-project/ray/issues/20830"),
    ),
    Pitfall(
        number=45,
        hurt='"Event loop is closed": a client was used in a second loop, or in a fork, or a blocking call inside of a running loop.',
        handled="Connections belong to one loop and one process, and are opened anew in another.",
        tests=(
            "tests/core/test_bridge.py::test_an_async_bridge_serves_one_event_loop_after_the_other",
            "tests/core/test_bridge.py::test_a_bridge_serves_many_threads",
            "tests/core/test_attacks.py::test_a_forked_process_does_not_share_its_parents_connections",
            "tests/lifecycle/test_lifecycle.py::test_the_blocking_bridge_works_inside_a_running_event_loop_as_in_a_notebook",
            "tests/lifecycle/test_lifecycle.py::test_event_loops_in_many_threads_use_one_bridge",
            "tests/core/test_smtp.py::test_the_blocking_bridge_works_below_a_running_loop",
        ),
        removals=(
            Removal(
                "src/agentbridge/async_bridge.py",
                "        loop = loops.running_loop()\n        key = ",
                "        loop = None\n        key = ",
            ),
            Removal("src/agentbridge/bridge.py", "key = (os.getpid(), library,", "key = (0, library,"),
            Removal(
                "src/agentbridge/transport/smtp.py",
                "    with ThreadPoolExecutor(1) as thread:  # a notebook's loop, say, cannot run another one inside\n        return thread.submit(asyncio.run, sending).result()\n",
                "    return asyncio.run(sending)\n",
            ),
        ),
        threads=(f"{GITHUB}encode/httpx/issues/2473", f"{GITHUB}conductor-oss/python-sdk/issues/507"),
    ),
    Pitfall(
        number=46,
        hurt="Clients were kept in a global cache: they leaked, or were handed out closed, or somebody else's was closed.",
        handled="Nothing is global. A bridge closes the connections that it opened and no others.",
        tests=(
            "tests/core/test_http_client.py::test_hooks_and_headers_of_the_client_are_used_and_it_stays_open",
            "tests/lifecycle/test_soak.py::test_a_soak_of_every_outcome_stays_flat[sync-httpx2]",
        ),
        removals=(
            Removal(
                "src/agentbridge/bridge.py",
                "                if process == os.getpid():",
                "                if process < 0:",
            ),
            Removal(
                "src/agentbridge/transport/httpx.py",
                "        for transport in self._transports.values():\n            transport.close()\n",
                "        (self._client or self._transport(None, has_tls=False)).close()\n",
            ),
        ),
        threads=(
            f"{GITHUB}BerriAI/litellm/issues/14540",
            f"{GITHUB}Skyvern-AI/skyvern/pull/4676",
            f"{GITHUB}openai/openai-python/issues/874",
        ),
    ),
    Pitfall(
        number=47,
        hurt="A span was held open across the steps of a stream, and its context could not be given back.",
        handled="A span is begun and ended, and never made current; leaving a stream early ends it, and logs nothing.",
        tests=(
            "tests/core/test_otel.py::test_a_stream_that_is_left_early_ends_its_span_and_nothing_is_logged",
            "tests/core/test_otel.py::test_the_span_of_a_stream_is_never_current_in_the_code_that_reads_it",
            "tests/core/test_otel.py::test_tasks_side_by_side_have_each_their_own_parent",
        ),
        removals=(
            Removal(
                "src/agentbridge/otel.py",
                "        self._keep(seen.id, span)\n",
                '        __import__("opentelemetry.context").context.attach(trace.set_span_in_context(span))\n        self._keep(seen.id, span)\n',
            ),
            Removal(
                "src/agentbridge/otel.py",
                "        finally:\n            span.end()\n",
                "        finally:\n            pass\n",
            ),
        ),
        threads=(f"{GITHUB}Arize-ai/openinference/issues/1769", f"{GITHUB}google/adk-python/pull/4919"),
    ),
    Pitfall(
        number=48,
        hurt="The key stood in an exception, a URL or a traceback; vendors even echo it in their errors.",
        handled="Known secrets are masked in every error before it is raised, in every spelling, and secrets stand in one field that is never shown.",
        tests=(
            "tests/core/test_secrets.py::test_no_failure_shows_the_key",
            "tests/core/test_attacks.py::test_a_secret_is_masked_however_the_vendor_spells_it",
            "tests/core/test_attacks.py::test_a_secret_that_the_excerpt_would_cut_is_masked_first",
        ),
        removals=(
            Removal(VERDICT, "    fault = _masked(failure.fault, redactor)\n", "    fault = failure.fault\n"),
            Removal(
                VERDICT,
                "redactor.response(attrs.evolve(response, request=None))",
                "attrs.evolve(response, request=None)",
            ),
            Removal(
                "src/agentbridge/redaction.py",
                "encoded = {spelling for form in forms for spelling in _base64(form)}",
                "encoded: set[str] = set()",
            ),
        ),
        threads=(f"{GITHUB}BerriAI/litellm/issues/8075", f"{GITHUB}BitterSecurity/Decepticon/pull/435"),
    ),
    Pitfall(
        number=49,
        hurt="The HTTP library logged headers and whole URLs; a key with a newline was quoted in the error that it caused.",
        handled="Keys are checked when they are given, and never quoted; what the HTTP libraries log is masked.",
        tests=(
            "tests/core/test_config.py::test_a_key_that_no_header_can_carry_is_refused_without_showing_it",
            "tests/core/test_redaction.py::test_what_http_libraries_log_is_masked",
            "tests/core/test_secrets.py::test_no_failure_shows_the_key",
        ),
        removals=(
            Removal(
                "src/agentbridge/connection.py", "if not (value.isascii() and value.isprintable()):", "if not value:"
            ),
            Removal("src/agentbridge/connection.py", "if not value or value != value.strip():", "if not value:"),
            Removal(PLANNING, "    guard_logs(secrets)\n", ""),
            Removal(
                "src/agentbridge/redaction.py",
                "        logging.getLogger(name).addFilter(_filter)\n",
                "        logging.getLogger(name)\n",
            ),
        ),
    ),
    Pitfall(
        number=50,
        hurt="Recorded exchanges took keys, cookies and files with them into a repository.",
        handled="`agentbridge.testing.vcr_config()` masks keys, cookies, sessions, callback addresses and files, in requests and answers; `make check` looks for what got in all the same.",
        tests=(
            "tests/testing/test_cassette_settings.py::test_nothing_secret_of_a_request_is_recorded",
            "tests/testing/test_cassette_settings.py::test_nothing_secret_of_an_answer_is_recorded",
            "tests/tools/test_scan_secrets.py::test_a_key_is_found_with_its_place_and_not_shown",
        ),
        removals=(
            Removal("tools/scan_secrets.py", '*(_headers(text) if "cassettes/" in path else ())', "*()"),
            Removal(CASSETTES, "request.headers = _headers(request.headers, redactor)", "pass"),
            Removal(
                CASSETTES, "redactor.bytes(_JSON_SESSION.sub(_MASKED, scrub(request.body)))", "scrub(request.body)"
            ),
            Removal(CASSETTES, '_QUERY_SECRET.sub(rf"\\g<1>{MASK}", request.uri)', "request.uri"),
            Removal(CASSETTES, "redactor.bytes(scrub(content))", "content"),
            Removal(CASSETTES, '"headers": _headers(response["headers"], redactor), ', ""),
        ),
        threads=(
            f"{GITHUB}canonical/ubuntu.com/pull/16555",
            f"{GITHUB}kevin1024/vcrpy/issues/961",
            f"{GITHUB}kiwicom/pytest-recording/issues/94",
        ),
    ),
    Pitfall(
        number=51,
        hurt="What stood in the query of a URL was lost when parameters were added to it.",
        handled="URLs are built here: a query is kept and added to. A copied endpoint URL works as target and as address.",
        tests=(
            "tests/core/test_body.py::test_a_query_in_the_url_is_kept_and_added_to",
            "plugins/fluxprompt/tests/test_request.py::test_a_copied_url_names_the_flow_once",
        ),
        removals=(
            Removal(
                "src/agentbridge/body.py",
                '    base, hash_mark, fragment = request.url.partition("#")\n',
                '    base, hash_mark, fragment = request.url.partition("#")\n    base = base.partition("?")[0]\n',
            ),
        ),
    ),
    Pitfall(
        number=52,
        hurt="Two calls of one session ran at once, and their turns were mixed up.",
        handled="Calls of one session take turns, first come, first served, across threads, tasks and loops of a bridge.",
        tests=(
            f"{SESSION_TESTS}test_tasks_that_share_a_session_take_turns_in_the_order_in_which_they_came",
            f"{SESSION_TESTS}test_threads_that_share_a_session_take_turns_in_the_order_in_which_they_came",
        ),
        removals=(
            Removal(PERFORMER, ".await_turn(command.key, self._left(command))", ".await_turn(object(), None)"),
            Removal(PERFORMER, ".wait(command.key, self._left(command))", ".wait(object(), None)"),
        ),
        threads=(f"{GITHUB}nexu-io/open-design/issues/5490", f"{GITHUB}xiaoyu-work/claw-os/issues/19"),
    ),
    Pitfall(
        number=53,
        hurt="Users saw the conversations of others, since a call without a session shared one memory with all.",
        handled="Where a vendor shares its default session, a fresh one is minted; `session_id=SHARED` asks for the shared one. On Flowise the session travels as `sessionId`, beside a `chatId` of each call's own.",
        tests=(
            "tests/core/test_bridge.py::test_no_session_means_no_shared_memory",
            "plugins/fluxprompt/tests/test_emulator.py::test_no_session_means_no_shared_memory",
            "plugins/flowise/tests/test_recovery.py::test_a_run_is_resumed_in_its_session_under_a_chat_id_of_its_own",
        ),
        removals=(
            Removal(
                PLANNING,
                "if invocation.session_id is None and provider.shares_default_session:",
                "if invocation.session_id == provider.name:",
            ),
            Removal(
                "plugins/flowise/src/agentbridge_flowise/provider.py",
                'body["overrideConfig"] = {"sessionId": invocation.session_id}',
                'body["chatId"] = invocation.session_id',
            ),
        ),
        threads=(
            f"{GITHUB}FlowiseAI/Flowise/issues/885",
            f"{GITHUB}FlowiseAI/Flowise/issues/4346",
            f"{GITHUB}FlowiseAI/Flowise/issues/1666",
        ),
    ),
    Pitfall(
        number=54,
        hurt="The first two calls of a new session each made it, and one history was lost.",
        handled="The first two calls take turns like all others, before the vendor knows of the session.",
        tests=(
            f"{SESSION_TESTS}test_the_first_two_calls_of_a_session_do_not_split_it_for_tasks",
            f"{SESSION_TESTS}test_the_first_two_calls_of_a_session_do_not_split_it_for_threads",
        ),
        removals=(Removal(PLANNING, "turn=bound.session_id and (name, agent_id, bound.session_id),", "turn=None,"),),
        threads=(f"{GITHUB}openai/openai-agents-python/pull/3821",),
    ),
    Pitfall(
        number=55,
        hurt="Another HTTP library came in, recordings were passed by, and tests called the live host unnoticed.",
        handled="Whatever leaves the loopback interface fails the whole test run, also where a test hides it. Recordings are played on both libraries.",
        tests=(
            "tests/testing/test_no_network.py::test_an_attempt_to_leave_fails_the_run_also_where_a_test_hides_it",
            "tests/cassettes/test_matrix.py::test_every_cassette_has_an_expectation_and_every_expectation_a_cassette",
        ),
        removals=(
            Removal("conftest.py", "sys.addaudithook(_guard)\n", ""),
            Removal("conftest.py", "        session.exitstatus = pytest.ExitCode.TESTS_FAILED\n", ""),
        ),
        threads=(f"{GITHUB}kevin1024/vcrpy/issues/990",),
    ),
    Pitfall(
        number=57,
        hurt="Anybody could post a callback; some came twice, late, or for another run.",
        handled="Each run has a signed address that takes one answer and ends; what else comes is refused, and written down.",
        tests=(
            "tests/callbacks/test_signing.py::test_an_address_of_another_secret_is_not_verified",
            "tests/callbacks/test_signing.py::test_an_address_that_lives_longer_than_it_was_made_for_is_not_verified",
            f"{RECEIVER_TESTS}test_whatever_is_sent_is_answered_rightly_and_written_down",
            f"{RECEIVER_TESTS}test_a_body_that_lies_about_its_length_is_not_read_on",
            f"{RECEIVER_TESTS}test_one_that_comes_too_late_is_refused_and_kept",
        ),
        removals=(
            Removal(
                "src/agentbridge/callbacks/signing.py",
                "return claim if genuine and token == signed(claim, secret) else None",
                "return claim",
            ),
            Removal(DECIDING, "    if arrived.at >= expected.expires:\n", "    if arrived.at < 0:\n"),
            Removal(DECIDING, "    if is_complete(expected.earlier, expected.answers):\n", "    if arrived.at < 0:\n"),
            Removal(
                DECIDING,
                "    if any(_is_same(arrived, delivery, expected.answers) for delivery in expected.earlier):\n",
                "    if arrived.at < 0:\n",
            ),
            Removal("src/agentbridge/callbacks/app.py", "        if size > largest:\n            return None\n", ""),
        ),
        threads=(
            f"{GITHUB}CALLE-AI/awesome-phone-call-agents/issues/91",
            f"{GITHUB}triggerdotdev/trigger.dev/pull/2025",
            f"{GITHUB}skein-js/skein-js/pull/25",
        ),
    ),
    Pitfall(
        number=58,
        hurt="A stream was asked for and JSON came, or the vendor does not stream at all.",
        handled="The same events are made from the finished answer, and `Result.synthetic` says so.",
        tests=(
            "tests/core/test_streams.py::test_a_vendor_that_does_not_stream_gives_the_same_events_from_its_answer",
            "tests/core/test_streams.py::test_a_stream_that_is_answered_in_plain_json_is_read_as_such",
        ),
        removals=(
            Removal(STREAMING, "        result = attrs.evolve(result, synthetic=True)\n", ""),
            Removal(STREAMING, 'head.ok and head.content_type == "text/event-stream":', "head.ok:"),
            Removal(STREAMING, "        yield Emit((*one.opening(), *_synthetic(result)))\n", ""),
        ),
    ),
)

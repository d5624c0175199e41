"""What people have already becomes samples; what does not is named with its place."""

from __future__ import annotations

import base64
import csv
import gzip
import json
from pathlib import Path

import pytest
import yaml

from agentbridge import Bridge, ConfigurationError, File, Invocation, Link
from agentbridge.migrate import from_cassettes, from_csv, from_curl, from_har, read_samples, write_samples
from agentbridge.migrate.importers import Skipped

CASSETTES = Path(__file__).parents[2] / "cassettes"
KEY = "canary-key-88aa77bb"
FLUX = "https://api.fluxprompt.ai/flux/api-v2?flowId=f-1"
BODY = {"variableInputs": [{"inputId": "in", "inputText": "Where is my parcel?"}]}
ENVELOPE = {"status": "success", "data": {"message": [{"text": "On its way."}]}}
ACCEPTED = {"executionId": "e-1", "statusUrl": "https://elsewhere.example/flux/executions/e-1", "status": "in_progress"}
DONE = {"executionId": "e-1", "status": "completed", "output": "On its way."}


@pytest.fixture
def bridge():
    with Bridge({}, connections={"eu": {"provider": "flowise", "base_url": "https://flows.example/x"}}) as bridge:
        yield bridge


def all_of(imported):
    return list(imported), imported.skipped


def curl(text, bridge, **more):
    return all_of(from_curl(text, bridge, **more))


class TestCurl:
    def test_a_command_of_the_help_page_is_a_call(self, bridge):
        command = f"""curl --location '{FLUX}&sessionId=s-1' \\
            --header 'api-key: {KEY}' \\
            --header 'Content-Type: application/json' \\
            --data '{json.dumps(BODY)}'"""
        (sample,), skipped = curl(command, bridge)
        assert sample.invocation == Invocation(
            target="fluxprompt:f-1", inputs={"in": "Where is my parcel?"}, session_id="s-1"
        )
        assert (sample.session, sample.answer, skipped) == ("s-1", None, [])

    def test_a_key_that_stands_elsewhere_too_is_masked(self, bridge):
        body = json.dumps({"variableInputs": [{"inputId": "in", "inputText": f"my key is {KEY}"}]})
        (sample,), _ = curl(f"curl '{FLUX}' -H 'api-key: {KEY}' -d '{body}'", bridge)
        assert sample.invocation.inputs == {"in": "my key is ***"}

    def test_browsers_quoting_is_read(self, bridge):
        text = "curl 'https://flowgent.ai/api/public/agent/7/chat' --data-raw $'{\"messages\":\"it\\'s \\u00fc\\ud83d\\ude00\"}'"
        (sample,), _ = curl(text, bridge)
        assert sample.invocation == Invocation(target="flowgent:7", text="it's ü😀")

    def test_commands_between_prose_are_found(self, bridge):
        text = f"First:\n\n$ curl {FLUX} -d '{json.dumps(BODY)}' | jq .\n\nthen\n  curl -sS {FLUX} --json='{json.dumps(BODY)}'\n"
        samples, _ = curl(text, bridge)
        assert len({sample.id for sample in samples}) == 2

    def test_the_same_text_gives_the_same_ids(self, bridge):
        text = f"curl '{FLUX}' -d '{json.dumps(BODY)}'"
        imported = from_curl(text, bridge)
        assert list(imported) == list(imported)

    @pytest.mark.parametrize(
        ("command", "why"),
        [
            ("curl https://nobody.example/x -d '{}'", "no connection has a base URL at 'nobody.example'"),
            (f"curl '{FLUX}' -d @body.json", "its body stands in the file 'body.json'"),
            (f"curl '{FLUX}' -F a=b", "its body is given by -F"),
            (f"curl '{FLUX}' -d '{{", "the shell would not take it"),
            ("curl -d '{}'", "it names no URL"),
            (f"curl '{FLUX}' -d '[]'", "fluxprompt: its body is no object with a list of variableInputs"),
            ("curl https://api.fluxprompt.ai/flux/agents", "fluxprompt: this runs no agent"),
        ],
    )
    def test_what_is_no_call_is_skipped_with_the_reason(self, bridge, command, why):
        samples, (skipped,) = curl(command, bridge)
        assert samples == []
        assert skipped.place == "command 1"
        assert why in skipped.reason

    def test_a_text_without_a_command_says_so(self, bridge):
        assert curl("nothing here", bridge)[1] == [
            Skipped("the text", "there is neither a curl command nor a JSON body in it")
        ]

    def test_bare_bodies_go_to_the_target(self, bridge):
        samples, _ = curl(json.dumps([BODY, BODY]), bridge, target="fluxprompt:f-9")
        assert [sample.invocation for sample in samples] == [
            Invocation(target="fluxprompt:f-9", inputs={"in": "Where is my parcel?"})
        ] * 2
        assert samples[0].id != samples[1].id

    @pytest.mark.parametrize("target", [None, "nobody:x", "fluxprompt"])
    def test_a_bare_body_needs_a_target(self, bridge, target):
        with pytest.raises(ConfigurationError, match="connection:agent-id"):
            curl(json.dumps(BODY), bridge, target=target)

    def test_a_url_belongs_to_the_connection_at_its_host(self, bridge):
        text = """curl https://flows.example/x/api/v1/prediction/p-1 -d '{"question": "hi"}'"""
        assert curl(text, bridge)[0][0].invocation == Invocation(target="eu:p-1", text="hi")

    def test_of_two_connections_at_a_host_the_closer_path_is_meant(self):
        urls = {"eu": "https://flows.example/x", "us": "https://flows.example/x/us"}
        connections = {name: {"provider": "flowise", "base_url": url} for name, url in urls.items()}
        text = """curl https://flows.example/x/us/api/v1/prediction/p-1 -d '{"question": "hi"}'"""
        with Bridge({}, connections=connections) as bridge:
            assert curl(text, bridge)[0][0].invocation.target == "us:p-1"


def har(tmp_path, *entries):
    (tmp_path / "a.har").write_text(json.dumps({"log": {"entries": list(entries)}}))
    return tmp_path / "a.har"


def entry(url, body, answer, *, method="POST", status=200, **more):
    asked = {"method": method, "url": url, "headers": [{"name": "api-key", "value": KEY}]}
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return {
        "startedDateTime": "2026-03-01T10:00:00.000Z",
        "time": 1500.5,
        "request": {**asked, "postData": {"text": json.dumps(body)}} if body is not None else asked,
        "response": {"status": status, "headers": [], "content": {"text": text, "mimeType": "application/json"}},
        **more,
    }


class TestCurlFiles:
    def test_a_path_is_read(self, bridge, tmp_path):
        (tmp_path / "calls.sh").write_text(f"\ufeffcurl '{FLUX}' -d '{json.dumps(BODY)}'")
        (sample,) = from_curl(tmp_path / "calls.sh", bridge)
        assert sample.invocation.target == "fluxprompt:f-1"

    def test_the_name_of_a_file_is_no_text_of_a_command(self, bridge, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "calls.sh").write_text("curl x")
        with pytest.raises(ConfigurationError, match=r"'calls.sh' is the name of a file; to read it, give Path"):
            list(from_curl("calls.sh", bridge))

    @pytest.mark.parametrize(("name", "why"), [("no.sh", "cannot be read"), ("a.sh", "cannot be read as text")])
    def test_a_file_that_cannot_be_read_is_a_configuration_error(self, bridge, tmp_path, name, why):
        (tmp_path / "a.sh").write_bytes(b"\xff")
        with pytest.raises(ConfigurationError, match=why):
            list(from_curl(tmp_path / name, bridge))

    def test_a_text_too_long_for_a_name_is_a_text(self, bridge):
        assert all_of(from_curl("ä" * 5000, bridge))[1][0].place == "the text"


class TestHar:
    def test_an_entry_is_a_call_with_its_answer(self, bridge, tmp_path):
        (sample,), _ = all_of(from_har(har(tmp_path, entry(FLUX, BODY, ENVELOPE)), bridge))
        assert (sample.answer.outcome, sample.answer.text, sample.answer.elapsed) == (
            "completed",
            "On its way.",
            1.5005,
        )
        assert (sample.answer.result.connection, sample.answer.result.agent) == ("fluxprompt", "f-1")
        assert sample.time == 1772359200.0

    def test_a_failure_inside_a_200_is_one(self, bridge, tmp_path):
        failed = {"status": "error", "data": {"message": "no"}}
        (sample,), _ = all_of(from_har(har(tmp_path, entry(FLUX, BODY, failed)), bridge))
        assert (sample.answer.outcome, sample.answer.status) == ("ExecutionError", 200)

    def test_the_polls_of_a_run_are_part_of_its_call(self, bridge, tmp_path):
        polls = "https://elsewhere.example/flux/executions/e-1"
        other = entry(FLUX, BODY, ENVELOPE)
        running = entry(polls, None, {**DONE, "status": "in_progress"}, method="GET")
        entries = [entry(FLUX, BODY, ACCEPTED, status=202), running, other, entry(polls, None, DONE, method="GET")]
        samples, skipped = all_of(from_har(har(tmp_path, *entries), bridge))
        assert [(sample.answer.text, sample.answer.elapsed) for sample in samples] == [
            ("On its way.", 4.5015), ("On its way.", 1.5005),
        ]  # fmt: skip
        assert skipped == []

    def test_a_run_whose_answer_was_not_recorded_has_none(self, bridge, tmp_path):
        entries = [entry(FLUX, BODY, ACCEPTED, status=202), entry(FLUX, BODY, "", status=0)]
        samples, _ = all_of(from_har(har(tmp_path, *entries), bridge))
        assert [sample.answer for sample in samples] == [None, None]

    def test_an_acknowledgement_of_a_callback_is_no_answer(self, bridge, tmp_path):
        body = {"messages": "hi", "callback_url": "https://caller.example/x"}
        said = entry(
            "https://flowgent.ai/api/public/agent/7/chat", body, {"message": "Request accepted", "status": "processing"}
        )
        (sample,), _ = all_of(from_har(har(tmp_path, said), bridge))
        assert sample.answer is None

    def test_a_stream_is_read_by_the_plugins_decoder(self, bridge, tmp_path):
        events = (("start", "h"), ("token", "hi"), ("metadata", {"chatId": "c", "sessionId": "s-9"}), ("end", "[DONE]"))
        text = "".join(f"message:\ndata:{json.dumps({'event': name, 'data': data})}\n\n" for name, data in events)
        content = {"text": text, "mimeType": "text/event-stream"}
        said = entry("https://flows.example/x/api/v1/prediction/p", {"question": "hi", "streaming": True}, "")
        said["response"]["content"] = content
        (sample,), _ = all_of(from_har(har(tmp_path, said), bridge))
        assert (sample.answer.text, sample.session, sample.invocation.options) == ("hi", "s-9", {})

    def test_bodies_in_base64_and_masked_secrets(self, bridge, tmp_path):
        said = entry(FLUX, BODY, "")
        echoed = json.dumps({"status": "success", "data": {"message": [{"text": f"your key is {KEY}"}]}})
        said["response"]["content"] = {"text": base64.b64encode(echoed.encode()).decode(), "encoding": "base64"}
        (sample,), _ = all_of(from_har(har(tmp_path, said), bridge))
        assert sample.answer.text == "your key is ***"

    def test_an_entry_that_is_none_is_named(self, bridge, tmp_path):
        samples, skipped = all_of(from_har(har(tmp_path, {"request": {}}, entry(FLUX, BODY, ENVELOPE)), bridge))
        assert len(samples) == 1
        assert skipped == [Skipped("a.har, entry 1", "this is no entry of a HAR file (KeyError)")]

    @pytest.mark.parametrize("content", ["", "[]", '{"log": {}}', '{"log": {"entries": 1}}', "\xff"])
    def test_what_is_no_har_file_is_a_configuration_error(self, bridge, tmp_path, content):
        (tmp_path / "a.har").write_text(content, encoding="latin-1")
        with pytest.raises(ConfigurationError, match=r"a\.har is no HAR file"):
            list(from_har(tmp_path / "a.har", bridge))


class TestCassettes:
    def test_all_recorded_runs_of_this_repository_are_read(self, tmp_path):
        with Bridge({}, connections={"flowise": {"base_url": "http://flowise.test"}}) as bridge:
            imported = from_cassettes(CASSETTES, bridge)
            samples = list(imported)
            assert len(samples) >= len(list(CASSETTES.glob("*/*.yaml")))  # one of an operation runs an agent, too
            assert not [one for one in imported.skipped if "/operations/" not in one.place and ".json" not in one.place]
        write_samples(tmp_path / "samples.jsonl", samples)
        assert list(read_samples(tmp_path / "samples.jsonl")) == samples

    def test_a_polled_run_has_the_answer_of_its_last_poll(self, bridge):
        (sample,), skipped = all_of(from_cassettes(CASSETTES / "fluxprompt" / "polled.yaml", bridge))
        assert (sample.answer.text, sample.session, skipped) == ("Three key points.", "MySession_Oct", [])

    def test_a_compressed_answer_is_read(self, bridge, tmp_path):
        content = gzip.compress(json.dumps(ENVELOPE).encode())
        asked = {"method": "POST", "uri": FLUX, "body": json.dumps(BODY), "headers": {"api-key": [KEY]}}
        answered = {"status": {"code": 200}, "headers": {"Content-Encoding": ["gzip"]}, "body": {"string": content}}
        cassette = {"interactions": [{"request": asked, "response": answered}]}
        (tmp_path / "a.yaml").write_text(yaml.safe_dump(cassette))
        (sample,), _ = all_of(from_cassettes(tmp_path, bridge))
        assert sample.answer.text == "On its way."
        answered["body"] = {"string": content[:10]}
        (tmp_path / "a.yaml").write_text(yaml.safe_dump(cassette))
        assert all_of(from_cassettes(tmp_path, bridge)) == (
            [], [Skipped("a.yaml, interaction 1", "this is no interaction of vcrpy (ValueError)")],
        )  # fmt: skip

    @pytest.mark.parametrize("content", ["a: [", "[]", "interactions: 1", "\x00"])
    def test_a_file_that_is_no_cassette_is_named(self, bridge, tmp_path, content):
        (tmp_path / "a.yaml").write_text(content)
        assert all_of(from_cassettes(tmp_path, bridge)) == (
            [], [Skipped("a.yaml", "this is no cassette of vcrpy: it has no list of interactions")],
        )  # fmt: skip

    def test_a_file_that_is_not_there_is_a_configuration_error(self, bridge, tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            list(from_cassettes(tmp_path / "no.yaml", bridge))


COLUMNS = {
    "Question": "text",
    "Ticket": "session_id",
    "Shop": "inputs.vendor",
    "When": "time",
    "Reply": "answer",
    "Plan": "metadata.plan",
}


class TestCsv:
    def test_a_row_is_a_call(self, tmp_path):
        (tmp_path / "a.csv").write_text(
            '\ufeffQuestion,Ticket,Shop,When,Reply,Plan,Other\n"Where,\nis it?",t-1,Acme,2026-03-01T10:00:00+00:00,There.,gold,x\n'
        )
        (sample,), skipped = all_of(from_csv(tmp_path / "a.csv", COLUMNS, target="support"))
        assert sample.invocation == Invocation(
            target="support",
            text="Where,\nis it?",
            inputs={"vendor": "Acme"},
            session_id="t-1",
            metadata={"plan": "gold"},
        )
        assert (sample.answer.text, sample.session, sample.time, skipped) == ("There.", "t-1", 1772359200.0, [])

    def test_empty_cells_say_nothing_and_bad_rows_are_named(self, tmp_path):
        (tmp_path / "a.csv").write_text("Question,Ticket,Shop,When,Reply,Plan\nhi,,,1.5\n,t\nho,,,soon,,\n")
        (sample,), skipped = all_of(from_csv(tmp_path / "a.csv", COLUMNS, target="support"))
        assert (sample.invocation, sample.answer, sample.time) == (Invocation(target="support", text="hi"), None, 1.5)
        assert skipped == [
            Skipped("a.csv, line 3", "the row says neither a text nor an input"),
            Skipped("a.csv, line 4", "the time 'soon' is neither ISO 8601 nor a number of seconds"),
        ]

    @pytest.mark.parametrize(
        ("columns", "target", "why"),
        [
            ({"Question": "txt"}, "a:b", "cannot be 'txt' .*Did you mean 'text'"),
            ({"Question": "inputs."}, "a:b", "cannot be 'inputs.'"),
            ({"Question": "text"}, None, "give target="),
            ({"Quest": "text"}, "a:b", "no column 'Quest' .there: Question.. Did you mean 'Question'"),
        ],
    )
    def test_a_mapping_that_cannot_be_is_a_configuration_error(self, tmp_path, columns, target, why):
        (tmp_path / "a.csv").write_text("Question\nhi\n")
        with pytest.raises(ConfigurationError, match=why):
            list(from_csv(tmp_path / "a.csv", columns, target=target))

    @pytest.mark.parametrize("delimiter", list(",;\t|"))
    def test_the_header_tells_what_parts_the_cells(self, tmp_path, delimiter):
        rows = (["A,b;c", "Question", "Ticket"], ["x", "hi, you", "t-1"])
        with (tmp_path / "a.csv").open("w", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        (sample,) = from_csv(tmp_path / "a.csv", {"Question": "text", "Ticket": "session_id"}, target="a:b")
        assert (sample.invocation.text, sample.session) == ("hi, you", "t-1")

    def test_a_mapping_without_a_question_names_the_columns(self, tmp_path):
        (tmp_path / "a.csv").write_text("Question;Ticket\nhi;1\n")
        with pytest.raises(ConfigurationError, match=r"not told \(there: Question, Ticket\); name it with columns="):
            list(from_csv(tmp_path / "a.csv", {"Ticket": "session_id"}, target="a:b"))

    def test_a_file_in_another_encoding_says_so(self, tmp_path):
        (tmp_path / "a.csv").write_bytes("Question\nfür\n".encode("latin-1"))
        with pytest.raises(ConfigurationError, match="as CSV in utf-8-sig"):
            list(from_csv(tmp_path / "a.csv", {"Question": "text"}, target="a:b"))
        (sample,) = from_csv(tmp_path / "a.csv", {"Question": "text"}, target="a:b", encoding="latin-1")
        assert sample.invocation.text == "für"


def test_files_and_links_of_a_recorded_call_are_kept(bridge):
    attached = {"files": [{"name": "a.txt", "base64": "eA=="}], "isExtraction": True, "typeOCR": "X"}
    links = [{"name": "https://x.example/a", "url": "https://x.example/a"}, {"name": "b", "url": "https://x.example/b"}]
    body = {
        "variableInputs": [
            {"inputId": "doc", "inputText": "", **attached},
            {"inputId": "in", "inputText": "q", "links": links},
        ]
    }
    (sample,) = from_curl(f"curl '{FLUX}&versionId=v' -d '{json.dumps(body)}'", bridge)
    assert sample.invocation == Invocation(
        target="fluxprompt:f-1",
        inputs={"in": "q"},
        files=(
            File("a.txt", b"x", input="doc"),
            Link("https://x.example/a", input="in"),
            Link("https://x.example/b", "b", input="in"),
        ),
        options={"fluxprompt": {"versionId": "v", "typeOCR": {"doc": "X"}}},
    )


def test_hostile_entries_are_skipped_and_the_others_read(bridge, tmp_path):
    deep = json.loads("[" * 900 + "]" * 900)
    path = har(
        tmp_path,
        entry("http://[::1", BODY, ENVELOPE),
        entry("https://flows.example/x/api/v1/prediction/p-1", {"question": "q", "overrideConfig": {"x": deep}}, {}),
        entry(FLUX, BODY, ENVELOPE),
    )
    samples, skipped = all_of(from_har(path, bridge))
    assert [one.reason for one in skipped] == ["its URL is none: Invalid IPv6 URL", "its JSON is nested too deeply"]
    assert [one.invocation.inputs for one in samples] == [{"in": "Where is my parcel?"}]


def test_a_key_in_a_url_is_masked_where_the_body_quotes_it(bridge):
    body = json.dumps({"question": f"my key is {KEY}"})
    ((sample,), _) = curl(f"curl 'https://flows.example/x/api/v1/prediction/p-1?apiKey={KEY}' -d '{body}'", bridge)
    assert sample.invocation.text == "my key is ***"


def test_what_follows_a_command_as_a_comment_is_none_of_it(bridge):
    ((sample,), skipped) = curl(f"curl '{FLUX}' -d '{json.dumps(BODY)}' # the parcel", bridge)
    assert (sample.invocation.target, skipped) == ("fluxprompt:f-1", [])


@pytest.mark.parametrize("time", ["nan", "inf", "1e999"])
def test_a_time_that_is_no_number_of_seconds_skips_its_row(tmp_path, time):
    (tmp_path / "a.csv").write_text(f"Question,When\nhi,{time}\n")
    samples, skipped = all_of(from_csv(tmp_path / "a.csv", {"Question": "text", "When": "time"}, target="support"))
    assert (samples, [one.reason for one in skipped]) == (
        [],
        [f"the time {time!r} is neither ISO 8601 nor a number of seconds"],
    )


def test_a_field_comes_from_one_column(tmp_path):
    with pytest.raises(ConfigurationError, match="'text' is to come from several columns, 'Q' and 'Subject'"):
        from_csv(tmp_path / "a.csv", {"Q": "text", "T": "time", "Subject": "text"}, target="support")

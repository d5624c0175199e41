"""Keys that a file, a command or the keyring keeps: read when first needed, once, and shown nowhere."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
import servers
import vendor

from agentbridge import AsyncBridge, AuthenticationError, Bridge, ConfigurationError, Connection, Invocation, Registry
from agentbridge.keys import CommandKey, EnvironmentKey, FileKey, KeyringKey
from agentbridge.testing import MemoryTransport
from agentbridge.wire import HttpRequest, HttpResponse

CANARY = "canary-key-7f3a"
OK = servers.answer("200 OK", b'{"text": "fine"}')
BACKEND = f"""
class errors:
    class KeyringLocked(Exception): ...
def get_password(service, user):
    if service == "locked": raise errors.KeyringLocked("{CANARY}")
    return {{("agentbridge", "tiny"): "{CANARY}", ("https://vault/a", "ann"): "{CANARY}"}}.get((service, user))
"""


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    """A keyring of its own: the real one is the developer's."""
    (tmp_path / "keyring.py").write_text(BACKEND)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    yield
    sys.modules.pop("keyring", None)


def printing(text, status=0, complaint=""):
    """A command that prints this, says that on stderr, and ends so."""
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.stderr.write({complaint!r}); sys.exit({status})"]


def table(**said):
    return {"connections": {"tiny": {"provider": "tiny", **said}}}


def opened(open_bridge, url, **said):
    return open_bridge(config=table(base_url=url, **said), registry=vendor.registry())


@pytest.fixture
def sources(tmp_path, keyring):
    (tmp_path / "key").write_text(CANARY + "\n")
    return {
        "file": {"api_key_file": str(tmp_path / "key")},
        "command": {"api_key_command": printing(CANARY)},
        "keyring": {"api_key_keyring": "agentbridge/tiny"},
        "keyring of a URL": {"api_key_keyring": "https://vault/a/ann"},
    }


@pytest.mark.parametrize("kind", ["file", "command", "keyring", "keyring of a URL"])
def test_a_key_is_sent_from_wherever_it_is_kept(open_bridge, sources, kind):
    with servers.serving(OK) as server:
        opened(open_bridge, server.url, **sources[kind]).invoke("tiny:a-1", "hi")
        assert f"x-key: {CANARY}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_newline_that_ends_a_file_is_no_part_of_the_key(tmp_path, ending):
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + f"{CANARY}{ending}".encode())
    assert FileKey(tmp_path / "key").read() == CANARY


def test_a_file_is_found_beside_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text(CANARY)
    (tmp_path / "agentbridge.toml").write_text(
        '[connections.flowise]\napi_key_file = "secrets/key"\nbase_url="http://a"'
    )
    monkeypatch.chdir(tmp_path)
    with Bridge() as bridge:
        monkeypatch.chdir("/")
        assert bridge.connections["flowise"].key_source.read() == CANARY


def test_a_file_is_found_in_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "key").write_text(CANARY)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Bridge(table(api_key_file="~/key")) as bridge:
        assert bridge.connections["tiny"].key_source.read() == CANARY


def test_a_key_is_not_read_before_its_connection_is_used(open_bridge, tmp_path):
    mark = tmp_path / "mark"
    command = [sys.executable, "-c", f"open({str(mark)!r}, 'a').write('x'); print({CANARY!r})"]
    with servers.serving(OK) as server:
        bridge = opened(open_bridge, server.url, api_key_command=command)
        assert list(bridge.bridge.connections) == ["tiny"]
        assert not mark.exists()
        for _ in range(3):
            bridge.invoke("tiny:a-1", "hi")
    assert mark.read_text() == "x"


def test_threads_that_want_the_key_at_once_run_the_command_once():
    class Counting:
        setting = "api_key_command"
        count = 0

        def read(self):
            self.count += 1
            started.wait(0.2)
            return CANARY

    started, source = threading.Event(), Counting()
    given = {"tiny": Connection("tiny", key_source=source)}
    transport = MemoryTransport([HttpResponse(200, {}, b'{"text": "fine"}')])
    registry = vendor.registry()
    with Bridge({}, connections=given, registry=registry, transport=transport) as bridge, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bridge.invoke("tiny:a-1", "hi"), range(4)))
    assert source.count == 1
    assert [send.request.auth for send in transport.sent] == [{"X-Key": CANARY}] * 4


def test_a_key_that_could_not_be_read_is_asked_for_again(open_bridge, tmp_path):
    with servers.serving(OK) as server:
        bridge = opened(open_bridge, server.url, api_key_file=str(tmp_path / "later"))
        with pytest.raises(
            ConfigurationError, match=r"connections\.tiny\.api_key_file '.*later' cannot be read: No such"
        ):
            bridge.invoke("tiny:a-1", "hi")
        (tmp_path / "later").write_text(CANARY)
        assert bridge.invoke("tiny:a-1", "hi").text == "fine"


LATE = [sys.executable, "-c", f"import sys, time; print({CANARY!r}, flush=True); time.sleep(60)"]

FAILURES = {
    "a file of two lines": (FileKey, f"{CANARY}\nmore\n", "has a newline"),
    "a file with blanks": (FileKey, f" {CANARY}", "begins or ends with a blank"),
    "a file that is no text": (FileKey, f"\x00{CANARY}", "control"),
    "an empty file": (FileKey, "\n", "gives nothing"),
    "a command that fails": (CommandKey, printing(CANARY, 3, "not signed in"), "ended with 3: not signed in"),
    "a command that shows the key": (CommandKey, printing(CANARY, 1, f"+ echo {CANARY}"), r"ended with 1: \+ echo \*\*\*"),
    "a command that fails in silence": (CommandKey, printing(CANARY, 1), "ended with 1: it did not say why"),
    "a command that prints more": (CommandKey, printing(f"{CANARY}\nuser: ann"), "has a newline"),
    "a command that prints nothing": (CommandKey, printing(""), "gives nothing"),
    "a command that is not there": (CommandKey, ["no-such-command", CANARY], "'no-such-command' cannot be run: No such file"),
    "a locked keyring": (KeyringKey, "locked/ann", "cannot be read: KeyringLocked. Try: keyring get locked ann"),
    "a key that the keyring has not": (KeyringKey, "other/ann", "is not there: keyring set other ann"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_key_that_cannot_be_had_is_an_error_that_names_its_source_and_never_the_key(
    open_bridge, tmp_path, keyring, caplog, name
):
    kind, told, problem = FAILURES[name]
    if kind is FileKey:
        (tmp_path / "key").write_text(told)
        told = str(tmp_path / "key")
    bridge = opened(open_bridge, "https://tiny.invalid", **{kind.setting: told})
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigurationError, match=problem) as caught:
        bridge.invoke("tiny:a-1", "hi")
    assert "tiny" in str(caught.value)
    assert kind.setting in str(caught.value)
    error, seen = caught.value, ""
    while error is not None:
        seen += f"{error!r}{vars(error)}{''.join(traceback.format_exception(error))}{pickle.dumps(error)!r}"
        error = error.__context__
    assert CANARY not in seen + caplog.text + repr(bridge.bridge) + repr(dict(bridge.bridge.connections))


def test_a_command_that_does_not_end_is_ended(tmp_path):
    with pytest.raises(ConfigurationError, match=r"did not end within 0\.3 s") as caught:
        CommandKey(LATE, timeout=0.3).read()
    assert caught.value.__context__ is None


@pytest.fixture
def stdin():
    """This process's stdin, with something in it that is meant for somebody else."""
    read, write = os.pipe()
    os.write(write, b"for the agent")
    os.close(write)
    kept = os.dup(0)
    os.dup2(read, 0)
    yield
    os.dup2(kept, 0)
    os.close(kept)
    os.close(read)


@pytest.mark.usefixtures("stdin")
def test_a_command_does_not_eat_what_stdin_has_for_the_agent():
    command = CommandKey([sys.executable, "-c", "import sys; print('<' + sys.stdin.read() + '>')"])
    assert (command.read(), os.read(0, 100)) == ("<>", b"for the agent")


def test_a_command_is_no_shell():
    assert CommandKey([sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME; id"]).read() == "$HOME; id"


def test_a_missing_keyring_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'agentbridge-core\[keyring\]'"):
        KeyringKey("agentbridge", "tiny").read()


@pytest.mark.parametrize(
    "said",
    [
        {"api_key": "k", "api_key_file": "f"},
        {"api_key_env": "K", "api_key_command": ["c"]},
        {"api_key_file": "f", "api_key_keyring": "s/u"},
        {"api_key_command": ["c"], "api_key_keyring": "s/u"},
    ],
)
def test_a_connection_has_one_source_of_its_key(said):
    first, second = said
    with pytest.raises(ConfigurationError, match=rf"connections\.tiny has both '{first}' and '{second}'; keep one"):
        Bridge(table(**said))


def test_a_connection_in_python_has_one_source_too():
    both = Connection("flowise", api_key="k", key_source=EnvironmentKey("K"))
    with pytest.raises(ConfigurationError, match="has both 'api_key' and 'key_source'"):
        Bridge({}, connections={"flowise": both})


@pytest.mark.parametrize(
    "said",
    [
        {"api_key_command": "op read x"},
        {"api_key_command": []},
        {"api_key_keyring": "alone"},
        {"api_key_keyring": "s/"},
    ],
)
def test_a_source_that_is_no_source_is_refused_when_it_is_read(said):
    with pytest.raises(ConfigurationError, match=rf"connections\.tiny\.{next(iter(said))}"):
        Bridge(table(**said))


@pytest.mark.parametrize("source", ["a-key-by-mistake", object()])
def test_what_is_no_source_is_refused_in_python(source):
    with pytest.raises(ConfigurationError, match="key_source takes a KeySource, not"):
        Bridge({}, connections={"flowise": Connection("flowise", key_source=source)})


def test_a_variable_that_is_named_may_be_set_later(monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with Bridge({}, connections={"flowise": {"base_url": "http://a", "api_key_env": "MY_KEY"}}) as bridge:
        with pytest.raises(ConfigurationError, match=r"connections=: connections\.flowise\.api_key_env names \$MY_KEY"):
            bridge.prepare("flowise:a", "hi")
        monkeypatch.setenv("MY_KEY", CANARY)
        assert bridge.prepare("flowise:a", "hi").request.auth == {"Authorization": "***"}


def test_a_source_that_is_named_wins_over_the_variable_of_the_connections_name(monkeypatch, tmp_path):
    monkeypatch.setenv("TINY_API_KEY", "another")
    with Bridge(table(api_key_file="key")) as bridge:
        assert bridge.connections["tiny"].api_key is None


@pytest.mark.parametrize("source", [FileKey("f"), CommandKey(["c", "d"]), KeyringKey("s", "u"), EnvironmentKey("K")])
def test_a_source_pickles_and_compares_by_value(source):
    connection = Connection("flowise", key_source=source)
    assert pickle.loads(pickle.dumps(connection)) == connection


class Slow:
    """A source that gives the key once it is told to."""

    setting = "api_key_command"

    def __init__(self) -> None:
        self.go = threading.Event()

    def read(self):
        assert self.go.wait(10)
        return CANARY


@pytest.mark.parametrize("how", ["invoke", "map", "call"])
def test_an_event_loop_goes_on_while_a_command_looks_for_the_key(how):
    async def ask(bridge):
        if how == "call":
            return await bridge.call(vendor.Ping())
        if how == "map":
            return [outcome.result async for outcome in bridge.map([Invocation(target="tiny:a", text="hi")])]
        return await bridge.invoke("tiny:a", "hi")

    async def act(url):
        source = Slow()
        given = {"tiny": Connection("tiny", url, key_source=source)}
        async with AsyncBridge({}, connections=given, registry=vendor.registry()) as bridge:
            asked = asyncio.create_task(ask(bridge))
            await asyncio.sleep(0)
            source.go.set()  # in vain where the loop stood still
            await asked

    with servers.serving(OK) as server:
        asyncio.run(act(server.url))
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ({}, "$TINY_API_KEY"),
        ({"api_key": CANARY}, "the configuration: connections.tiny"),
        ({"api_key_env": "MY_KEY"}, "the configuration: connections.tiny"),
        ({"api_key_command": printing(CANARY)}, "the configuration: connections.tiny.api_key_command"),
    ],
)
def test_a_key_that_is_refused_is_named_by_where_it_came_from(open_bridge, monkeypatch, said, origin):
    monkeypatch.setenv("MY_KEY", CANARY)
    monkeypatch.setenv("TINY_API_KEY", "canary-of-the-environment")
    with servers.serving(servers.answer("401 Unauthorized", b'{"message": "who are you?"}')) as server:
        with pytest.raises(AuthenticationError) as caught:
            opened(open_bridge, server.url, **said).invoke("tiny:a", "hi")
    assert str(caught.value) == f"[tiny] who are you?. The key is that of {origin} (HTTP 401)"


def test_a_login_that_is_not_the_key_of_the_connection_is_not_said_to_be_it(open_bridge):
    class Guarded(vendor.Tiny):
        def build_request(self, invocation, call):
            return HttpRequest("POST", f"{call.base_url}/run", auth={"Cookie": "login"}, json={})

    registry = Registry(())
    registry.register(Guarded())
    with servers.serving(servers.answer("401 Unauthorized", b'{"message": "who are you?"}')) as server:
        with pytest.raises(AuthenticationError) as caught:
            open_bridge(config=table(base_url=server.url), registry=registry).invoke("tiny:a", "hi")
    assert str(caught.value) == "[tiny] who are you? (HTTP 401)"


def test_a_program_that_gave_the_key_itself_is_told_no_more_than_the_vendor_says(open_bridge):
    with servers.serving(servers.answer("401 Unauthorized", b'{"message": "who are you?"}')) as server:
        with pytest.raises(AuthenticationError) as caught:
            open_bridge(**vendor.setup(server.url)).invoke("tiny:a", "hi")
    assert str(caught.value) == "[tiny] who are you? (HTTP 401)"

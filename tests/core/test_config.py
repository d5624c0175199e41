from __future__ import annotations

import pytest

from agentbridge import (
    Agent,
    AsyncBridge,
    Binding,
    Bridge,
    ConfigurationError,
    Connection,
    Limits,
    Registry,
    RetryPolicy,
    Timeouts,
    UnknownTargetError,
)

TOML = """
[connections.flowise-eu]
provider = "flowise"
base_url = "https://flowise.example.com"
api_key_env = "MY_KEY"
timeouts = { answer = 30 }
retry = { attempts = 1 }
tool_errors = "report"

[agents.support]
default = "flowise-eu"
[agents.support.on.flowise-eu]
agent = "8a92ec5b"
template = "Vendor: {vendor}\\n\\n{text}"
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "agentbridge.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_the_file_beside_the_caller_is_read(write, monkeypatch):
    write(TOML)
    monkeypatch.setenv("MY_KEY", "the-key")
    with Bridge() as bridge:
        connection = bridge.connections["flowise-eu"]
    assert (connection.provider, connection.base_url, connection.api_key) == (
        "flowise",
        "https://flowise.example.com",
        "the-key",
    )
    assert (connection.timeouts, connection.retry, connection.tool_errors) == (
        Timeouts(answer=30),
        RetryPolicy(attempts=1),
        "report",
    )


def test_the_environment_names_another_file(write, monkeypatch):
    monkeypatch.setenv("AGENTBRIDGE_CONFIG", str(write("[connections.a]\nprovider = 'flowise'", "other.toml")))
    assert list(Bridge().connections) == ["a"]


def test_a_path_and_a_mapping_are_configurations_too(write):
    assert list(Bridge(write(TOML, "x.toml")).connections) == ["flowise-eu"]
    assert list(Bridge({"connections": {"b": {"provider": "flowise"}}}).connections) == ["b"]


def test_arguments_override_the_file(write):
    write(TOML)
    bridge = Bridge(connections={"flowise-eu": Connection("flowise", "https://other.example.com")})
    assert bridge.connections["flowise-eu"].base_url == "https://other.example.com"
    assert bridge.prepare("support", "hi", inputs={"vendor": "Acme"}).request.url.startswith(
        "https://other.example.com/"
    )


def test_without_a_file_the_environment_alone_makes_connections(write, monkeypatch):
    monkeypatch.setenv("FLOWISE_BASE_URL", "https://flowise.example.com")
    monkeypatch.setenv("FLOWISE_API_KEY", "the-key")
    connections = Bridge().connections
    assert "flowise" in connections
    assert connections["flowise"] == Connection("flowise", "https://flowise.example.com", "the-key")


def test_the_key_of_a_connection_is_found_by_its_name(write, monkeypatch):
    write("[connections.flowise-eu]\nprovider = 'flowise'")
    monkeypatch.setenv("FLOWISE_EU_API_KEY", "the-key")
    monkeypatch.setenv("FLOWISE_EU_BASE_URL", "https://eu.example.com")
    connection = Bridge().connections["flowise-eu"]
    assert (connection.api_key, connection.base_url) == ("the-key", "https://eu.example.com")


def test_a_missing_key_is_an_error_when_its_connection_is_used_and_not_before(write):
    write(TOML)
    bridge = Bridge()
    with pytest.raises(
        ConfigurationError, match=r"connections\.flowise-eu\.api_key_env names \$MY_KEY, which is not set"
    ):
        bridge.invoke("flowise-eu:x", "hi")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[conections.a]\nprovider='x'", r"agentbridge\.toml: unknown key 'conections'\. Did you mean 'connections'\?"),
        (
            "[connections.a]\nprovider='x'\nbaseurl='y'",
            r"unknown key 'connections\.a\.baseurl'\. Did you mean 'base_url'\?",
        ),
        ("[connections.a]\nverify='false'\nprovider=7", r"connections\.a\.provider: Input should be a valid string"),
        ("[connections.a.retry]\nattempts='three'", r"connections\.a\.retry\.attempts"),
        ("[connections.a.retry]\nattemps=3", r"Did you mean 'attempts'"),
        ("[connections.a.retry]\nretry_unsafe='false'", r"retry_unsafe: Input should be a valid boolean"),
        ("[connections.a]\ntool_errors='ignore'", r"tool_errors: Input should be 'raise' or 'report'"),
        (
            "[agents.a]\ndefault='b'\n[agents.a.on.c]\nagent='1'",
            r"agents\.a\.default names 'b', but there is no \[agents\.a\.on\.b\] \(there: c\)",
        ),
        ("[agents.a.on.c]\nagent='1'\ntext='t'\ntemplate='u'", r"\[agents\.a\.on\.c\] has both 'text' and 'template'"),
        ("[agents.a.on.c]\ntext='t'", r"agents\.a\.on\.c\.agent: Field required"),
        ("[agents.a.on.c]\nagent='1'\ninput={}", r"unknown key 'agents\.a\.on\.c\.input'\. Did you mean 'inputs'\?"),
        ("[agents.a]", r"agents\.a\.on: Field required"),
        ("[connections", r"is not TOML"),
        ("[connections.a]\napi_key='k'\napi_key_env='K'", r"has both 'api_key' and 'api_key_env'"),
        ("[connections.a]\nbase_url='flowise.example.com'", r"base_url must look like https://host"),
        ("[connections.a]\nbase_url='https://me:pass@host'", r"base_url holds a user name or password"),
        ("[connections.a]\nbase_url='http://host:port'", r"base_url is not a URL"),
        (
            "[connections.a.timeouts]\nanswer=0",
            r"Timeouts\.answer must be more than 0 and at most 10000000 seconds, not 0",
        ),
        ("[connections.a.limits]\ncall=60", r"unknown key 'connections\.a\.limits\.call'\. Did you mean 'calls'\?"),
        ("[connections.a.limits]\ncalls='60'", r"connections\.a\.limits\.calls: Input should be a valid integer"),
        ("[connections.a.limits]\ncalls=true", r"connections\.a\.limits\.calls: Input should be a valid integer"),
        (
            "[connections.a.limits]\ncalls=0",
            r"agentbridge\.toml: connections\.a: Limits\.calls must be a whole number, 1 or more, not 0",
        ),
        ("[connections.a.limits]\ncalls=1\nper=0", r"connections\.a: Limits\.per must be more than 0"),
        ("[connections.a.limits]", r"connections\.a: Limits says nothing: give it calls or in_flight"),
    ],
)
def test_a_typo_is_named_with_its_file_and_the_remedy(write, text, message):
    write(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        Bridge()
    assert "\n" not in str(caught.value)
    assert "pass@" not in str(caught.value)


def test_a_file_that_is_asked_for_and_missing_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.toml: cannot be read: No such file"):
        Bridge(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    "key", ["secret\nkey", "secret-key\n", " secret-key", "s\u00e9cret-key", "secret\x00key", "secret\u200bkey"]
)
@pytest.mark.parametrize("way", ["argument", "environment", "mapping"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(write, monkeypatch, key, way):
    with pytest.raises((ConfigurationError, ValueError)) as caught:
        if way == "environment":
            if "\x00" in key:
                raise ConfigurationError("FLOWISE_API_KEY")  # no environment holds such a key
            monkeypatch.setenv("FLOWISE_API_KEY", key)
            Bridge().connections["flowise"]
        elif way == "argument":
            Bridge(connections={"flowise": Connection("flowise", "https://x.example.com", key)})
        else:
            Bridge({"connections": {"flowise": {"api_key": key}}})
    assert "FLOWISE_API_KEY" in str(caught.value)
    assert "cret" not in str(caught.value).replace("secret key", "")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "the target is empty"),
        ("   ", "the target is empty"),
        ("flowise-eu:", "names no agent; write 'flowise-eu:agent-id'"),
        ("flowise-eu:..", "'..' is no id"),
        ("suport", r"no agent 'suport' \(there: support\)\. Did you mean 'support'\?"),
        (
            "support@flowise",
            r"agent 'support' is not bound to 'flowise' \(there: support@flowise-eu\).*Add \[agents\.support\.on\.flowise\]",
        ),
        ("flowse-eu:x", r"no connection 'flowse-eu' \(there: flowise-eu\)\. Did you mean 'flowise-eu'\?"),
        ("flowise:x", r"Set \$FLOWISE_BASE_URL, or write \[connections\.flowise\]"),
        ("Flowise-EU:x", r"\(there: flowise-eu\)\. Did you mean 'flowise-eu'\?$"),
        ("support@flowgent", r"is not bound to 'flowgent' \(there: support@flowise-eu\)\. Add "),
        ("support@", "is not bound to ''|has no default|say which"),
    ],
)
def test_a_wrong_target_is_answered_with_what_there_is(write, monkeypatch, target, message):
    write(TOML)
    monkeypatch.setenv("MY_KEY", "the-key")
    with pytest.raises(UnknownTargetError, match=message):
        Bridge().invoke(target, "hi")


def test_the_variables_of_a_provider_are_no_other_one_in_capitals(monkeypatch):
    monkeypatch.setenv("FLOWISE_API_KEY", "the-key")
    with pytest.raises(UnknownTargetError, match=r"\(there: flowise\)\. Did you mean 'flowise'\?$"):
        Bridge({}).invoke("Flowise:ok", "hi")


@pytest.mark.parametrize("configured", [True, False])
def test_a_vendor_whose_plugin_is_missing_is_answered_with_the_plugin(monkeypatch, configured):
    if configured:
        monkeypatch.setenv("PROMPTITUDE_API_KEY", "the-key")
    with pytest.raises(UnknownTargetError, match=r"No plugin brings 'promptitude': install agentbridge-promptitude$"):
        Bridge({}, registry=Registry([])).invoke("promptitude:x", "hi")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bridge(timeout=30), r"^Bridge takes no 'timeout'\. Did you mean 'timeouts'\?$"),
        (lambda: AsyncBridge(conection={}), r"^AsyncBridge takes no 'conection'\. Did you mean 'connections'\?$"),
        (lambda: Timeouts(totl=3), r"^Timeouts takes no 'totl'\. Did you mean 'total'\?$"),
        (lambda: RetryPolicy(tries=3), r"^RetryPolicy takes no 'tries'.* It takes attempts, first_delay, "),
        (lambda: Limits(call=3), r"^Limits takes no 'call'\. Did you mean 'calls'\?$"),
        (lambda: Connection("x", baseurl="y"), r"^Connection takes no 'baseurl'\. Did you mean 'base_url'\?$"),
    ],
)
def test_a_misspelt_argument_is_answered_with_the_one_that_was_meant(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_an_argument_that_is_missing_is_still_pythons_own_error():
    with pytest.raises(TypeError, match="provider"):
        Connection()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"connections": {"f": "http://x"}}, "connection 'f' takes a Connection or a mapping, not str$"),
        ({"agents": {"a": "http://x"}}, "agent 'a' takes an Agent or a mapping, not str$"),
        ({"config": {"connections": {"f": "http://x"}}}, r"connections\.f: must be a table$"),
    ],
)
def test_an_address_in_place_of_a_connection_is_refused_in_words_of_the_caller(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        Bridge(**arguments)


@pytest.mark.parametrize("address", ["localhost:8765", "localhost", "10.0.0.7:3000", "flowise.lan:3000/api"])
@pytest.mark.parametrize("config", [{}, {"connections": {"flowise": {}}}])
def test_a_base_url_without_a_scheme_is_shown_with_the_variable_that_has_it(monkeypatch, address, config):
    monkeypatch.setenv("FLOWISE_BASE_URL", address)
    with pytest.raises(ConfigurationError, match=rf"\$FLOWISE_BASE_URL must look like https://host, not '{address}'"):
        Bridge(config).invoke("flowise:x", "hi")


@pytest.mark.parametrize("secret", ["sk-canary1234.abc", "canary:12345", "canary"])
def test_what_may_be_a_key_is_not_shown_as_a_base_url(monkeypatch, secret):
    monkeypatch.setenv("FLOWISE_BASE_URL", secret)
    with pytest.raises(ConfigurationError, match=r"\$FLOWISE_BASE_URL must look like https://host$"):
        Bridge({}).invoke("flowise:x", "hi")


def test_a_self_hosted_provider_without_an_address_says_how_to_give_one(write):
    with pytest.raises(ConfigurationError, match=r"has no base_url, and flowise is self-hosted: set \$MINE_BASE_URL"):
        Bridge(connections={"mine": Connection("flowise")}).invoke("mine:x", "hi")


def test_a_provider_that_is_not_installed_is_named(write):
    with pytest.raises(
        ConfigurationError, match=r"connection 'x' asks for the provider 'nobody', which is not installed"
    ):
        Bridge(connections={"x": Connection("nobody", "https://x.example.com")}).invoke("x:1", "hi")


def test_portable_agents_can_be_given_as_arguments():
    agent = Agent(default="f", on={"f": Binding(agent="a-1", template="{text}!")})
    bridge = Bridge({}, connections={"f": Connection("flowise", "https://x.example.com")}, agents={"support": agent})
    assert bridge.prepare("support", "hi").request.json["question"] == "hi!"
    assert bridge.agents["support"] is agent


@pytest.mark.parametrize("field", ["on_unsupported", "tool_errors"])
@pytest.mark.parametrize("where", ["bridge", "connection", "call"])
def test_a_setting_that_there_is_not_is_refused(field, where):
    with pytest.raises(ConfigurationError, match=field):
        connection = Connection(
            "flowise", "https://x.example.com", **({field: "maybe"} if where == "connection" else {})
        )
        bridge = Bridge({}, connections={"f": connection}, **({field: "maybe"} if where == "bridge" else {}))
        bridge.prepare("f:1", "hi", **({field: "maybe"} if where == "call" else {}))


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), 1e12])
def test_a_time_that_is_no_limit_is_refused(seconds):
    with pytest.raises(ConfigurationError, match=r"Timeouts\.total must be .*None is no limit"):
        Timeouts(total=seconds)


@pytest.mark.parametrize("fields", [{"attempts": 0}, {"first_delay": -1}, {"max_delay": -1}])
def test_a_retry_policy_that_makes_no_sense_is_refused(fields):
    with pytest.raises(ConfigurationError, match="RetryPolicy"):
        RetryPolicy(**fields)


def test_limits_are_read_from_the_file(write):
    write("[connections.flowise]\nlimits = { calls = 60, in_flight = 4 }")
    assert Bridge().connections["flowise"].limits == Limits(calls=60, per=60, in_flight=4)


def test_limits_of_another_type_are_refused():
    with pytest.raises(ConfigurationError, match="limits takes Limits, not dict"):
        Bridge({}, connections={"flowise": Connection("flowise", limits={"calls": 1})})


def test_what_is_secret_of_a_connection_is_its_key_its_proxy_and_its_secret_headers():
    headers = {"X-Api-Key": "in a header", "Accept": "text/plain"}
    assert Connection("tiny", api_key="the key", proxy="http://a:b@c", headers=headers).secrets == {
        "the key",
        "http://a:b@c",
        "in a header",
    }
    assert Connection("tiny").secrets == frozenset()

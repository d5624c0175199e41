"""The table of docs/vendors.md, from what the providers declare and do."""

from __future__ import annotations

from collections.abc import Callable

from marked import DOCS, filled, table

from agentbridge import Provider, Registry

PAGE = DOCS / "vendors.md"
VENDORS = ("fluxprompt", "promptitude", "flowgent", "flowise")


def page() -> str:
    """docs/vendors.md with its table made anew."""
    providers = [Registry()[name] for name in VENDORS]
    rows = [(words, *(_cell(provider, name, can) for provider in providers)) for name, words, can in CAPABILITIES]
    facts = [(words, *(say(provider) for provider in providers)) for words, say in FACTS]
    return filled(PAGE, "capabilities", table(("", *VENDORS), [*rows, *facts]))


def _carries(field: str) -> Callable[[Provider], bool]:
    return lambda provider: field in provider.accepts


def _does(method: str) -> Callable[[Provider], bool]:
    """Whether the provider brings the method itself."""
    return lambda provider: getattr(type(provider), method) is not getattr(Provider, method)


CAPABILITIES: tuple[tuple[str, str, Callable[[Provider], bool]], ...] = (
    ("text", "`text`", _carries("text")),
    ("messages", "`messages`", _carries("messages")),
    ("inputs", "`inputs`", _carries("inputs")),
    ("files", "`files`", _carries("files")),
    ("session_id", "`session_id`", _carries("session_id")),
    ("user_id", "`user_id`", _carries("user_id")),
    ("callback_url", "`callback_url`, `submit(callbacks=…)`", _carries("callback_url")),
    ("stream", "streams while it runs", _does("decoder")),
    ("poll", "`submit`, then `wait` or `poll`", _does("build_poll")),
    ("recover", "`recover` a lost answer", _does("recover")),
    ("resume", "`resume` a paused run", _does("resume")),
)


def _cell(provider: Provider, name: str, can: Callable[[Provider], bool]) -> str:
    """yes, no, or one of them with what has to be said with it."""
    word, qualified = "yes" if can(provider) else "no", provider.qualified.get(name)
    return f"{word}, but {qualified}" if qualified else word


def _operations(provider: Provider) -> str:
    return f"[{len(provider.operations)}](endpoints.md)"


FACTS: tuple[tuple[str, Callable[[Provider], str]], ...] = (
    ("calls without a session share one memory there", lambda p: "yes, so each gets a fresh one" if p.shares_default_session else "no"),
    ("its other endpoints, as operations", _operations),
    ("default address", lambda p: f"`{p.default_base_url}`" if p.default_base_url else "none: self-hosted"),
    ("what is mapped, refused and in doubt", lambda p: f"[plugin](../plugins/{p.name}/README.md)"),
)  # fmt: skip

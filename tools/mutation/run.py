"""Tests the tests: mutmut's mutants of the modules in `modules.toml`, each against the tests that are named there.

`python tools/mutation/run.py [name ...]`, from the top of the checkout. What survives must stand in `survivors.toml`.
mutmut makes the mutants; `forked.py` runs them, all in one pytest, which is 10 times as fast as one pytest for each.
mutmut leaves decorated functions alone, and the decisions of our wire models are properties; so a property is written as
`name = property(name)` here, which is the same and is mutated. What stands outside of functions is not mutated.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, TypeAlias

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LEAST = 90  # percent of the mutants of one module that its tests must notice
EVERYWHERE = re.compile(r"raise ValueError\(")
"""Survives with no harm in any `read`: what a plugin raises is shown by its type and place alone."""
KEYS = ("function", "was", "becomes")  # the lines that were, and those that became of them
Change: TypeAlias = tuple[str, str, str]


def main(names: list[str]) -> int:
    """Exit status 0: each module has its score, and each mutant that survives is explained."""
    modules = tomllib.loads((HERE / "modules.toml").read_text())
    explained = tomllib.loads((HERE / "survivors.toml").read_text())
    unknown = set(names) - modules.keys()
    if unknown:
        sys.exit(f"not in modules.toml: {', '.join(sorted(unknown))}; there are {', '.join(modules)}")
    return max([report(name, modules[name], explained.get(name, [])) for name in names or modules])


def report(name: str, module: dict[str, Any], explained: list[dict[str, str]]) -> int:
    """Mutate one module and print its score and what survives without an explanation."""
    began = time.monotonic()
    place = ROOT / "build" / "mutation" / name
    changes = prepare(place, module["file"])
    alive = [changes[mutant] for mutant in survivors(place, module["tests"])]
    known = {(entry["function"], entry["was"], entry["becomes"]) for entry in explained}
    new = [change for change in alive if change not in known and not EVERYWHERE.match(change[1])]
    score = 100 * (1 - len(alive) / len(changes))
    print(f"{name}: {len(changes) - len(alive)} of {len(changes)} killed, {score:.1f} %", end="; ")
    print(f"{len(alive) - len(new)} explained, {len(new)} not, {time.monotonic() - began:.0f} s", flush=True)
    gone = known.difference(alive)
    show("survives", name, new)
    show("is explained, but does not survive", name, sorted(gone))
    return int(score < LEAST or bool(new) or bool(gone))


def show(title: str, name: str, changes: list[Change]) -> None:
    """Changes as they would stand in `survivors.toml`."""
    for change in changes:
        lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in zip(KEYS, change, strict=True))
        print(f"\n# {title}\n[[{name}]]", *lines, sep="\n", flush=True)


def prepare(place: Path, file: str) -> dict[str, Change]:
    """All packages in one `src`, the module replaced by its mutants; what each of them changes, by its name."""
    shutil.rmtree(place, ignore_errors=True)
    for source in (ROOT / "src", *sorted(ROOT.glob("plugins/*/src"))):
        shutil.copytree(source, place / "src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    path = place / "src" / file
    mutated = mutate_file_contents(file, undecorated(path.read_text()))
    path.write_text(mutated.code)
    module = file.removesuffix(".py").replace("/", ".")
    changes = {f"{module}.{name}": change for name, change in changed(mutated.code, mutated.mutant_names)}
    (place / "mutants.json").write_text(json.dumps(list(changes)))
    return changes


def undecorated(source: str) -> str:
    """The same module, with `name = property(name)` for each `@property`."""
    lines = source.splitlines()
    found = [node for node in ast.walk(ast.parse(source)) if is_property(node)]
    for function in sorted(found, key=lambda node: -node.lineno):
        lines.insert(function.end_lineno, f"{' ' * function.col_offset}{function.name} = property({function.name})")
        del lines[function.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"


def is_property(node: ast.AST) -> bool:
    """Whether this is a method whose only decorator is `@property`."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return [ast.unparse(decorator) for decorator in decorators] == ["property"]


def changed(code: str, names: list[str]) -> list[tuple[str, Change]]:
    """Each mutant and its change, which is its name in `survivors.toml` since it holds as long as the line does."""
    functions = {node.name: node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)}
    lines = code.splitlines()
    bodies = {name: lines[node.lineno : node.end_lineno] for name, node in functions.items()}
    heads = {name: lines[node.lineno - 1].replace(name, "def", 1) for name, node in functions.items()}
    return [(name, change(name, bodies, heads)) for name in names]


def change(name: str, bodies: dict[str, list[str]], heads: dict[str, str]) -> Change:
    """The difference between a mutant and the original."""
    function, of = orig_function_and_class_names_from_key(name)
    original = name.partition("__mutmut_")[0] + "__mutmut_orig"
    both = [[heads[each], *bodies[each]] for each in (original, name)]
    diff = [line for line in difflib.ndiff(*both) if line[0] in "-+"]
    was, becomes = (" ".join(line[2:].strip() for line in diff if line[0] == sign) for sign in "-+")
    return f"{of}.{function}" if of else function, was, becomes


def survivors(place: Path, tests: list[str]) -> list[str]:
    """The mutants that no test has noticed, by mutmut's name."""
    environment = {**os.environ, "PYTHONPATH": f"{place / 'src'}{os.pathsep}{HERE}", "MUTANTS": str(place)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "forked",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "-m",
        "not hypothesis",
        *tests,
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if not (place / "alive.json").exists():
        sys.exit(f"{done.stdout}\n{done.stderr}\nthe tests do not pass as they are")
    return json.loads((place / "alive.json").read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Lists the benchmarks, runs one, keeps its result, shows kept results side by side. `python run.py bench --help`."""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from pathlib import Path

from bench import report

HERE = Path(__file__).resolve().parent


def listed() -> dict[str, tuple[str, str]]:
    """name → (title, module), read from the sources without importing them."""
    found = {}
    for path in sorted(HERE.glob("bench_*.py")):
        facts: dict[str, str] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                facts |= {target.id: str(node.value.value) for target in node.targets if isinstance(target, ast.Name)}
        if "NAME" in facts:
            found[facts["NAME"]] = (facts.get("TITLE", ""), f"bench.{path.stem}")
    return found


def run(module: str, words: list[str]) -> tuple[int, dict[str, object] | None]:
    """Run the module's `main(words)` in a process of its own; its exit code, and its last line if that is an object."""
    code = f"import sys; from {module} import main; raise SystemExit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, *words]
    last = ""
    with subprocess.Popen(words, cwd=HERE.parent, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if last:
                print(last, end="", flush=True)
            last = line
    status = process.returncode
    try:
        result = json.loads(last)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        print(last, end="", flush=True)
        result = None
    return status, result


def main(argv: list[str]) -> int:
    known = listed()
    parser = argparse.ArgumentParser(prog="run.py bench", description="List the benchmarks, or run one.")
    parser.add_argument("name", nargs="?", help=f"one of: {', '.join(known)}")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--save", action="store_true", help=f"keep the result in {report.directory()}")
    parser.add_argument("--compare", action="store_true", help="kept results side by side, by machine and commit")
    options, words = parser.parse_known_args(argv)
    if options.name and options.name not in known:
        print(f"no benchmark is called {options.name!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    if options.compare and not options.save and not words and not options.json:
        print("\n".join(report.compared(options.name)))
        return 0
    if not options.name:
        for name, (title, _) in known.items():
            print(f"{name:<12} {title}")
        print("\nrun.py bench NAME [--json] [--save] [--compare]; `run.py bench NAME -- --help` names its own options")
        return 0
    status, result = run(known[options.name][1], ["--json", *(word for word in words if word != "--")])
    if status == 0 and result is not None:
        if options.save:
            print(f"kept in {report.save(options.name, result)}")
        if options.compare:
            print("\n".join(report.compared(options.name)))
        if options.json:
            print(json.dumps(result))
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

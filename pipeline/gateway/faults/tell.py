"""`python -m pipeline.gateway.faults.tell PATH 'stall client=11 for_s=5'`: a fault for a gateway that runs."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

ANSWER_S = 5.0


def tell(path: Path | str, line: str) -> str:
    """Say one line to the control channel; its answer. OSError if nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_S)
        sock.connect(str(path))
        sock.sendall(line.encode() + b"\n")
        heard = b""
        while not heard.endswith(b"\n"):
            data = sock.recv(4096)
            if not data:
                break
            heard += data
    return heard.decode().strip()


def main(argv: Sequence[str]) -> int:
    if len(argv) < 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        answer = tell(argv[0], " ".join(argv[1:]))
    except OSError as error:
        print(f"{argv[0]}: expected a gateway with --control {argv[0]}, found: {error}", file=sys.stderr)
        return 1
    print(answer)
    return 0 if answer.split(" ")[0] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

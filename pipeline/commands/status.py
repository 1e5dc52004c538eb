"""`status`: the table of processes of the active run, asked of its supervisor."""

from __future__ import annotations

import argparse
import math

import msgspec
import zmq

from pipeline import messages
from pipeline.bus import sockets
from pipeline.commands import places
from pipeline.errors import WireError
from pipeline.messages import ProcessStatus, State, SystemStatus
from pipeline.runtime import Runtime
from pipeline.supervisor import lock

EXIT_READY, EXIT_DEGRADED, EXIT_NOT_RUNNING = 0, 1, 3
ANSWER_MS = 2000


def main(options: argparse.Namespace) -> int:
    """Print it; 0 all ready, 1 degraded or failed, 3 not running."""
    runtime = places.active(options)
    pid = lock.holder(runtime.state_dir)
    if not pid:
        print(f"not running (state directory {runtime.state_dir})")
        return EXIT_NOT_RUNNING
    status, source = ask(runtime)
    if status is None:
        print(f"pid {pid} runs on {runtime.state_dir}, but it does not answer and has written no status.json yet")
        return EXIT_DEGRADED
    if options.json:
        facts = {"pid": pid, "source": source, "state_dir": str(runtime.state_dir)} | messages_of(status)
        print(msgspec.json.encode(facts).decode())
    else:
        print("\n".join(table(status, pid, source)))
    return EXIT_READY if status.state in (State.READY, State.WAITING) else EXIT_DEGRADED


def ask(runtime: Runtime) -> tuple[SystemStatus | None, str]:
    """From the supervisor itself, else what it last wrote; and which of them."""
    context: sockets.Context = zmq.Context()
    socket = sockets.dealer(context, runtime.endpoint("supervisor", "ctl"))
    try:
        if socket.poll(ANSWER_MS, zmq.POLLOUT):
            socket.send_multipart([b"STATUS"])
            if socket.poll(ANSWER_MS):
                parts = socket.recv_multipart()
                return messages.unpack_as(parts[-1], SystemStatus), "supervisor"
    except (zmq.ZMQError, WireError):
        return written(runtime), "status.json"
    finally:
        socket.close(linger=0)
        sockets.terminate(context)
    return written(runtime), "status.json"


def written(runtime: Runtime) -> SystemStatus | None:
    """status.json; None where there is none that can be read."""
    try:
        return msgspec.json.decode((runtime.state_dir / "status.json").read_bytes(), type=SystemStatus)
    except (OSError, msgspec.MsgspecError):
        return None


def messages_of(status: SystemStatus) -> dict[str, object]:
    return dict(msgspec.to_builtins(status))


def table(status: SystemStatus, pid: int, source: str) -> list[str]:
    """One line a process, then the addresses."""
    head = f"{status.run}: {status.state.value}, up {_duration(status.up_s)}, supervisor pid {pid}"
    lines = [head if source == "supervisor" else f"{head} (it does not answer; as of its last {source})", ""]
    words = f"{'up':>10}{'restarts':>10}{'cpu %':>8}{'MB':>8}{'lag ms':>8}{'queue':>8}"
    lines.append(f"{'process':<10}{'state':<10}{'pid':>8}{words}")
    lines += [_row(process) for process in status.processes]
    errors = [f"{process.process}: {process.last_error}" for process in status.processes if process.last_error]
    lines += ["", *errors] if errors else []
    lines += ["", *(f"{name:<10}{address}" for name, address in status.addresses.items())]
    return lines


def _row(process: ProcessStatus) -> str:
    lag = "—" if math.isnan(process.loop_lag_ms) else f"{process.loop_lag_ms:.1f}"
    memory = f"{process.rss_bytes / 1e6:.0f}" if process.rss_bytes else "—"
    pid = str(process.pid) if process.pid else "—"
    return (
        f"{process.process:<10}{process.state.value:<10}{pid:>8}{_duration(process.up_s):>10}{process.restarts:>10}"
        f"{process.cpu_percent:>8.1f}{memory:>8}{lag:>8}{process.queue:>8}"
    )


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"

"""`training.tensorboard`: a file for TensorBoard that grows while a run trains.

Each epoch adds its metrics. The file is written anew from `metrics.csv` when a run begins or is resumed, so that no
epoch is in it twice. `dropout export --format tensorboard` writes a file with weights, figures and final metrics, too.
"""

import io
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run
from dropout_cli.runs.atomic_io import append_bytes

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

EVENT_FILE = "events.out.tfevents.0.dropout"
"""The name of every file; TensorBoard reads files with `tfevents` in their names, also in folders of runs."""
WRITER = "dropout"


def require_tensorboard(place: str) -> None:
    """Raise UsageError if the package is not installed.

    Args:
        place: The option or the key that needs it.
    """
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ImportError:
        way_out = f"Install it with {install_command('tensorboard')}."
        raise UsageError(place, "needs the package tensorboard, which is not installed", way_out) from None


def version_event(start: float, writer: str = WRITER) -> "Event":
    """Return the first event of a file.

    Args:
        start: Its time in seconds since 1970.
        writer: The program that writes the file.
    """
    from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata

    return Event(wall_time=start, file_version="brain.Event:2", source_metadata=SourceMetadata(writer=writer))


def scalars_event(metrics: Mapping[str, float], epoch: int, ended: float) -> "Event":
    """Return the event of an epoch.

    Args:
        metrics: Column of `metrics.csv` -> value.
        epoch: The epoch, which is the step of TensorBoard.
        ended: Its end in seconds since 1970.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items() if name != "epoch"]
    return Event(wall_time=ended, step=epoch, summary=Summary(value=values))


def pack_records(events: Sequence["Event"]) -> bytes:
    """Return events as records of a file, with their checksums."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    writer = RecordWriter(buffer := io.BytesIO())
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
    return buffer.getvalue()


class LiveTensorboard:
    """The growing file of a run."""

    def __init__(self, run: Run) -> None:
        """Write the file with the epochs that the run has.

        Args:
            run: The locked run; its `metrics.csv` ends at the epoch from which training continues.
        """
        self._run, now = run, time.time()
        events = [version_event(now)]
        if run.has_file("metrics.csv"):
            columns = run.table("metrics.csv").columns()
            for place, epoch in enumerate(columns["epoch"]):
                metrics = {name: values[place] for name, values in columns.items()}
                events.append(scalars_event(metrics, int(epoch), now))
        run.write(EVENT_FILE, pack_records(events))

    def add(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Append the metrics of an epoch that has just ended.

        Args:
            metrics: Column of `metrics.csv` -> value.
            epoch: The epoch.
        """
        append_bytes(self._run.path_of(EVENT_FILE), pack_records([scalars_event(metrics, epoch, time.time())]))

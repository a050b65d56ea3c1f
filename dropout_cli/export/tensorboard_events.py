"""Files of TensorBoard for a run: scalars, histograms, figures and hyperparameters.

The records are those of TensorBoard's own writer. A file is built in memory, so that it is written whole or not at all,
and holds the times of the run, so that the same run gives the same bytes.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.tensorboard_log import pack_records, scalars_event, version_event

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

WRITER = "dropout export"
PARTS = ("train", "val", "test")
PNG_SIZE = slice(16, 24)
"""Width and height in the bytes of a PNG file, as big-endian integers of 32 bits."""


def pack_events(events: Iterable["Event"], start: float) -> bytes:
    """Return the bytes of an event file.

    Args:
        events: The events after the version of the file.
        start: The time of the first event, in seconds since 1970.
    """
    return pack_records([version_event(start, WRITER), *events])


def run_events(run: Run, checkpoint: str | None, keys: Sequence[str] | None = None) -> Iterator["Event"]:
    """Yield the events of a run.

    Args:
        run: The run.
        checkpoint: The checkpoint for the histograms: `best` or `last`; None: the evaluated one.
        keys: The keys of the config to show as hyperparameters; None: all of its single values.

    Raises:
        UsageError: The run has no checkpoint.
        RunFailed: A file of the run is damaged.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.plugins.hparams import summary_v2 as hparams

    start, columns = run.created / 1e9, run.table("metrics.csv").columns()
    times = _epoch_ends(run, start, len(columns["epoch"]))
    is_complete = run.final_status == "completed"
    summary = run.summary() if is_complete else {}
    if is_complete:
        shown = hyperparameters(run, keys)
        yield Event(wall_time=start, summary=hparams.hparams_pb(shown, trial_id=run.name, start_time_secs=start))
    for place, epoch in enumerate(columns["epoch"]):
        metrics = {name: column[place] for name, column in columns.items()}
        yield scalars_event(metrics, int(epoch), times[place])
    last, end = int(columns["epoch"][-1]) if times else 0, times[-1] if times else start
    scores = [Summary.Value(tag=name, simple_value=value) for name, value in final_scores(summary)]
    yield Event(wall_time=end, step=last, summary=Summary(value=scores))
    loaded = restore.load_without_data(run, checkpoint)
    with loaded.learner.averaged() as network:
        arrays = {name: parameter.value for name, parameter in network.parameters().items()} | network.state()
        for name, array in arrays.items():
            yield Event(wall_time=end, step=last, summary=histogram_pb(f"weights/{name}", array))
    for path in sorted(run.path.glob("*.png")):
        yield Event(wall_time=end, step=last, summary=Summary(value=[image_value(path.stem, run.read(path.name))]))
    if is_complete:
        yield _session_end(end)


def image_value(name: str, data: bytes) -> Any:
    """Return a figure as a value of a summary.

    Args:
        name: The name of the figure.
        data: The bytes of a PNG file.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = struct.unpack(">II", data[PNG_SIZE])
    image = Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=data)
    return Summary.Value(tag=f"figures/{name}", image=image)


def hyperparameters(run: Run, keys: Sequence[str] | None) -> dict[str, Any]:
    """Return single values of the config of a completed run by dotted key.

    Args:
        run: The run.
        keys: The keys to return; None: all. Keys that the run lacks are left out.
    """
    values = dict(_single_values(run.summary()["config"], ""))
    return values if keys is None else {key: values[key] for key in keys if key in values}


def final_scores(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the final metrics in `summary.json`, such as `final/test_accuracy`.

    Args:
        summary: The contents of the file.
    """
    for part in PARTS:
        for name, value in (summary.get(part) or {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"final/{part}_{name}", float(value)


def _single_values(block: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _single_values(value, f"{prefix}{name}.")
        elif isinstance(value, bool | float | str | int):
            yield f"{prefix}{name}", value
        elif value is not None:
            yield f"{prefix}{name}", ", ".join(map(str, value))


def _epoch_ends(run: Run, start: float, epochs: int) -> list[float]:
    """Return the time at the end of each epoch; without timings, one second per epoch."""
    timings = run.table("timings.csv").columns() if run.has_file("timings.csv") else {}
    spent = [values for name, values in timings.items() if name.endswith("_seconds")]
    times, now = [], start
    for place in range(epochs):
        now += sum(column[place] for column in spent) if spent and place < len(spent[0]) else 1.0
        times.append(now)
    return times


def _session_end(time: float) -> "Event":
    """Return the event after which TensorBoard shows a run as finished."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    ended = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time)
    data = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=ended))
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=data, tensor=metadata.NULL_TENSOR)
    return Event(wall_time=time, summary=Summary(value=[value]))

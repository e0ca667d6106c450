"""Calls the Python functions of one session of compute, in a process of its own.

It speaks over one socket in frames: the length of the rest in four bytes, low byte first, one byte for the kind, the payload. Rows travel
as Arrow streams. The server opens a call and answers each wish for input; the worker asks for input, gives results, and ends with DONE or a
traceback. One call runs at a time. The worker dies with the server: the kernel kills its process group when the server's end of the second
socket closes, whatever Python is doing then.
"""
import faulthandler
import fcntl
import inspect
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import traceback

OPEN, INPUT, GROUPS, END, CLOSE = b"OIGEC"
READY, WANT, RESULT, DONE, FAILED = b"RWBDX"
FRAME_BYTES_MAX = 1 << 30
TRACEBACK_BYTES_MAX = 64 << 10
RESULT_BYTES = 32 << 20

ROW, ARROW_ROW = 100, 101
PANDAS, PANDAS_ITER, ARROW, ARROW_ITER = 200, 204, 250, 251
MAP_PANDAS, MAP_ARROW = 205, 207
GROUP_PANDAS, GROUP_ARROW, GROUP_ARROW_ITER, GROUP_PANDAS_ITER = 201, 209, 215, 216
COGROUP_PANDAS, COGROUP_ARROW = 206, 210
AGGREGATE_PANDAS, AGGREGATE_PANDAS_ITER, AGGREGATE_ARROW, AGGREGATE_ARROW_ITER = 202, 217, 252, 254


class Closed(Exception):
    """The server wants no more of this call."""


class Connection:
    def __init__(self, descriptor):
        self.socket = socket.socket(fileno=descriptor)

    def send(self, kind, payload=b""):
        self.socket.sendall(struct.pack("<IB", len(payload) + 1, kind))
        if len(payload):
            self.socket.sendall(payload)

    def receive(self):
        length, kind = struct.unpack("<IB", self._exactly(5))
        if not 1 <= length <= FRAME_BYTES_MAX:
            raise EOFError("a frame of %d bytes" % length)
        return kind, self._exactly(length - 1)

    def _exactly(self, count):
        data = bytearray(count)
        view = memoryview(data)
        while len(view):
            got = self.socket.recv_into(view)
            if got == 0:
                raise EOFError("the server has closed")
            view = view[got:]
        return data

    def want(self):
        """The next input: its kind and payload, or None at the end."""
        self.send(WANT)
        kind, payload = self.receive()
        if kind == CLOSE:
            raise Closed()
        return None if kind == END else (kind, payload)

    def result(self, table):
        """Sends the rows in pieces of bounded size."""
        rows = table.num_rows
        step = max(1, min(Call.rows_max, rows if table.nbytes <= RESULT_BYTES else rows * RESULT_BYTES // table.nbytes))
        for start in range(0, rows, step) if rows else [0]:
            sink = pa.BufferOutputStream()
            piece = table.slice(start, step).combine_chunks()
            with pa.ipc.new_stream(sink, piece.schema) as writer:
                writer.write_table(piece)
            self.send(RESULT, memoryview(sink.getvalue()))


class Call:
    """One call of the server: its functions, which of the columns are their arguments, and the columns of the result."""

    rows_max = 8192

    def __init__(self, payload, connection):
        size = struct.unpack_from("<I", payload)[0]
        header = json.loads(bytes(payload[4 : 4 + size]))
        at = 4 + size
        self.kind = header["kind"]
        self.keys = header["keys"]
        self.others = header["otherKeys"]
        self.functions = []
        self.connection = connection
        Session.zone_name, Session.zone = header["zone"], zone_named(header["zone"])
        Session.safe = header["safe"]
        Call.rows_max = header["rows"]
        for function in header["functions"]:
            command = bytes(payload[at : at + function["size"]])
            at += function["size"]
            self.functions.append((cloudpickle.loads(command)[0], function["arguments"], function["names"]))
        self.schema = pa.ipc.open_stream(pa.py_buffer(payload[at:])).schema

    def run(self):
        kind = self.kind
        if kind in (ROW, ARROW_ROW):
            self.each_batch(self.rows)
        elif kind in (PANDAS, ARROW):
            self.each_batch(self.columns)
        elif kind in (PANDAS_ITER, ARROW_ITER):
            self.iterator()
        elif kind in (MAP_PANDAS, MAP_ARROW):
            self.mapped()
        elif kind in (AGGREGATE_PANDAS, AGGREGATE_PANDAS_ITER, AGGREGATE_ARROW, AGGREGATE_ARROW_ITER):
            self.each_groups(self.aggregated)
        elif kind in (COGROUP_PANDAS, COGROUP_ARROW):
            self.each_groups(self.cogrouped)
        else:
            self.each_groups(self.grouped)

    def inputs(self):
        while True:
            received = self.connection.want()
            if received is None:
                return
            yield received[1]

    def give(self, arrays):
        self.connection.result(pa.Table.from_arrays(arrays, schema=self.schema))

    def each_batch(self, body):
        for payload in self.inputs():
            table = table_of(payload)
            self.give([body(table, *item) for item in zip(self.functions, self.schema)])

    def rows(self, table, function, field):
        call, places, names = function
        columns = [objects(one_array(table.column(place))) for place in places]
        named = [name for name in names if name]
        if named:
            plain = len(names) - len(named)
            values = [call(*row[:plain], **dict(zip(named, row[plain:]))) for row in zip(*columns)]
        elif len(columns) == 1:
            values = [call(value) for value in columns[0]]
        else:
            values = [call(*row) for row in zip(*columns)] if columns else [call() for _ in range(table.num_rows)]
        return array_of(values, field.type, self.kind == ARROW_ROW)

    def arguments(self, table, places):
        if self.is_pandas():
            return [series(table.column(place), frames=True) for place in places]
        return [one_array(table.column(place)) for place in places]

    def is_pandas(self):
        return self.kind < ARROW and self.kind not in (MAP_ARROW, GROUP_ARROW, GROUP_ARROW_ITER, COGROUP_ARROW)

    def array(self, values, field, count=None):
        if self.is_pandas():
            import pandas

            wanted = pandas.DataFrame if pa.types.is_struct(field.type) else pandas.Series
            if not hasattr(values, "__len__") or isinstance(values, (str, bytes, dict)):
                raise expected_type("pandas.%s" % wanted.__name__, values)
            if not isinstance(values, (pandas.Series, pandas.DataFrame)):
                values = pandas.Series(values)
            made = from_pandas(values, field.type)
        else:
            if not isinstance(values, (pa.Array, pa.ChunkedArray)):
                raise expected_type("pyarrow.Array", values)
            made = one_array(values).cast(field.type)
        if count is not None and len(made) != count:
            name = "pandas_udf" if self.is_pandas() else "arrow_udf"
            raise refusal(
                "PySparkRuntimeError", "SCHEMA_MISMATCH_FOR_PANDAS_UDF", udf_type=name, expected=str(count), actual=str(len(made))
            )
        return made

    def columns(self, table, function, field):
        call, places, names = function
        values = self.arguments(table, places)
        plain = len([name for name in names if not name])
        made = call(*values[:plain], **dict(zip(names[plain:], values[plain:])))
        return self.array(made, field, table.num_rows)

    def iterator(self):
        (call, places, _), counts = self.functions[0], [0, 0]

        def pulled():
            for payload in self.inputs():
                table = table_of(payload)
                counts[0] += table.num_rows
                values = self.arguments(table, places)
                yield values[0] if len(values) == 1 else tuple(values)

        for values in call(pulled()):
            made = self.array(values, self.schema.field(0))
            counts[1] += len(made)
            if counts[1] > counts[0]:
                break
            self.give([made])
        for payload in self.inputs():
            counts[0] += table_of(payload).num_rows
        if counts[0] != counts[1]:
            raise refusal("PySparkRuntimeError", "RESULT_ROWS_MISMATCH", output_length=str(counts[1]), input_length=str(counts[0]))

    def mapped(self):
        call, places, _ = self.functions[0]
        if self.kind == MAP_PANDAS:
            made = call(frame(table_of(payload), places) for payload in self.inputs())
            convert = table_from_pandas
        else:
            made = call(batch for payload in self.inputs() for batch in table_of(payload).select(places).to_batches())
            convert = table_from_arrow
        if not hasattr(made, "__iter__"):
            raise expected_type("iterator of %s" % ("pandas.DataFrame" if self.kind == MAP_PANDAS else "pyarrow.RecordBatch"), made)
        for data in made:
            self.connection.result(convert(data, self.schema))

    def each_groups(self, body):
        while True:
            received = self.connection.want()
            if received is None:
                return
            body(*groups_of(received[1]))

    def aggregated(self, lengths, table, *_):
        columns = []
        for (call, places, names), field in zip(self.functions, self.schema):
            values, results, start = self.arguments(table, places), [], 0
            plain = len([name for name in names if not name])
            for length in lengths[0]:
                part = [v.iloc[start : start + length] if self.is_pandas() else v.slice(start, length) for v in values]
                if self.kind in (AGGREGATE_PANDAS_ITER, AGGREGATE_ARROW_ITER):
                    results.append(call(iter([part[0] if len(part) == 1 else tuple(part)])))
                else:
                    results.append(call(*part[:plain], **dict(zip(names[plain:], part[plain:]))))
                start += length
            results = [value.as_py() if isinstance(value, pa.Scalar) else plain_number(value) for value in results]
            columns.append(array_of([None if missing(value) else value for value in results], field.type, True))
        self.give(columns)

    def sides(self, table, lengths, keys):
        """For each group the key as a tuple, None for no rows, and its rows."""
        places, start = range(keys, len(table.schema)), 0
        if self.is_pandas():
            heads = [series(table.column(place)) for place in range(keys)]
            rows = frame(table, places)
        else:
            heads = [table.column(place) for place in range(keys)]
            rows = table.select(places)
        for length in lengths:
            if self.is_pandas():
                key = tuple(head.iloc[start] for head in heads) if length else None
                yield key, rows.iloc[start : start + length].reset_index(drop=True)
            else:
                yield (tuple(head[start] for head in heads) if length else None), rows.slice(start, length)
            start += length

    def grouped(self, lengths, table, *_):
        call, _, _ = self.functions[0]
        results = []
        takes_key = len(inspect.getfullargspec(call).args) - inspect.ismethod(call) > 1
        for key, rows in self.sides(table, lengths[0], self.keys):
            if self.kind in (GROUP_PANDAS, GROUP_ARROW):
                results.append(call(key, rows) if takes_key else call(rows))
            else:
                parts = iter([rows]) if self.kind == GROUP_PANDAS_ITER else iter(rows.to_batches())
                results.extend(call(key, parts) if takes_key else call(parts))
        self.connection.result(self.joined(results))

    def joined(self, results):
        if self.is_pandas():
            return table_from_frames(results, self.schema)
        return pa.concat_tables([table_from_arrow(data, self.schema) for data in results]) if results else self.schema.empty_table()

    def cogrouped(self, lengths, left, right):
        call, _, _ = self.functions[0]
        results = []
        takes_key = len(inspect.getfullargspec(call).args) - inspect.ismethod(call) > 2
        for (key, rows), (other_key, others) in zip(self.sides(left, lengths[0], self.keys), self.sides(right, lengths[1], self.others)):
            key = key if key is not None else other_key
            results.append(call(key, rows, others) if takes_key else call(rows, others))
        self.connection.result(self.joined(results))


def groups_of(payload):
    """Lengths of the groups for each side, and each side's rows: u32 groups, u32 sides, lengths side by side, u32 size of the first."""
    groups, sides = struct.unpack_from("<II", payload)
    lengths = [struct.unpack_from("<%dI" % groups, payload, 8 + 4 * groups * side) for side in range(sides)]
    at = 8 + 4 * groups * sides
    size = struct.unpack_from("<I", payload, at)[0]
    view = memoryview(payload)
    tables = [table_of(view[at + 4 : at + 4 + size])]
    if sides == 2:
        tables.append(table_of(view[at + 4 + size :]))
    return (lengths, *tables)


def traceback_of(error):
    """From the first line that is not of this file, as the author of the function sees it."""
    first = error.__traceback__
    while first is not None and os.path.dirname(first.tb_frame.f_code.co_filename) == os.path.dirname(__file__):
        first = first.tb_next
    lines = traceback.format_exception(type(error), error, first or error.__traceback__)
    data = "".join(lines).strip().encode("utf-8", "replace")
    return data if len(data) <= TRACEBACK_BYTES_MAX else data[: TRACEBACK_BYTES_MAX // 2] + b"\n...\n" + data[-TRACEBACK_BYTES_MAX // 2 :]


def die_with_server(descriptor):
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    # It may have closed before.
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    if watch.poll(0):
        os._exit(1)


def serve(connection):
    while True:
        kind, payload = connection.receive()
        if kind != OPEN:
            continue
        try:
            Call(payload, connection).run()
        except Closed:
            connection.send(DONE)
        except (EOFError, ConnectionError):
            os._exit(0)
        # Also the end of the interpreter, which a function may ask for, must reach its author.
        except BaseException as error:
            connection.send(FAILED, traceback_of(error))
        else:
            connection.send(DONE)


def load():
    """What functions need; not there in every Python."""
    global cloudpickle, pa
    import pyarrow as pa
    from pyspark import cloudpickle

    import platform_values

    globals().update({name: value for name, value in vars(platform_values).items() if not name.startswith("__")})


def main():
    settings = json.loads(sys.argv[1])
    # Whatever else the server had open, and where it stood.
    os.closerange(settings["lifeline"] + 1, 1 << 16)
    os.chdir(os.path.dirname(__file__))
    die_with_server(settings["lifeline"])
    faulthandler.enable(sys.__stderr__)
    for limit, value in (
        (resource.RLIMIT_AS, settings["memoryBytes"]),
        (resource.RLIMIT_FSIZE, settings["fileBytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    connection = Connection(settings["socket"])
    ready = {"version": "%d.%d" % sys.version_info[:2]}
    try:
        load()
    except ImportError as error:
        ready["missing"] = str(error)
    connection.send(READY, json.dumps(ready).encode())
    serve(connection)


if __name__ == "__main__":
    try:
        main()
    except (EOFError, ConnectionError):
        os._exit(0)

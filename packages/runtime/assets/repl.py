"""Runs the cells of one context, one after the other, in one namespace.

Requests come on descriptor 3, one JSON object a line: {"id", "code", "env"}. Answers leave on descriptor 4, a JSON object
on a line, {"id", "exitCode", "result": [[mime, bytes], ...] or null, "exception": [bytes, bytes, bytes] or null}, and behind it the
bytes of the parts: those of the result, then the exception's type, message and traceback. What a cell prints goes to the process's own stdout and stderr, which the host reads.
A cell that raises, exits or is interrupted leaves the namespace as it is.
"""

import ast
import builtins
import codecs
import io
import json
import linecache
import os
import signal
import sys
import traceback
import types

REQUESTS = os.fdopen(3, "r", encoding="utf-8", newline="\n")
ANSWERS = 4
CO_COROUTINE = 0x80  # of a code object's flags: it awaits
MAX_RESULT = 8 * 1024 * 1024  # bytes of a result's parts together; the host takes no more
MAX_EXCEPTION = (1024, 15 * 1024, 48 * 1024)  # bytes of an exception's type, message and traceback; the host takes no more
SELF = os.getpid()
TRACE_VARIABLES = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")  # the host sets them before each cell

for descriptor in (3, 4):
    os.set_inheritable(descriptor, False)

# Whether or not Python looks beside a program for modules, which its environment may say.
sys.path.insert(0, os.path.dirname(__file__))
import repl_show  # noqa: E402

del sys.path[0]

main = types.ModuleType("__main__")
main.__builtins__ = __builtins__
sys.modules["__main__"] = main
sys.path.insert(0, "")
sys.argv = [""]


def escape(error):
    """Characters without a UTF-8 form must not end a cell: bytes of a file name go out as they came in, the rest as \\ud800."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


codecs.register_error("sandglass", escape)
sys.stdout.reconfigure(errors="sandglass", write_through=True)
sys.stderr.reconfigure(errors="sandglass", write_through=True)

loop = None
loop_file = None  # where the frames of what runs `loop` are
cells = 0
print_pieces = builtins.print


def print_at_once(*values, sep=" ", end="\n", file=None, flush=False):
    """`print` with one write for a whole call instead of one a piece: a reader of the stream sees lines, not fragments."""
    text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
    print_pieces(text, end="", file=file, flush=flush)


builtins.print = print_at_once


def answer(message, parts=()):
    data = json.dumps(message).encode() + b"\n" + b"".join(parts)
    at = 0
    while at < len(data):
        at += os.write(ANSWERS, memoryview(data)[at:])


def encode(text):
    """A lone surrogate has no UTF-8 form: its escape stands for it."""
    return text.encode("utf-8", "backslashreplace")


def cut(text, most):
    """At most so many bytes: of a longer text the beginning and the end, with the sign that there was more between them."""
    if len(text) <= most and len(data := encode(text)) <= most:
        return data
    half = (most - 3) // 2
    begin = encode(text[:half])[:half].decode("utf-8", "ignore")
    end = encode(text[-half:])[-half:].decode("utf-8", "ignore")
    return encode(f"{begin}\u2026{end}")


def answer_failure(cell, code, exception):
    if exception is None:
        return answer({"id": cell, "exitCode": code, "result": None})
    parts = [cut(text, most) for text, most in zip(exception, MAX_EXCEPTION)]
    answer({"id": cell, "exitCode": code, "result": None, "exception": [len(part) for part in parts]}, parts)


def answer_cell(cell, code, result):
    if result is None:
        return answer({"id": cell, "exitCode": code, "result": None})
    parts = {mime: encode(text) for mime, text in result.items()}
    if sum(map(len, parts.values())) > MAX_RESULT:
        # Cut between characters, with the sign that it was.
        plain = parts["text/plain"][: MAX_RESULT - 3].decode("utf-8", "ignore")
        parts = {"text/plain": encode(plain + "\u2026")}
    head = [[mime, len(part)] for mime, part in parts.items()]
    answer({"id": cell, "exitCode": code, "result": head}, parts.values())


def run_async(coroutine):
    global loop, loop_file
    import asyncio  # takes longer to load than everything else here: only cells that await pay for it

    loop_file = asyncio.base_events.__file__
    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done():
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        raise


def execute(tree, name):
    """Runs the statements; returns the value of a last expression, else None."""
    body = tree.body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if body:
        code = compile(ast.Module(body, tree.type_ignores), name, "exec", flags=flags)
        value = eval(code, main.__dict__)
        if code.co_flags & CO_COROUTINE:
            run_async(value)
    if last is None:
        return None
    code = compile(ast.Expression(last.value), name, "eval", flags=flags)
    value = eval(code, main.__dict__)
    return run_async(value) if code.co_flags & CO_COROUTINE else value


def show_error():
    """Writes the traceback without the frames that run a cell; returns it."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, repl_show.__file__, loop_file):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(kind, error, trace))
    try:
        sys.stderr.write(text)
    except Exception:  # the cell closed or replaced it
        try:
            os.write(2, text.encode("utf-8", "sandglass"))
        except OSError:
            pass  # the descriptor too: it wants to hear of nothing
    return text


def describe_exception(error, trace):
    """Its type as OpenTelemetry for Python calls it, its message, and the traceback."""
    kind = type(error)
    module = kind.__module__
    name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    try:
        message = str(error)
    except BaseException:
        message = ""  # one that cannot say what it is; the traceback says that too
    return name, message, trace


def mend_streams():
    """What a cell closed (`exit` closes stdin) is there again for the next."""
    for name, descriptor in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name, None)
        try:
            stream.flush()
        except Exception:
            pass  # closed, or not a stream at all
        if stream is None or getattr(stream, "closed", False):
            raw = open(descriptor, "rb", closefd=False) if name == "stdin" else open(descriptor, "wb", 0, closefd=False)
            stream = io.TextIOWrapper(raw, encoding="utf-8", errors="sandglass", write_through=True)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def exit_code(value):
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    print(value, file=sys.stderr)
    return 1


def attach_trace():
    """Makes the exec the parent of the cell's spans where OpenTelemetry is there already; returns what undoes it, or None.

    An SDK takes no context from the environment, and the environment of its start was another cell's. Where a cell has not loaded
    it, nothing is.
    """
    context = sys.modules.get("opentelemetry.context")
    if context is None:
        return None
    try:
        from opentelemetry.baggage.propagation import W3CBaggagePropagator
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {name.lower(): os.environ[name] for name in TRACE_VARIABLES if os.environ.get(name)}
        caller = TraceContextTextMapPropagator().extract(carrier, context.get_current())
        token = context.attach(W3CBaggagePropagator().extract(carrier, caller))
        return lambda: context.detach(token)
    except Exception:
        return None  # half loaded, or another module of that name: the cell runs as it would without it


def forget_figures():
    try:
        repl_show.close_figures()
    except Exception:
        pass  # of the cell's own making: how it ended is known already


def run(request):
    global cells
    cells += 1
    name = f"<cell {cells}>"
    source = request["code"]
    linecache.cache[name] = (len(source), None, f"{source}\n".splitlines(True), name)
    result = None
    exception = None
    code = 0
    detach = None
    try:
        detach = attach_trace()
        value = execute(compile(source, name, "exec", ast.PyCF_ONLY_AST), name)
        if value is not None:
            main.__dict__["_"] = value
        result = repl_show.describe(value, show_error)
    except SystemExit as error:
        code = exit_code(error.code)
    except KeyboardInterrupt:
        show_error()
        code = 130
    except BaseException as error:
        exception = describe_exception(error, show_error())
        code = 1
    if code != 0:
        forget_figures()
    if detach is not None:
        detach()
    mend_streams()
    if os.getpid() != SELF:
        os._exit(code)  # a child that the cell forked: the answer and the next cell are its parent's
    if code == 0:
        answer_cell(request["id"], code, result)
    else:
        answer_failure(request["id"], code, exception)


answer({"ready": True})
while True:
    # Between cells an interrupt has nothing to interrupt.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = REQUESTS.readline()
    if not line:
        break
    request = json.loads(line)
    for key, value in request["env"].items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run(request)
    except KeyboardInterrupt:
        answer_failure(request["id"], 130, None)

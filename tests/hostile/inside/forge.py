"""Runs in the attacker's cell: speaks on the channel of its own interpreter, descriptor 4, as if it were the interpreter."""
import fcntl, json, os, sys

what = FORGED  # set by the test, as are the others
me = CELL


def head(**fields):
    return (json.dumps(fields) + "\n").encode()


if what == "twice":
    for _ in range(2):
        os.write(4, head(id=me, exitCode=0, result=[["text/plain", 6]]) + b"forged")
elif what == "other ids":
    for other in (OTHER, "ready", "", "exec_other", "x" * 1000, None, 7, ["a"]):
        os.write(4, head(id=other, exitCode=7, result=[["text/plain", 7]]) + b"forged\n")
elif what == "garbage":
    for piece in (b"\n", b"{\n", b"null\n", b"[]\n", b"\0\xff\n", b'{"id":' + b"[" * 5000 + b"\n", b'{"ready": true}\n'):
        os.write(4, piece)
elif what == "sizes":
    for size in (-1, 1.5, "9", 2**53, 1e300, None):
        os.write(4, head(id=me, exitCode=0, result=[["text/plain", size]]))
    os.write(4, head(id=me, exitCode=0, result=[["text/plain", 1]] * 100))
elif what == "flood":
    try:
        # As much waits in the pipe as may be said at once: what is left in it when nobody listens any more must not keep the end back.
        fcntl.fcntl(4, fcntl.F_SETPIPE_SZ, 1 << 20)
        while True:
            os.write(4, b"x" * (4 << 20))
    except OSError:
        pass
elif what == "half":
    os.write(4, head(id=me, exitCode=0, result=[["text/plain", 1000000]]) + b"only this")
    os._exit(0)
elif what == "codes":
    os.write(4, head(id=me, exitCode=999999999, result=[["__proto__", 1], ["text/plain", 1]], exception=[1, 1, 1]) + b"pq" + b"abc")

"""Files of any size go up and come down in pieces."""

import tempfile

from sandglass import Sandbox

with Sandbox(template="python") as sandbox, tempfile.TemporaryFile() as local:
    for n in range(100_000):
        local.write(f"{n},{n * n}\n".encode())
    local.seek(0)
    written = sandbox.files.write("squares.csv", local)
    print(written.path, written.size_bytes)

    sandbox.commands.run("gzip --keep squares.csv")
    size = sum(len(piece) for piece in sandbox.files.read_stream("squares.csv.gz"))
    print("packed:", size < written.size_bytes // 2)
    print([entry.name for entry in sandbox.files.list()])

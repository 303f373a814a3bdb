"""The first steps: a sandbox, a cell whose output is shown while it runs, a command."""

from sandglass import Sandbox

with Sandbox(template="python") as sandbox:
    for event in sandbox.run_code_stream("for i in range(3): print(i)"):
        if event.type == "stdout":
            print(f"[{event.seq}] {event.data}", end="")
        elif event.type == "exit":
            print(event.code, event.cause)

    response = sandbox.commands.run("echo 'Hello World!'")
    print(response)

"""An agent's run: its tool calls, model calls and sandboxes are one trace."""

from sandglass import Client

CODE = "import csv; print(sum(float(row['amount']) for row in csv.DictReader(open('sales.csv'))))"

with Client() as client:
    with client.run("analyst", metadata={"question": "what did we sell?"}) as run:
        run.thinking("The file has to be read first.")
        run.llm("claude-sonnet-4-5", input_tokens=1200, output_tokens=300, cost_usd=0.008)
        with run.sandboxes.create("python") as sandbox:
            sandbox.files.write("sales.csv", "region,amount\nnorth,12.5\nsouth,30\n")
            answer = run.tool("python", {"code": CODE}, lambda args: sandbox.run_code(args["code"]))
        print("total:", answer.stdout, end="")

    for span in client.traces.get(run.trace_id).spans:
        print(span.name, span.status)

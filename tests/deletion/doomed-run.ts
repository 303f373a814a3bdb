import type { Client, Sandbox } from "sandglass";
import { plantInRun, plantInSandbox } from "../runs/plant.ts";
import type { PlantedSecrets } from "../runs/planted-secrets.ts";

/** What code inside sends with OTLP: a span and a log record. */
const TELL = `
import json, os, time, urllib.request
def send(path, body):
    url = "http://127.0.0.1:4318/v1/" + path
    data = json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(url, data, {"content-type": "application/json"})).read()
now = str(time.time_ns())
resource = {"attributes": [{"key": "service.name", "value": {"stringValue": os.environ["TOLD_SERVICE"]}}]}
trace = os.environ["TRACEPARENT"].split("-")
span = {"traceId": trace[1], "spanId": os.urandom(8).hex(), "parentSpanId": trace[2], "name": os.environ["TOLD_SPAN"],
        "kind": 1, "startTimeUnixNano": now, "endTimeUnixNano": now,
        "attributes": [{"key": os.environ["TOLD_KEY"], "value": {"stringValue": os.environ["TOLD_VALUE"]}}]}
send("traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})
log = {"timeUnixNano": now, "severityNumber": 9, "body": {"stringValue": os.environ["TOLD_BODY"]}}
send("logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [log]}]}]})
gauge = {"name": os.environ["TOLD_METRIC"], "gauge": {"dataPoints": [{"timeUnixNano": now, "asDouble": 1.5}]}}
send("metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [gauge]}]}]})
`;

/** Has programs of a sandbox tell secrets in every field of their telemetry. */
export async function plantInTelemetry(sandbox: Sandbox, secrets: PlantedSecrets): Promise<void> {
  const env = {
    TOLD_SERVICE: secrets.of("service of a span"),
    TOLD_SPAN: secrets.of("name of a span"),
    TOLD_KEY: secrets.of("key of an attribute"),
    TOLD_VALUE: secrets.of("value of an attribute"),
    TOLD_BODY: secrets.of("body of a log record"),
    TOLD_METRIC: secrets.of("name of a metric"),
  };
  const { exitCode, stderr } = await sandbox.runCode(TELL, { env });
  if (exitCode !== 0) throw new Error(`the telemetry was not taken: ${stderr}`);
}

export interface FinishedRun {
  runId: string;
  sandboxId: string;
  execId: string;
  traceId: string;
}

/** A run that is over, with a sandbox that is over, and a secret in everything that either said, was told, or kept. */
export async function finishedRun(client: Client, secrets: PlantedSecrets): Promise<FinishedRun> {
  const agent = {
    name: secrets.of("name of the run"),
    metadata: { topic: secrets.of("metadata of the run") },
  };
  return client.run(agent, async (run) => {
    const sandbox = await run.sandboxes.create({
      template: "python",
      metadata: { about: secrets.of("metadata of the sandbox") },
      env: { GIVEN: secrets.of("environment of a sandbox") },
      logs: true,
    });
    await plantInRun(run, secrets);
    await plantInSandbox(sandbox, secrets);
    await plantInTelemetry(sandbox, secrets);
    const { execId, traceId } = await sandbox.runCode(`print("${secrets.of("last output")}")`);
    await sandbox.terminate();
    return { runId: run.runId, sandboxId: sandbox.id, execId, traceId };
  });
}

/** A sandbox that is over and belongs to nobody's run, told less: for what is done many times. */
export async function finishedSandbox(client: Client, secrets: PlantedSecrets): Promise<string> {
  const sandbox = await client.createSandbox("python");
  await plantInTelemetry(sandbox, secrets);
  await sandbox.runCode(`print("${secrets.of("output")}", flush=True)`);
  await sandbox.files.write(`${secrets.of("file name")}.txt`, secrets.of("file content"));
  await sandbox.terminate();
  return sandbox.id;
}

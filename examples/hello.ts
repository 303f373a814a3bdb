// Create a sandbox, run code, watch output as it comes. Needs a daemon: `./bin/sandglass serve` in another terminal.
import { Sandbox } from "sandglass";

await using sandbox = await Sandbox.create({ template: "python" });

// Cells share their variables, as in a notebook; the last expression comes back as `result`.
await sandbox.runCode("words = 'code runs in here'.split()");
const { result } = await sandbox.runCode("len(words)");
console.log("words:", result?.["text/plain"]);

// Output arrives while the code runs; the last event says how it ended, and why.
const code = `
import time
for word in words:
    print(word, flush=True)
    time.sleep(0.2)
`;
for await (const event of sandbox.runCodeStream(code)) {
  if (event.type === "stdout") process.stdout.write(event.data);
  if (event.type === "exit") console.log(`ended: ${event.cause}, code ${event.code}`);
}

// Code that fails is a result, not an exception.
const failed = await sandbox.runCode("words[99]");
console.log("failed:", failed.stderr.trimEnd().split("\n").at(-1));

console.log(`trace: ${sandbox.traceId}`);

// Files in and out of a sandbox, and plain commands on them. Needs a daemon: `./bin/sandglass serve` in another terminal.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Sandbox, SandglassError } from "sandglass";

await using sandbox = await Sandbox.create({ template: "bash" });
const { files, commands } = sandbox;

// Relative paths begin in /workspace; missing directories are made. Text, bytes or a stream.
await files.write("notes/today.txt", "sand\nglass\n");
await files.write("notes/this-file.ts", createReadStream(import.meta.filename));
for (const { path, type, sizeBytes } of await files.list("notes")) console.log(type, path, sizeBytes > 0);

// A list of words is run as it is, a string by a shell. Exit codes are results.
const sorted = await commands.run(["sort", "-r", "notes/today.txt"]);
console.log("sorted:", sorted.stdout.split("\n").slice(0, 2).join(" "));
await commands.run("sha256sum notes/* > sums.txt && chmod 600 sums.txt");

// Streams carry files of any size.
const hash = createHash("sha256");
for await (const chunk of await files.readStream("notes/this-file.ts")) hash.update(chunk);
const sums = await files.readText("sums.txt");
console.log("same bytes:", sums.includes(hash.digest("hex")));

const { mode } = await files.stat("sums.txt");
console.log("mode:", mode.toString(8));
await files.mkdir("kept");
await files.move("sums.txt", "kept/sums.txt");
await files.remove("notes", { recursive: true });
console.log("left:", (await files.list()).map(({ name }) => name).join(", "));

// What is thrown is a SandglassError with a code.
await files.readText("sums.txt").catch((error: unknown) => {
  if (!(error instanceof SandglassError)) throw error;
  console.log("moved away:", error.code);
});

// Uses the template of sandglass.config.ts. Once: `./setup.sh`, then `../../bin/sandglass serve` here, in another terminal.
import { Sandbox } from "sandglass";

await using sandbox = await Sandbox.create({ template: "stats" });
const show = async (what: string, code: string): Promise<void> => {
  const { result, stderr } = await sandbox.runCode(code);
  console.log(`${what}:`, result?.["text/plain"] ?? stderr.trimEnd().split("\n").at(-1));
};

await show("interpreter", "import sys; sys.prefix");
// The warm-up has imported it; its name is there in the first cell.
await show(
  "interval",
  "[round(bound, 2) for bound in resampling.interval([18, 15, 36, 24, 31, 20, 27, 33])]",
);
await show("writing to the mount", "open('/opt/lib/resampling.py', 'a')");

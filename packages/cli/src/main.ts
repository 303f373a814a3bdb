import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Sources are stripped of their types and compiled once, not on every call: half of a short command's time. In the user's own
// cache, not in the shared /tmp, where somebody else could have prepared it.
const { HOME, XDG_CACHE_HOME } = process.env;
const cacheHome = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
if (cacheHome) enableCompileCache(join(cacheHome, "sandglass", "node"));

const { Terminal } = await import("./terminal.ts");
const { runCli } = await import("./run-cli.ts");

// `serve` goes on behind its action's end and ends the process by itself; everything else ends here.
const terminal = new Terminal(process);
const code = await runCli(process.argv.slice(2), terminal);
if (code !== undefined) {
  // A pipe that is full takes the rest when its reader has read: nothing written is lost by the end.
  await terminal.drained();
  process.exit(code);
}

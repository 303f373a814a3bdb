import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { buffer } from "node:stream/consumers";
import { Command } from "commander";
import type { Sandbox } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { EXEC_OPTION_NAMES, exitWith, noteOutages, passOn } from "../exec-output.ts";
import { UsageError } from "../exit-codes.ts";
import { inOptions } from "../option-names.ts";
import { parseDuration } from "../option-values.ts";
import { withSpinner } from "../print/spinner.ts";
import {
  requestOf,
  SANDBOX_OPTION_NAMES,
  type SandboxOptions,
  withSandboxOptions,
} from "../sandbox-options.ts";
import { sendingStdin, stdinText } from "../stdin-text.ts";
import type { Terminal } from "../terminal.ts";

interface Language {
  template: string;
  program: string;
  extension: string;
}

const PYTHON: Language = { template: "python", program: "python3", extension: ".py" };
const NODE: Language = { template: "node", program: "node", extension: ".js" };
const BASH: Language = { template: "bash", program: "bash", extension: ".sh" };
const BY_EXTENSION: Readonly<Record<string, Language>> = {
  ".py": PYTHON,
  ".js": NODE,
  ".mjs": NODE,
  ".cjs": NODE,
  ".sh": BASH,
};
const BY_NAME: Readonly<Record<string, Language>> = {
  python: PYTHON,
  node: NODE,
  javascript: NODE,
  bash: BASH,
};

interface RunOptions extends ConnectionOptions, SandboxOptions {
  timeout?: number;
  language?: string;
  stdin?: boolean;
  keep?: boolean;
}

/** `sandglass run`: a script in a sandbox of its own, as if it ran here. */
export function runCommand(terminal: Terminal): Command {
  return withConnection(withSandboxOptions(new Command("run").summary("run a script in a fresh sandbox")))
    .description(
      "Create a sandbox, run a script in it with its output passed on as it comes, and end the sandbox. The exit code is the script's.",
    )
    .argument("<script>", "a .py, .js, .mjs, .cjs or .sh file, or - for stdin")
    .argument("[args...]", "arguments of the script")
    .option("--timeout <duration>", "end the script after this time, e.g. 30s", parseDuration)
    .option("-l, --language <name>", "python, node or bash, where the file's name does not say")
    .option("-i, --stdin", "give the script what comes on stdin: UTF-8 text up to 8 MiB")
    .option("--keep", "leave the sandbox running and print its id")
    .passThroughOptions()
    .addHelpText(
      "after",
      `
Options of sandglass stand before the script; what follows it is the script's.

Examples:
  sandglass run analysis.py data.csv
  sandglass run --memory 256m --timeout 30s train.py --epochs 3
  echo 'print(6 * 7)' | sandglass run -
  sandglass run --json build.sh | jq -r 'select(.type == "exit").traceId'`,
    )
    .action(async (script: string, args: string[], options: RunOptions) => {
      const language = languageOf(script, options.language);
      if (options.stdin && script === "-")
        throw new UsageError("stdin is the script itself: leave out --stdin, or name a file");
      const content = script === "-" ? await buffer(terminal.stdin) : await readScript(script);
      const stdin = options.stdin ? await stdinText(terminal) : undefined;
      const request = requestOf({ template: language.template, ...options });
      const signal = terminal.interruption;
      // Not aborted by the signal: a sandbox that comes to be all the same would be nobody's.
      const creating = inOptions(SANDBOX_OPTION_NAMES, clientOf(options).sandboxes.create(request));
      const sandbox = await withSpinner(terminal, "creating a sandbox", creating);
      try {
        const name = script === "-" ? `stdin${language.extension}` : basename(script);
        await sandbox.files.write(name, content, { signal });
        const argv = [language.program, `/workspace/${name}`, ...args];
        const running = runHere(sandbox, argv, options, stdin, terminal);
        exitWith(await (stdin === undefined ? running : sendingStdin(running)));
      } finally {
        await finish(sandbox, options, terminal);
      }
    });
}

function runHere(
  sandbox: Sandbox,
  argv: string[],
  options: RunOptions,
  stdin: string | undefined,
  terminal: Terminal,
): Promise<number> {
  let traceId = sandbox.traceId;
  const events = sandbox.commands.stream(argv, {
    // Python holds back what it prints into a pipe; here somebody is watching.
    env: { PYTHONUNBUFFERED: "1", ...options.env },
    signal: terminal.interruption,
    onConnection: noteOutages(terminal),
    onStart: (exec) => {
      traceId = exec.traceId || traceId;
    },
    ...(stdin !== undefined && { stdin }),
    ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
  });
  const passing = passOn(events, terminal, options.json ?? false, () => ({ sandboxId: sandbox.id, traceId }));
  return inOptions(EXEC_OPTION_NAMES, passing);
}

async function finish(sandbox: Sandbox, options: RunOptions, terminal: Terminal): Promise<void> {
  if (!options.keep) await sandbox.terminate();
  if (options.json) return;
  const { dim } = terminal.errorColors;
  if (options.keep) await terminal.note(dim(`sandbox ${sandbox.id}`));
  await terminal.note(dim(`trace ${sandbox.traceId}`));
}

function languageOf(script: string, name: string | undefined): Language {
  if (name !== undefined) {
    const language = BY_NAME[name];
    if (language === undefined) throw new UsageError(`no language "${name}": use python, node or bash`);
    return language;
  }
  if (script === "-") return PYTHON;
  const language = BY_EXTENSION[extname(script)];
  if (language === undefined) {
    throw new UsageError(`${script} is no .py, .js, .mjs, .cjs or .sh file: say its --language`);
  }
  return language;
}

async function readScript(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

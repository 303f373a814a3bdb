import { isUtf8 } from "node:buffer";
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import type { Language } from "sandglass";
import { CommandWithCommandLine } from "../command-with-command-line.ts";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { EXEC_OPTION_NAMES, exitWith, noteOutages, passOn } from "../exec-output.ts";
import { UsageError } from "../exit-codes.ts";
import { inOptions } from "../option-names.ts";
import { collectPairs, parseDuration } from "../option-values.ts";
import { sendingStdin, stdinText } from "../stdin-text.ts";
import type { Terminal } from "../terminal.ts";

interface ExecOptions extends ConnectionOptions {
  code?: boolean;
  language?: Language;
  context?: string;
  shell?: boolean;
  cwd?: string;
  env?: Record<string, string>;
  timeout?: number;
  stdin?: boolean;
}

/** `sandglass exec`: a command or a cell in a sandbox that exists. */
export function execCommand(terminal: Terminal): Command {
  return withConnection(new CommandWithCommandLine("exec").summary("run a command, or a cell, in a sandbox"))
    .description(
      "Run a command in a sandbox, its output passed on as it comes. The exit code is the command's.",
    )
    .argument("<sandbox>", "its id")
    .argument("<command...>", "program and arguments; with --code the code, or - for stdin")
    .option("-c, --code", "run code in a persistent context, where variables stay")
    .option("-l, --language <name>", "with --code: python, javascript or bash")
    .option("--context <name>", "with --code: the context; default one a language")
    .option("-s, --shell", "the command is a shell line")
    .option("-w, --cwd <path>", "working directory; default /workspace")
    .option("-e, --env <NAME=value>", "environment variable; again for more", collectPairs)
    .option("--timeout <duration>", "end it after this time, e.g. 30s", parseDuration)
    .option("-i, --stdin", "give the command what comes on stdin: UTF-8 text up to 8 MiB")
    .addHelpText(
      "after",
      `
Options of sandglass stand before the command; what follows its first word is the command's. -- may stand between.

Examples:
  sandglass exec sbx_… -- ls -la
  sandglass exec sbx_… --shell -- 'ls | wc -l'
  sandglass exec sbx_… --code -- 'x = 6'
  sandglass exec sbx_… --code -- 'x * 7'`,
    )
    .action(async (id: string, words: string[], options: ExecOptions) => {
      refuseMixture(options);
      const sandbox = await clientOf(options).sandboxes.connect(id);
      let traceId = "";
      const shared = {
        signal: terminal.interruption,
        onConnection: noteOutages(terminal),
        onStart: (exec: { traceId: string }) => {
          traceId = exec.traceId;
        },
        ...(options.cwd !== undefined && { cwd: options.cwd }),
        ...(options.env !== undefined && { env: options.env }),
        ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
      };
      const events = options.code
        ? sandbox.runCodeStream(
            words.length === 1 && words[0] === "-" ? await cell(terminal) : words.join(" "),
            {
              ...shared,
              ...(options.language !== undefined && { language: options.language }),
              ...(options.context !== undefined && { contextId: options.context }),
            },
          )
        : sandbox.commands.stream(options.shell ? words.join(" ") : words, {
            ...shared,
            ...(options.stdin && { stdin: await stdinText(terminal) }),
          });
      const passing = passOn(events, terminal, options.json ?? false, () => ({ sandboxId: id, traceId }));
      const running = inOptions(EXEC_OPTION_NAMES, passing);
      exitWith(await (options.stdin ? sendingStdin(running) : running));
    });
}

/** A cell has an interpreter and no process of its own: options of the one say nothing of the other. */
function refuseMixture(options: ExecOptions): void {
  const { code, language, context, shell, cwd, stdin } = options;
  const ofCells = { "--language": language, "--context": context };
  const ofCommands = { "--shell": shell, "--cwd": cwd, "--stdin": stdin };
  for (const [name, value] of Object.entries(code ? ofCommands : ofCells)) {
    if (value === undefined) continue;
    throw new UsageError(
      code ? `${name} is for commands: leave it out, or --code` : `${name} is for cells: it goes with --code`,
    );
  }
}

async function cell(terminal: Terminal): Promise<string> {
  const code = await buffer(terminal.stdin);
  if (!isUtf8(code)) throw new UsageError("the code on stdin is not UTF-8");
  return code.toString("utf8");
}

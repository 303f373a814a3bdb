import { Command } from "commander";
import { consoleCommand } from "./commands/console.ts";
import { createCommand } from "./commands/create.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { egressCommand } from "./commands/egress.ts";
import { execCommand } from "./commands/exec.ts";
import { exportersCommand } from "./commands/exporters.ts";
import { filesCommand } from "./commands/files.ts";
import { forkCommand } from "./commands/fork.ts";
import { helpCommand } from "./commands/help.ts";
import { incidentCommand } from "./commands/incident.ts";
import { keysCommand } from "./commands/keys.ts";
import { logsCommand } from "./commands/logs.ts";
import { maintenanceCommand } from "./commands/maintenance.ts";
import { mcpCommand } from "./commands/mcp.ts";
import { mergeCommand } from "./commands/merge.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { psCommand } from "./commands/ps.ts";
import { rmCommand } from "./commands/rm.ts";
import { runCommand } from "./commands/run.ts";
import { runsCommand } from "./commands/runs.ts";
import { serveCommand } from "./commands/serve.ts";
import { statusCommand } from "./commands/status.ts";
import { tailCommand } from "./commands/tail.ts";
import { topCommand } from "./commands/top.ts";
import { traceCommand } from "./commands/trace.ts";
import { tracesCommand } from "./commands/traces.ts";
import { withConnection } from "./connection.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

const EPILOG = `
Examples:
  sandglass serve                          start the daemon (in another terminal)
  sandglass run analysis.py                run a script in a fresh sandbox
  sandglass tail --types 'exec.*'          watch what happens
  sandglass trace <trace id>               see what caused what
  sandglass top                            watch what sandboxes use
  sandglass console                        look at all of it in a browser

Environment:
  SANDGLASS_URL        the daemon's address, default http://127.0.0.1:7070
  SANDGLASS_API_KEY    the key; without it the credentials file of the same user is read
  SANDGLASS_TRACEPARENT  the trace that commands take part in
  NO_COLOR             no colours

Exit codes:
  0  well    1  failed    2  wrong usage    3  the daemon cannot be reached
  run and exec pass on the exit code of what they ran; 130 after Ctrl-C`;

/**
 * The whole command line.
 *
 * @param onServing told when the daemon was started, which goes on by itself
 * @param isJson whether what is wrong with a command line is reported as JSON, and not said here
 */
export function buildProgram(terminal: Terminal, onServing: () => void, isJson: () => boolean): Command {
  const program = new Command("sandglass")
    .description("Run AI agents' code in sandboxes you can see through.")
    .version(VERSION, "-V, --version", "print the version")
    .addHelpText("after", EPILOG)
    // What follows `run script.py` or the first word behind `exec <sandbox>` is theirs, whatever it looks like.
    .enablePositionalOptions();
  const commands = [
    serveCommand(onServing),
    runCommand(terminal),
    execCommand(terminal),
    createCommand(terminal),
    forkCommand(terminal),
    diffCommand(terminal),
    mergeCommand(terminal),
    psCommand(terminal),
    rmCommand(terminal),
    logsCommand(terminal),
    filesCommand(terminal),
    tailCommand(terminal),
    traceCommand(terminal),
    tracesCommand(terminal),
    egressCommand(terminal),
    runsCommand(terminal),
    metricsCommand(terminal),
    topCommand(terminal),
    consoleCommand(terminal),
    mcpCommand(terminal),
    exportersCommand(terminal),
    statusCommand(terminal),
    incidentCommand(terminal),
    maintenanceCommand(terminal),
    keysCommand(terminal),
    doctorCommand(terminal),
  ];
  for (const command of commands) program.addCommand(command);
  withConnection(program).hook("preAction", handDownConnection);
  prepare(program, terminal, isJson);
  return program;
}

/** The daemon may be named before the command as well as behind it; behind it wins. */
function handDownConnection(program: Command, command: Command): void {
  for (const [name, value] of Object.entries(program.opts())) {
    if (command.getOptionValueSource(name) === undefined) command.setOptionValue(name, value);
  }
}

/** Settings that commander does not hand down to commands which were made elsewhere. */
function prepare(command: Command, terminal: Terminal, isJson: () => boolean): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void terminal.write(text),
    writeErr: (text) => void terminal.writeError(text),
    outputError: (text, write) => {
      if (isJson()) return;
      write(text.replace(/^error: /, `${terminal.errorColors.red("sandglass:")} `));
      write(`(${fullName(command)} --help says more)\n`);
    },
  });
  // `serve --help` is the daemon's to answer.
  if (command.name() !== "serve") command.helpOption("-h, --help", "print help");
  if (command.commands.length > 0) command.helpCommand(false).addCommand(helpCommand());
  for (const child of command.commands) prepare(child, terminal, isJson);
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

import type { Run, Sandbox } from "sandglass";
import type { PlantedSecrets } from "./planted-secrets.ts";

type SecretOf = (place: string) => string;

/** Plants a secret in everything that an agent says of itself. */
export async function plantInRun(run: Run, secrets: PlantedSecrets): Promise<void> {
  const of: SecretOf = (place) => secrets.of(place);
  run.thinking(`${of("prompt")} is what I was asked`);
  run.toolCall({ name: "given", arguments: { query: of("arguments"), [of("argument name")]: 1 } }).result({
    answer: of("result"),
  });
  run.toolCall({ name: "failing" }).error(new Error(of("error of a call")));
  await failing(
    run.tool("throwing", of("argument"), () => Promise.reject(new TypeError(of("thrown in a tool")))),
  );
  await failing(
    run.agent({ name: "helper" }, () => Promise.reject(new RangeError(of("thrown in an agent")))),
  );
}

/** Plants a secret in everything that is told to a sandbox, and that its programs tell. */
export async function plantInSandbox(sandbox: Sandbox, secrets: PlantedSecrets): Promise<void> {
  const of: SecretOf = (place) => secrets.of(place);
  await plantInCells(sandbox, of);
  await plantInCommands(sandbox, of);
  await plantInFiles(sandbox, of);
}

async function plantInCells(sandbox: Sandbox, of: SecretOf): Promise<void> {
  const env = { IN_CELL: of("environment of a cell") };
  const cells = {
    python: [
      `print("${of("code")}"); import sys; print("${of("stderr of a cell")}", file=sys.stderr); "${of("result of a cell")}"`,
      `raise ValueError("${of("exception")}")`,
      `def broken("${of("syntax error")}"`,
      `import os; print(os.environ["IN_CELL"]); os.kill(os.getpid(), 9)`,
    ],
    bash: [`echo ${of("line of bash")} >&2; ${of("command not found")}`, `echo "$IN_CELL"; exit 3`],
    javascript: [
      `console.log("${of("javascript")}"); "${of("result of javascript")}"`,
      `throw new TypeError("${of("exception of javascript")}")`,
    ],
  } as const;
  for (const language of ["python", "bash", "javascript"] as const) {
    for (const code of cells[language]) await sandbox.runCode(code, { language, env });
  }
  await sandbox.runCode(`import time; "${of("code that takes too long")}"; time.sleep(60)`, {
    language: "python",
    timeoutMs: 300,
  });
}

async function plantInCommands({ commands }: Sandbox, of: SecretOf): Promise<void> {
  const env = { IN_COMMAND: of("environment of a command") };
  await commands.run(`cat; echo ${of("command")}; echo $IN_COMMAND $GIVEN`, { env, stdin: of("stdin") });
  await commands.run(["printf", "%s", of("argument of a command")]);
  await failing(commands.run([`/bin/${of("program that is not there")}`]));
  await failing(commands.run("pwd", { cwd: `/workspace/${of("directory that is not there")}` }));
  await commands.run(
    `mkdir ${of("directory")} && cd ${of("directory")} && touch ${of("file of a command")} && ls`,
  );
  await commands.run("pwd", { cwd: `/workspace/${of("directory")}` });
  await commands.run(`echo ${of("command that is killed")}; sleep 60`, { timeoutMs: 300 });
}

async function plantInFiles({ files, commands }: Sandbox, of: SecretOf): Promise<void> {
  const name = of("file name");
  await files.write(`${name}.txt`, of("file content"));
  await files.write(`${name}.txt`, `${of("changed content")}\n`.repeat(20_000));
  await files.readText(`${name}.txt`);
  await files.stat(`${name}.txt`);
  await files.list(".");
  await files.mkdir(`${of("made directory")}/deep`);
  await files.move(`${name}.txt`, `/tmp/${of("moved to")}`);
  await commands.run(`cat /tmp/${of("moved to")} | wc -l`);
  await failing(files.readText(of("file that is not there")));
  await failing(files.list(of("directory that is not listed")));
  await failing(files.write(`/proc/${of("file that cannot be")}`, of("content that is refused")));
  await failing(files.move(of("moved from nowhere"), of("moved to nowhere")));
  await failing(files.mkdir(`/proc/${of("directory that cannot be")}`));
  await files.remove(`/tmp/${of("moved to")}`);
  await failing(files.remove(of("file that cannot be removed")));
}

/** Some of it is refused, some ends with an exit code: both are said somewhere. */
async function failing(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}

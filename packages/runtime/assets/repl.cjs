// Runs the cells of one context, one after the other, through Node's own REPL evaluator: top-level await, `const` and `let`
// that last, interrupts. The protocol is that of repl.py: requests on descriptor 3, answers on 4, a JSON object a line.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const repl = require("node:repl");
const { PassThrough, Writable } = require("node:stream");
const util = require("node:util");

const MAX_RESULT = 2 * 1024 * 1024; // characters
const MAX_EXCEPTION = [1024, 15 * 1024, 48 * 1024]; // bytes of an exception's type, message and stack; the host takes no more
const OWN_FRAMES =
  /at new Promise \(<anonymous>\)|\/run\/sandglass\/repl\.cjs|node:vm|node:internal|node:domain|node:repl|at REPLServer|at bound \(/;

function answer(message, ...parts) {
  const data = Buffer.concat([Buffer.from(`${JSON.stringify(message)}\n`), ...parts]);
  for (let at = 0; at < data.length; ) at += writeSome(data, at);
}

/** The descriptor may be non-blocking: the host reads when it is ready. */
function writeSome(data, at) {
  try {
    return fs.writeSync(4, data, at);
  } catch (error) {
    if (error.code !== "EAGAIN") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    return 0;
  }
}

// Writes to pipes are made at once, so that what a cell printed is out before its answer.
for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);

// The evaluator wants a terminal to talk to; it gets one that nobody reads.
const server = repl.start({
  prompt: "",
  input: new PassThrough(),
  output: new Writable({ write: (_chunk, _encoding, done) => done() }),
  terminal: false,
  useGlobal: true,
  breakEvalOnSigint: true,
});

const isError = (value) => value instanceof Error || util.types.isNativeError(value);

/** A text of what a cell made, which may be anything, and may throw when it is looked at. */
function textOf(ask) {
  try {
    const text = ask();
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

const inspect = (value) => textOf(() => util.inspect(value)) ?? typeof value;

/** As it is written to stderr. */
function describe(error) {
  if (!isError(error)) return `Uncaught ${inspect(error)}`;
  const text = textOf(() => error.stack) ?? textOf(() => String(error)) ?? "Error";
  return text
    .split("\n")
    .filter((line) => !OWN_FRAMES.test(line))
    .join("\n")
    .trimEnd();
}

/** Type, message and stack trace of what was thrown; what is no error has no stack. */
function describeException(error, shown) {
  const type = textOf(() => error.constructor.name) || textOf(() => error.name) || typeof error;
  if (!isError(error)) return [type, typeof error === "string" ? error : inspect(error), ""];
  return [type, textOf(() => error.message) ?? "", shown];
}

/** At most so many bytes: of a longer text the beginning and the end, with the sign that there was more between them. */
function cut(text, most) {
  const whole = Buffer.from(text.length <= most ? text : "");
  if (text.length <= most && whole.length <= most) return whole;
  const half = Math.floor((most - 3) / 2);
  // A character that is cut in two would be replaced by a sign as long as itself.
  const begin = Buffer.from(text.slice(0, half))
    .toString("utf8", 0, half)
    .replace(/\ufffd+$/, "");
  const end = Buffer.from(text.slice(-half))
    .subarray(-half)
    .toString("utf8")
    .replace(/^\ufffd+/, "");
  return Buffer.from(`${begin}\u2026${end}`);
}

function evaluate(code, name) {
  return new Promise((resolve) => {
    server.eval(`${code}\n`, server.context, name, (error, value) => {
      if (error instanceof repl.Recoverable) resolve({ error: error.err });
      else resolve(error ? { error } : { value });
    });
  });
}

const CARRIER = {
  keys: () => ["traceparent", "tracestate", "baggage"],
  get: (env, key) => env[key.toUpperCase()] || undefined,
};

/**
 * Begins a cell with the exec as the parent of its spans, where OpenTelemetry is there already: an SDK takes no context from the
 * environment, and the environment of its start was another cell's. Its own propagator reads it; where no cell has loaded the API,
 * nothing is.
 */
function inTrace(begin) {
  const { context, propagation } = globalThis[Symbol.for("opentelemetry.js.api.1")] ?? {};
  let begun;
  try {
    const caller = propagation?.extract(context.active(), process.env, CARRIER);
    if (caller !== undefined) context.with(caller, () => (begun = begin()));
  } catch (error) {
    if (begun === undefined) fs.writeSync(2, `sandglass: no trace context for this cell: ${error}\n`);
  }
  return begun ?? begin();
}

/** A promise as a cell's last value is awaited, as in a notebook. */
function settle({ error, value }) {
  if (error || !util.types.isPromise(value)) return { error, value };
  return value.then(
    (settled) => ({ value: settled }),
    (reason) => ({ error: reason ?? nothing(`rejected with ${reason}`) }),
  );
}

/** Stands for null and undefined, which are no reason to fail, though they were thrown. */
function nothing(message) {
  return Object.assign(new Error(message), { stack: `Error: ${message}` });
}

class CellExit extends Error {
  constructor(code) {
    super("exit");
    this.exitCode = code;
  }
}

/** A cell that exits ends itself, not the context. */
process.exit = (code = process.exitCode ?? 0) => {
  throw new CellExit(Number(code) & 0xff);
};

let cells = 0;
let stop;
async function run(request) {
  const stopped = new Promise((resolve) => {
    stop = (error) => resolve({ error: error ?? nothing(`${error} was thrown`) });
  });
  // The evaluator has a watch of its own for interrupts. It takes listeners away once it has begun, which would leave the default
  // action in its place, and leaves that behind when it is done: ours is away meanwhile, and back for a cell that awaits.
  process.off("SIGINT", onInterrupt);
  const evaluated = inTrace(() => evaluate(request.code, `cell ${++cells}`)).then(settle);
  process.on("SIGINT", onInterrupt);
  const { error, value } = await Promise.race([evaluated, stopped]);
  stop = undefined;
  if (error === undefined || error === null) {
    if (value !== undefined) {
      globalThis._ = value;
      const part = Buffer.from(util.inspect(value, { maxStringLength: MAX_RESULT }).slice(0, MAX_RESULT));
      return answer({ id: request.id, exitCode: 0, result: [["text/plain", part.length]] }, part);
    }
    return answer({ id: request.id, exitCode: 0, result: null });
  }
  if (error instanceof CellExit) return answer({ id: request.id, exitCode: error.exitCode, result: null });
  if (textOf(() => error.code) === "ERR_SCRIPT_EXECUTION_INTERRUPTED") {
    fs.writeSync(2, "interrupted\n");
    return answer({ id: request.id, exitCode: 130, result: null });
  }
  const shown = describe(error);
  fs.writeSync(2, `${shown}\n`);
  const parts = describeException(error, shown).map((text, index) => cut(text, MAX_EXCEPTION[index]));
  answer(
    { id: request.id, exitCode: 1, result: null, exception: parts.map(({ length }) => length) },
    ...parts,
  );
}

function onInterrupt() {
  stop?.(Object.assign(new Error("interrupted"), { code: "ERR_SCRIPT_EXECUTION_INTERRUPTED" }));
}
process.on("SIGINT", onInterrupt);

/** What goes wrong in a cell's callbacks is the running cell's failure, and is said in any case. */
function stray(error) {
  if (stop !== undefined) stop(error);
  else if (!(error instanceof CellExit)) fs.writeSync(2, `${describe(error)}\n`);
}
process.on("unhandledRejection", stray);
server._domain?.removeAllListeners("error");
server._domain?.on("error", stray);

answer({ ready: true });
let chain = Promise.resolve();
readline.createInterface({ input: fs.createReadStream("", { fd: 3 }) }).on("line", (line) => {
  const request = JSON.parse(line);
  chain = chain.then(() => {
    for (const [key, value] of Object.entries(request.env)) {
      if (value === null) delete process.env[key];
      else process.env[key] = value;
    }
    return run(request);
  });
});

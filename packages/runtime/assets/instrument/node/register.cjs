// Required by every Node program of an instrumented sandbox, before its own code. Where OpenTelemetry's zero-code instrumentation can
// be found from the program's directory, or in NODE_PATH, it is switched on; else nothing happens.
"use strict";
const { createRequire, register } = require("node:module");
const { dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { realpathSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");

const PACKAGE = "@opentelemetry/auto-instrumentations-node/register";
const REPL = "/run/sandglass/repl.cjs";

/** Directories to look from: the program's as it is named and as it is, or where there is none the working directory. */
function directories() {
  const program = process.argv[1];
  if (program === undefined || program === REPL) return [process.cwd()];
  try {
    return [dirname(program), dirname(realpathSync(program))];
  } catch {
    return [process.cwd()]; // no file: an argument of `node -e`
  }
}

function find() {
  for (const directory of directories()) {
    try {
      return createRequire(join(directory, "program.js")).resolve(PACKAGE);
    } catch {
      // it is not installed there
    }
  }
  return undefined;
}

/** What the environment names becomes the parent of all that has none in the program, also as a cell changes it. */
function followEnvironment({ ROOT_CONTEXT, propagation, context }) {
  const manager = context._getContextManager?.();
  if (manager === undefined) return;
  const active = manager.active.bind(manager);
  let seen;
  let outside = ROOT_CONTEXT;
  const read = () => {
    const { TRACEPARENT: traceparent, TRACESTATE: tracestate, BAGGAGE: baggage } = process.env;
    const given = `${traceparent}\n${tracestate}\n${baggage}`;
    if (given !== seen) {
      outside = propagation.extract(ROOT_CONTEXT, { traceparent, tracestate, baggage });
      seen = given;
    }
    return outside;
  };
  manager.active = () => {
    const current = active();
    return current === ROOT_CONTEXT ? read() : current;
  };
}

const found = isMainThread ? find() : undefined;
if (found !== undefined) {
  const from = createRequire(found);
  try {
    // For programs that are ES modules; those before them are required.
    register(
      pathToFileURL(
        createRequire(from.resolve("@opentelemetry/instrumentation")).resolve(
          "@opentelemetry/instrumentation/hook.mjs",
        ),
      ),
    );
  } catch {
    // a version without it
  }
  from(found);
  followEnvironment(from("@opentelemetry/api"));
}

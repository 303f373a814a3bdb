/** What the tests of the two clients say, and where they may differ. */

/** A file of tests of the TypeScript client below `packages/sdk/src`, and those of Python's below `python/tests` that ask for the same. */
export const AREAS: Readonly<Record<string, string>> = {
  "broken-connection": "_async/test_broken_connection",
  content: "test_content",
  credentials: "test_credentials",
  daemon: "_async/test_daemon",
  "daemon-record": "_async/test_daemon",
  events: "_async/test_events",
  "exec-stream": "_async/test_exec_stream",
  exporters: "_async/test_exporters",
  files: "_async/test_files",
  forks: "_async/test_forks",
  ndjson: "test_pure",
  output: "test_pure",
  "otel/daemon-trace": "test_opentelemetry",
  "otel/export-environment": "test_pure",
  "otel/operation": "test_operation",
  "otel/private-provider": "test_private_provider",
  package: "test_wheel",
  "public-surface": "test_package",
  runs: "_async/test_runs",
  status: "_async/test_status",
  telemetry: "_async/test_telemetry",
  tracing: "_async/test_tracing",
  "transport/call": "test_pure",
  "transport/transport": "_async/test_transport",
};

/** Further files of Python's tests in which such a behaviour may be. */
export const MORE_IN_PYTHON: readonly string[] = ["test_interruption", "_async/test_recorded_runs"];

/** The same behaviour in the words of its language: TypeScript's, Python's. */
export const IN_OTHER_WORDS: readonly (readonly [typescript: string, python: string])[] = [
  ["aborting kills the exec on the other side too", "a task that is cancelled kills its exec"],
  [
    "aborting an exec kills it and rejects with the signal's reason",
    "ctrl c kills the exec that is waited for",
  ],
  [
    "aborting rejects with the signal's own reason, before the answer and during it",
    "a stream that is waited for under a time limit is killed by it",
  ],
  [
    "await using ends the sandbox at the end of the block",
    "a block creates the sandbox at its beginning and ends it at its end",
  ],
  [
    "a flush may take longer than other calls, and can be given up",
    "a flush may take longer than other calls",
  ],
  [
    "text, bytes and iterables are written as their bytes, with the mode in octal",
    "text bytes iterables and file objects are written as their bytes with the mode in octal",
  ],
  [
    "a source that fails while it is uploaded rejects with its own error",
    "a source that fails while it is uploaded raises its own error",
  ],
  [
    "an aborted exec is an error, one whose reader left is none, and a handler's error ends it too",
    "an interrupted exec is an error one whose reader left is none and a handlers error ends it too",
  ],
  [
    "a program that is instrumented from outside, HTTP included, prints one CLIENT span an operation",
    "a script without a line of opentelemetry prints its spans and durations under opentelemetry instrument",
  ],
  [
    "the active OpenTelemetry span is the parent where a sandbox has none of its own, with tracestate and baggage",
    "the active span is the parent where a sandbox has none of its own with baggage",
  ],
  [
    "the tarball holds one module, its types, licence and README, and depends on nothing but OpenTelemetry's API",
    "the wheel holds the package its types and licence and depends on nothing but httpx",
  ],
  [
    "the exports are these: a change here is a change for every user",
    "every name that is exported is there and the asynchronous ones are twins",
  ],
  ["the methods of the classes are these", "the methods of the classes are these as in typescript"],
  [
    "every error extends the one root",
    "every error extends the one root and the builtin ones are met by their names",
  ],
];

/** Behaviours that one client alone has, or that are tested elsewhere for the other, with why. */
export const ONLY_IN_TYPESCRIPT: Readonly<Record<string, string>> = {
  "aborting a follower ends its watching alone, with the signal's reason: the exec is somebody else's":
    "a generator is closed, and none of them ends an exec: leaving the loop early is asked of both",
  "aborting ends the following with the signal's reason":
    "Python has no signal: a task is cancelled, and leaves the loop",
  "aborting ends the following of log records with the signal's reason":
    "Python has no signal: a task is cancelled, and leaves the loop",
  "the page about the client's spans names every operation, and no other":
    "Python's are the same, and generated",
  "a TypeScript program checks against the packed declarations, and its mistakes are found":
    "mypy checks the package, its tests and its examples, strictly, in scripts/test-python.sh",
};

export const ONLY_IN_PYTHON: Readonly<Record<string, string>> = {
  "a client that was closed says so": "in TypeScript one that was closed calls on, over new connections",
  "a fork keeps its connections when its parent has ended":
    "in TypeScript equal options share a client for as long as the program runs",
  "a program whose async generator is left half way ends without a word":
    "JavaScript ends a generator that is left",
  "an answer of another day is read as far as it goes": "TypeScript hands over the JSON as it came",
  "an error says what to do and survives another process": "errors are pickled in Python alone",
  "an invalid traceparent is none": "packages/protocol has it",
  "an option that is none is refused with the one that was meant": "the compiler refuses it in TypeScript",
  "baggage is encoded and kept within its limits": "packages/protocol has it",
  "generated files are what their sources say": "the synchronous client is generated",
  "every model is the one of its module and of the package whichever is asked for first":
    "models are interfaces in TypeScript, and gone when it runs",
  "importing brings in neither the http client nor opentelemetry nor asyncio nor models":
    "node:http is there already, and models are interfaces",
  "no secret is in a repr": "private fields are not shown",
  "otel export takes the callers endpoint along": "packages/sdk's create request is the protocol's own",
  "the known shapes are those of the typescript client": "it compares the two",
  "without opentelemetry everything works": "its API is a dependency in TypeScript",
};

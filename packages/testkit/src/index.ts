export { type StartDaemonOptions, startDaemon, type TestDaemon } from "./daemon.ts";
export { type DriverUnderTest, driverContract } from "./driver-contract.ts";
export { EventRecord } from "./event-record.ts";
export {
  agentPid,
  type HostTraces,
  hostTraces,
  livingPids,
  noTraces,
  sandboxPids,
  sandboxPidsNamed,
} from "./host-traces.ts";
export { callHttp, type HttpAnswer, type HttpCall, jsonLines, openHttp, startHttp } from "./http-call.ts";
export { type Seeded, seeded } from "./seeded.ts";
export {
  callContext,
  finished,
  outputOf,
  parseLines,
  type Ran,
  readLines,
  run,
  startRuntime,
  type TestRuntime,
} from "./test-runtime.ts";
export { until } from "./until.ts";

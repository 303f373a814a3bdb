export { makeCertificate, makeExpiredCertificate } from "./certificate.ts";
export { type StartDaemonOptions, startDaemon, type TestDaemon } from "./daemon.ts";
export { type DriverUnderTest, driverContract } from "./driver-contract.ts";
export { EventRecord } from "./event-record.ts";
export {
  bodyOf,
  type ContractCase,
  contractCases,
  describeBroken,
  type ExporterHarness,
  type ExporterUnderTest,
  exporterContract,
  type Fault,
  type FaultName,
  type Faults,
  forwardHttp,
  HttpFront,
  type HttpFrontOptions,
  NO_FILES,
  NO_NETWORK,
  type ReceivedEvent,
  type RefusalFault,
  type RetryAfterFault,
  type Tampering,
  TamperingProxy,
  UNRESOLVABLE_HOST,
} from "./exporter-contract.ts";
export { collectGarbage, heldMemory } from "./held-memory.ts";
export {
  agentPid,
  childPids,
  type HostTraces,
  helperPid,
  hostTraces,
  livingPids,
  minderPid,
  noTraces,
  outermostPid,
  parentPid,
  sandboxPids,
  sandboxPidsNamed,
} from "./host-traces.ts";
export { callHttp, type HttpAnswer, type HttpCall, jsonLines, openHttp, startHttp } from "./http-call.ts";
export { type LoggedStatement, loggedStatements } from "./postgres/logged-statements.ts";
export { type PostgresServer, type StartPostgresOptions, startPostgres } from "./postgres/postgres-server.ts";
export { type PostgresStandby, startStandby } from "./postgres/standby.ts";
export { SwitchingProxy } from "./postgres/switching-proxy.ts";
export { type Seeded, seeded } from "./seeded.ts";
export { type AxiomEvent, AxiomSink, type AxiomSinkOptions } from "./sinks/axiom-sink.ts";
export {
  type Fault as HttpFault,
  type FaultPlan,
  FaultyServer,
  type FaultyServerOptions,
  type SinkAnswer,
  type SinkRequest,
} from "./sinks/faulty-server.ts";
export { type Certificate, selfSignedCertificate } from "./sinks/self-signed-certificate.ts";
export { type WebhookMessage, WebhookSink, type WebhookSinkOptions } from "./sinks/webhook-sink.ts";
export { SmallDisk } from "./small-disk.ts";
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

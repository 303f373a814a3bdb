import assert from "node:assert/strict";
import { test } from "node:test";
import type * as z from "zod";
import type * as api from "../api.ts";
import type { DeletionResult } from "../deletion-api.ts";
import type { ErrorBody } from "../errors.ts";
import { EVENT_TYPES, type EventDataMap } from "../events.ts";
import type * as exporter from "../exporter-api.ts";
import type * as fork from "../fork-api.ts";
import type * as keys from "../key-api.ts";
import type * as metric from "../metric-api.ts";
import type * as network from "../network-api.ts";
import type * as record from "../record-api.ts";
import { ROUTES, type RouteDefinition } from "../routes.ts";
import type { SandboxTelemetry } from "../sandbox-telemetry.ts";
import type * as status from "../status-api.ts";
import * as schemas from "./index.ts";

/** An interface written out, so that it can be compared with what a schema infers. */
type Expand<T> = T extends (infer Item)[]
  ? Expand<Item>[]
  : T extends object
    ? { [K in keyof T]: Expand<T[K]> }
    : T;
type Same<A, B> =
  (<T>() => T extends Expand<A> ? 1 : 2) extends <T>() => T extends Expand<B> ? 1 : 2 ? true : false;

/** Compiles only where a schema takes exactly what the interface of its name says, both directions. */
type Parity = {
  [Name in keyof Interfaces]: Same<z.input<(typeof schemas)[Name]>, Interfaces[Name]>;
};
interface Interfaces {
  CreateSandboxRequest: api.CreateSandboxRequest;
  SandboxLimits: api.SandboxLimits;
  EgressOptions: network.EgressOptions;
  NetworkOptions: network.NetworkOptions;
  SandboxTelemetry: SandboxTelemetry;
  SandboxInfo: api.SandboxInfo;
  SandboxPage: api.Page<api.SandboxInfo>;
  ExecRequest: api.ExecRequest;
  ExecInfo: api.ExecInfo;
  ExecPage: api.Page<api.ExecInfo>;
  KillRequest: api.KillRequest;
  OutputEvent: api.OutputEvent;
  ResultEvent: api.ResultEvent;
  ExitEvent: api.ExitEvent;
  StreamEvent: api.StreamEvent;
  FileInfo: api.FileInfo;
  FileList: api.FileList;
  MakeDirectoryRequest: api.MakeDirectoryRequest;
  MoveFileRequest: api.MoveFileRequest;
  ForkRequest: fork.ForkRequest;
  ForkResult: fork.ForkResult;
  SandboxDiff: fork.SandboxDiff;
  CreateKeyRequest: keys.CreateKeyRequest;
  RotateKeyRequest: keys.RotateKeyRequest;
  KeyInfo: keys.KeyInfo;
  CreatedKey: keys.CreatedKey;
  KeyList: keys.KeyList;
  ConsoleLink: keys.ConsoleLink;
  StatusReport: status.StatusReport;
  StatusExport: status.StatusExport;
  IncidentInfo: status.IncidentInfo;
  IncidentList: status.IncidentList;
  OpenIncidentRequest: status.OpenIncidentRequest;
  UpdateIncidentRequest: status.UpdateIncidentRequest;
  MaintenanceInfo: status.MaintenanceInfo;
  MaintenanceList: status.MaintenanceList;
  ScheduleMaintenanceRequest: status.ScheduleMaintenanceRequest;
  ExporterFilterSpec: exporter.ExporterFilterSpec;
  ExporterSpec: exporter.ExporterSpec;
  ExporterInfo: exporter.ExporterInfo;
  ExporterList: exporter.ExporterList;
  DeadLetterPage: api.Page<exporter.DeadLetter>;
  FlushRequest: exporter.FlushRequest;
  FlushResult: exporter.FlushResult;
  TraceInfo: api.TraceInfo;
  DoctorReport: api.DoctorReport;
  Health: api.Health;
  ErrorBody: ErrorBody;
  StartRunRequest: api.StartRunRequest;
  RunInfo: api.RunInfo;
  AddRunEventsResult: record.AddRunEventsResult;
  GapLine: record.GapLine;
  RunPage: api.Page<record.RunSummary>;
  RunDetail: record.RunDetail;
  TracePage: api.Page<record.TraceSummary>;
  LogPage: api.Page<record.LogEntry>;
  DeletionResult: DeletionResult;
  MetricList: metric.MetricList;
  MetricSeriesList: metric.MetricSeriesList;
}
const parity: Parity = {
  CreateSandboxRequest: true,
  SandboxLimits: true,
  EgressOptions: true,
  NetworkOptions: true,
  SandboxTelemetry: true,
  SandboxInfo: true,
  SandboxPage: true,
  ExecRequest: true,
  ExecInfo: true,
  ExecPage: true,
  KillRequest: true,
  OutputEvent: true,
  ResultEvent: true,
  ExitEvent: true,
  StreamEvent: true,
  FileInfo: true,
  FileList: true,
  MakeDirectoryRequest: true,
  MoveFileRequest: true,
  ForkRequest: true,
  ForkResult: true,
  SandboxDiff: true,
  CreateKeyRequest: true,
  RotateKeyRequest: true,
  KeyInfo: true,
  CreatedKey: true,
  KeyList: true,
  ConsoleLink: true,
  StatusReport: true,
  StatusExport: true,
  IncidentInfo: true,
  IncidentList: true,
  OpenIncidentRequest: true,
  UpdateIncidentRequest: true,
  MaintenanceInfo: true,
  MaintenanceList: true,
  ScheduleMaintenanceRequest: true,
  ExporterFilterSpec: true,
  ExporterSpec: true,
  ExporterInfo: true,
  ExporterList: true,
  DeadLetterPage: true,
  FlushRequest: true,
  FlushResult: true,
  TraceInfo: true,
  DoctorReport: true,
  Health: true,
  ErrorBody: true,
  StartRunRequest: true,
  RunInfo: true,
  AddRunEventsResult: true,
  GapLine: true,
  RunPage: true,
  RunDetail: true,
  TracePage: true,
  LogPage: true,
  DeletionResult: true,
  MetricList: true,
  MetricSeriesList: true,
};

type EventParity = {
  [T in keyof EventDataMap]: Same<z.output<(typeof schemas.EVENT_DATA)[T]>, EventDataMap[T]>;
};
/** `false` as soon as one payload differs. */
const allEvents: false extends EventParity[keyof EventDataMap] ? false : true = true;
const allRunEvents: Same<z.output<typeof schemas.AddRunEventsRequest>, record.AddRunEventsRequest> = true;
const allRunTypes: Same<(typeof schemas.RUN_EVENT_TYPES)[number], record.RunEventType> = true;
/** The comparison itself tells a missing and an optional field apart. */
const comparison: [
  Same<{ a?: number }, { a: number }>,
  Same<{ a?: number }, object>,
  Same<{ a: 1 }, { a: 1 }>,
] = [false, false, true];

test("schemas and interfaces agree; the compiler is the judge", () => {
  assert.ok(Object.values(parity).every(Boolean) && allEvents && allRunEvents && allRunTypes);
  assert.deepEqual(comparison, [false, false, true]);
  assert.deepEqual(Object.keys(schemas.EVENT_DATA), EVENT_TYPES);
});

test("every schema that a route names exists", () => {
  for (const [name, route] of Object.entries<RouteDefinition>(ROUTES)) {
    for (const schema of [route.requestSchema, route.querySchema, route.responseSchema]) {
      assert.ok(schema === undefined || schema in schemas, `${name} names ${schema}`);
    }
  }
});

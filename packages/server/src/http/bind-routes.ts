import type { ServerResponse } from "node:http";
import { ROUTES, type RouteDefinition, type RouteName, SandglassError } from "@sandglass/protocol";
import * as schemas from "@sandglass/protocol/schemas";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import { requireScope } from "../auth.ts";
import { type Caller, DEFAULT_ORG } from "../caller.ts";
import type { ConsoleSessions } from "../console/sessions.ts";
import type { KeyUse } from "../keys.ts";
import { pacedBody } from "./body-pace.ts";
import { type AnyHandler, type Call, contextOf, type Handlers } from "./call.ts";
import { answerError, type ReportInternal } from "./error-answer.ts";
import type { Idempotency } from "./idempotency.ts";
import { type JsonBodyLimits, readJsonBody, refuseEncoded } from "./json-body.ts";
import type { KeyGate } from "./key-gate.ts";
import { type RequestRecord, recordOf } from "./request-record.ts";
import { toRouterPath } from "./route-pattern.ts";
import { sendAnswer } from "./send-answer.ts";

export interface RouteServices {
  gate: KeyGate;
  /** Of the console; absent where its cookie counts for nothing. */
  sessions?: ConsoleSessions;
  idempotency: Idempotency;
  limits: JsonBodyLimits & { readerStallMs: number };
  /** Fires when the daemon takes no more work. */
  stopping: AbortSignal;
  reportInternal: ReportInternal;
}

/** Calls a public route: nothing is known of them, and nothing allowed. */
const NOBODY: Caller = { orgId: DEFAULT_ORG, scopes: [] };

/** Binds every route of the protocol to its handler: key, checks, call, answer; nothing of it is in a handler. */
export function bindRoutes(app: FastifyInstance, handlers: Handlers, services: RouteServices): void {
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const definition: RouteDefinition = ROUTES[name];
    // The types tie each handler to its own route; here, where the route is a value, they cannot.
    const serve = createServe(name, definition, handlers[name] as AnyHandler, services);
    app.route({
      method: definition.method,
      url: toRouterPath(definition.path),
      handler: async (request, reply) => {
        reply.hijack();
        const record = recordOf(request.raw);
        try {
          await serve(request, record, reply.raw);
        } catch (error) {
          answerError(error, request.raw, reply.raw, record, services.reportInternal);
        }
      },
    });
  }
}

type Serve = (request: FastifyRequest, record: RequestRecord, response: ServerResponse) => Promise<void>;

/** @throws Error where the route is neither public nor says what its key has to have */
function createServe(
  name: RouteName,
  definition: RouteDefinition,
  handler: AnyHandler,
  services: RouteServices,
): Serve {
  if (definition.scope === undefined && definition.isPublic !== true)
    throw new Error(`the route ${name} has no scope`);
  const querySchema = schemaNamed(definition.querySchema);
  const bodySchema = schemaNamed(definition.requestSchema);
  const isLasting =
    definition.request === "bytes" || definition.response === "ndjson" || definition.response === "bytes";

  return async (request, record, response) => {
    const params = request.params as Record<string, string>;
    if (Object.values(params).includes("")) throw routeNotFound();
    record.route = definition.path;
    record.isProbe = definition.isProbe === true;
    record.sandboxId = params.id ?? "";
    const use =
      definition.isPublic === true ? undefined : services.gate.admit(request.raw, services.sessions);
    const caller = use?.key ?? NOBODY;
    record.orgId = caller.orgId;
    record.keyId = use?.key.id ?? "";
    // The console asks every few seconds for as long as it is open: recorded, but quietly.
    if (use?.session !== undefined && definition.method === "GET") record.isProbe = true;
    if (definition.scope !== undefined) requireScope(caller, definition.scope);
    if (services.stopping.aborted && definition.isProbe !== true) throw shuttingDown();

    const query = querySchema === undefined ? undefined : schemas.parseRequest(querySchema, request.query);
    if (definition.request !== "none") refuseEncoded(request.raw);
    const body =
      definition.request === "json"
        ? await readJsonBody(
            request.raw,
            services.limits,
            use && ((cut: () => void) => services.gate.hold(use, cut)),
          )
        : undefined;
    const confirm = () => use && services.gate.confirm(use);
    // A body may take its time. What the key may not do any more by then is not begun.
    if (body !== undefined) confirm();
    if (use !== undefined && isLasting) cutWithKey(use, record, response, services.gate);
    let signal: AbortSignal | undefined;
    const call = {
      get signal() {
        signal ??= clientGone(response);
        return signal;
      },
      params,
      query,
      body: bodySchema === undefined ? undefined : schemas.parseRequest(bodySchema, body?.value),
      context: contextOf(record),
      caller,
      use,
      confirm,
      accept: request.headers.accept ?? "",
      record,
      upload: () => pacedBody(request.raw, services.limits),
    } as Call<RouteName>;
    const key = definition.method === "POST" ? request.headers["idempotency-key"]?.toString() : undefined;
    const { answer, isReplay } =
      key === undefined
        ? { answer: await handler(call), isReplay: false }
        : await services.idempotency.run(
            name,
            call,
            { key, path: request.raw.url ?? "", body: body?.text ?? "" },
            handler,
          );
    await sendAnswer(definition, answer, record, response, {
      isReplay,
      readerStallMs: services.limits.readerStallMs,
    });
  };
}

/** What goes on for long ends with the key, or the session of the console, that it was begun with; an exec that runs behind it does not. */
function cutWithKey(use: KeyUse, record: RequestRecord, response: ServerResponse, gate: KeyGate): void {
  const release = gate.hold(use, () => {
    record.errorCode = "UNAUTHORIZED";
    response.destroy();
  });
  response.once("close", release);
}

function clientGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const onClose = (): void => {
    if (response.writableFinished) return;
    gone.abort(new SandglassError("CONNECTION_FAILED", "the client has gone"));
  };
  if (response.destroyed) onClose();
  else response.once("close", onClose);
  return gone.signal;
}

function schemaNamed(name: string | undefined): z.ZodType | undefined {
  if (name === undefined) return undefined;
  const schema = (schemas as Readonly<Record<string, unknown>>)[name];
  // A route that names a schema which is not there would be served unchecked: not started at all, then.
  if (schema === undefined) throw new Error(`the protocol has no schema ${name}`);
  return schema as z.ZodType;
}

/** For whoever matched nothing, or a path with a name left out */
export function routeNotFound(): SandglassError {
  return new SandglassError("ROUTE_NOT_FOUND", "there is nothing at this path", {
    hint: "GET /openapi.json lists every route",
  });
}

function shuttingDown(): SandglassError {
  return new SandglassError("SHUTTING_DOWN", "the daemon is stopping and takes no more work", {
    hint: "try again when it has been started anew",
  });
}

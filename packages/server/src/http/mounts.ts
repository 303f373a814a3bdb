import type { IncomingMessage, ServerResponse } from "node:http";
import { formatTraceparent, type Scope } from "@sandglass/protocol";
import { requireScope } from "../auth.ts";
import { type PaceLimits, pacedBody } from "./body-pace.ts";
import { answerError, type ReportInternal } from "./error-answer.ts";
import type { KeyGate } from "./key-gate.ts";
import type { RequestGuard } from "./request-guard.ts";
import { recordOf } from "./request-record.ts";

/** Something beside the API that whoever composes the daemon serves at a path of its own, e.g. MCP at `/mcp`. */
export interface Mount {
  /** Exactly this one; nothing below it. */
  readonly path: `/${string}`;
  /** What a key has to have. */
  readonly scope: Scope;
  /** Called once, when it is known where the daemon is to be reached. */
  open(place: MountPlace): Mounted;
}

export interface MountPlace {
  /** Where the daemon reaches its own API, e.g. `http://127.0.0.1:7070`: without TLS also where others have to use it. */
  readonly baseUrl: string;
  /** For errors that no caller is told of. */
  complain(message: string, error: unknown): void;
}

export interface Mounted {
  /**
   * Serves a request that has been let in.
   *
   * @throws SandglassError, which is answered as the API would
   */
  serve(request: IncomingMessage, response: ServerResponse, call: MountedCall): Promise<void>;
  /** Ends what is going on. Called before the daemon takes no more work. */
  close(): Promise<void>;
}

/** What a mount is given beside the request itself. */
export interface MountedCall {
  /** The caller's, in plain text: for calls of the API in the caller's name. */
  readonly key: string;
  /**
   * The body, which has to come as fast as that of any request. Leaving the iteration early leaves the connection whole, for the answer.
   * Throws REQUEST_TOO_SLOW.
   */
  upload(): AsyncIterable<Uint8Array>;
}

export interface MountServices {
  guard: RequestGuard;
  limits: PaceLimits;
  gate: Pick<KeyGate, "admit" | "hold">;
  reportInternal: ReportInternal;
}

/** Serves what is mounted, behind the same guard and the same check of keys as the API. */
export class Mounts {
  readonly #mounted: ReadonlyMap<string, { mount: Mount; mounted: Mounted }>;
  readonly #services: MountServices;

  constructor(mounts: readonly Mount[], place: MountPlace, services: MountServices) {
    this.#mounted = new Map(mounts.map((mount) => [mount.path, { mount, mounted: mount.open(place) }]));
    this.#services = services;
  }

  takes(request: IncomingMessage): boolean {
    return this.#mounted.has(pathOf(request));
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const record = recordOf(request);
    this.#serve(request, response).catch((error: unknown) =>
      answerError(error, request, response, record, this.#services.reportInternal),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#mounted.values()].map(({ mounted }) => mounted.close()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const entry = this.#mounted.get(pathOf(request));
    if (entry === undefined) throw new Error("nothing is mounted at this path");
    const { guard, gate, limits } = this.#services;
    const record = recordOf(request);
    record.route = entry.mount.path;
    guard(request);
    const use = gate.admit(request);
    record.orgId = use.key.orgId;
    record.keyId = use.key.id;
    requireScope(use.key, entry.mount.scope);
    // A stream outlives the key's revocation otherwise.
    const release = gate.hold(use, () => {
      record.errorCode = "UNAUTHORIZED";
      response.destroy();
    });
    response.once("close", release);
    response.setHeader("x-request-id", record.requestId);
    const { traceId, traceFlags } = record.trace;
    response.setHeader("traceresponse", formatTraceparent(traceId, record.spanId, traceFlags));
    response.setHeader("x-content-type-options", "nosniff");
    await entry.mounted.serve(request, response, {
      key: keyIn(request),
      upload: () => pacedBody(request, limits),
    });
  }
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "/";
}

/** The key in plain text; only behind the gate, which knows that there is one. */
function keyIn({ headers }: IncomingMessage): string {
  return (headers.authorization ?? "").replace(/^Bearer +/i, "").trimEnd();
}

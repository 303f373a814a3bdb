import { hash } from "node:crypto";
import {
  type DeadLetter,
  type ExporterInfo,
  type ExporterSpec,
  type FlushRequest,
  type FlushResult,
  type Page,
  SandglassError,
} from "@sandglass/protocol";
import { type DeadLetterQuery, readDeadLetters } from "@sandglass/telemetry";
import { type Caller, isOperator } from "../caller.ts";
import { exporterNotFound } from "./exporter-errors.ts";
import type { Observability } from "./observability.ts";

/** Exporters that one organisation may have through keys of its own. */
const MAX_PER_ORG = 10;
/** Of an id as the delivery takes it, and the organisation's part of it. */
const MAX_ID_LENGTH = 64;
const MAX_PREFIX_LENGTH = 32;

type Confirm = () => void;

/**
 * What a key may do with exporters. The operator's sees and changes all, and its own get the events of every organisation.
 * Another's sees only those of its organisation, and makes only such that get only that one's events.
 *
 * Theirs are named `<organisation>.<id>` inside, so that no organisation can take a name from another, or from the configuration;
 * they themselves see the part that they gave.
 */
export class ExporterAccess {
  readonly #observability: Observability;

  constructor(observability: Observability) {
    this.#observability = observability;
  }

  list(caller: Caller): ExporterInfo[] {
    return this.#observability.list(visibleOrg(caller)).map((info) => asSeenBy(caller, info));
  }

  /** @throws SandglassError EXPORTER_NOT_FOUND, as all below */
  get(caller: Caller, id: string): ExporterInfo {
    return asSeenBy(caller, this.#find(caller, id));
  }

  /**
   * @param confirm throws where the caller's key is over by the time that it is done: a destination may keep it waiting
   * @throws SandglassError INVALID_REQUEST, EXPORTER_CONFLICT, EXPORTER_LIMIT_REACHED
   */
  async add(caller: Caller, spec: ExporterSpec, confirm?: Confirm): Promise<ExporterInfo> {
    if (isOperator(caller))
      return this.#observability.keep(spec, { origin: "api", isTrusted: true }, { confirm });
    const id = innerId(caller, spec.id ?? this.#freeId(caller, spec.provider));
    const owner = { origin: "api", orgId: caller.orgId, isTrusted: false } as const;
    const adding = this.#observability.keep({ ...spec, id }, owner, { limit: MAX_PER_ORG, confirm });
    return asSeenBy(caller, await adding.catch(explainFor(spec)));
  }

  /** As {@link add}. @throws SandglassError INVALID_REQUEST, EXPORTER_CONFLICT */
  async replace(caller: Caller, id: string, spec: ExporterSpec, confirm?: Confirm): Promise<ExporterInfo> {
    const found = this.#find(caller, id);
    const wanted = spec.id === undefined ? spec : { ...spec, id: innerId(caller, spec.id) };
    const replacing = this.#observability.replace(found.id, wanted, confirm);
    return asSeenBy(caller, await (isOperator(caller) ? replacing : replacing.catch(explainFor(spec))));
  }

  /** As {@link add}. @throws SandglassError EXPORTER_CONFLICT */
  remove(caller: Caller, id: string, options: { forget: boolean }, confirm?: Confirm): Promise<void> {
    return this.#observability.remove(this.#find(caller, id).id, { ...options, confirm });
  }

  /** What its destination would not take, the latest first. @throws SandglassError INVALID_CURSOR */
  deadLetters(caller: Caller, id: string, page: DeadLetterQuery): Promise<Page<DeadLetter>> {
    const inner = this.#find(caller, id).id;
    // The operator may once have had an exporter of that name, for the events of all.
    return readDeadLetters(this.#observability.dataDir, inner, { ...page, orgId: visibleOrg(caller) });
  }

  async retry(caller: Caller, id: string): Promise<ExporterInfo> {
    return asSeenBy(caller, await this.#observability.retry(this.#find(caller, id).id));
  }

  flush(caller: Caller, { ids, timeoutMs }: FlushRequest): Promise<FlushResult> {
    const time = timeoutMs === undefined ? {} : { timeoutMs };
    if (ids === undefined && isOperator(caller)) return this.#observability.flush(time);
    const chosen = ids?.map((id) => this.#find(caller, id)) ?? this.#observability.list(caller.orgId);
    return this.#observability.flush({ ids: chosen.map(({ id }) => id), ...time });
  }

  #find(caller: Caller, id: string): ExporterInfo {
    const inner = innerId(caller, id);
    const info = this.#observability.list(visibleOrg(caller)).find((exporter) => exporter.id === inner);
    if (info === undefined) throw exporterNotFound(id);
    return info;
  }

  #freeId(caller: Caller, provider: string): string {
    const taken = new Set(this.list(caller).map(({ id }) => id));
    for (let number = 1; ; number++) {
      const id = number === 1 ? provider : `${provider}-${number}`;
      if (!taken.has(id)) return id;
    }
  }
}

/** Undefined where it is all of them. */
function visibleOrg(caller: Caller): string | undefined {
  return isOperator(caller) ? undefined : caller.orgId;
}

/**
 * The organisation's part: up to the first dot, so that no id of one reads as an id of another. A name that is long or has dots
 * itself is changed, and told from others by its hash.
 */
function prefixOf({ orgId }: Caller): string {
  if (orgId.length < MAX_PREFIX_LENGTH && !orgId.includes(".")) return `${orgId}.`;
  return `${orgId.slice(0, MAX_PREFIX_LENGTH - 10).replaceAll(".", "-")}-${hash("sha256", orgId, "hex").slice(0, 8)}.`;
}

function innerId(caller: Caller, id: string): string {
  if (isOperator(caller)) return id;
  const prefix = prefixOf(caller);
  if (prefix.length + id.length <= MAX_ID_LENGTH) return prefix + id;
  throw new SandglassError(
    "INVALID_REQUEST",
    `id must have at most ${MAX_ID_LENGTH - prefix.length} characters`,
  );
}

/** Without what is the host's business. */
function asSeenBy(caller: Caller, info: ExporterInfo): ExporterInfo {
  if (isOperator(caller)) return info;
  const { deadLetterFile: _, ...rest } = info;
  return { ...rest, id: info.id.slice(prefixOf(caller).length) };
}

/**
 * The daemon's environment is empty to who is not trusted: it holds the operator's credentials. Where that is why something is
 * missing, it is said, instead of "not set".
 */
function explainFor({ config }: ExporterSpec): (error: unknown) => never {
  return (error) => {
    const isRefused = error instanceof SandglassError && error.code === "INVALID_REQUEST";
    if (!isRefused || !namesVariable(config)) throw error;
    throw new SandglassError(
      "FORBIDDEN",
      "{env: NAME} names a variable of the daemon's environment, which is for keys of the operator",
      { hint: "give the value itself" },
    );
  };
}

/** Whether something in it is `{env: NAME}`. */
function namesVariable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const entries = Object.entries(value);
  const isReference = entries.length === 1 && entries[0]?.[0] === "env" && typeof entries[0][1] === "string";
  return isReference || entries.some(([, inner]) => namesVariable(inner));
}

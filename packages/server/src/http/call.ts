import type { CallContext, ROUTES, RouteName } from "@sandglass/protocol";
import type * as schemas from "@sandglass/protocol/schemas";
import type { z } from "zod";
import type { Caller } from "../caller.ts";
import type { KeyUse } from "../keys.ts";
import type { RequestRecord } from "./request-record.ts";

type Definition<N extends RouteName> = (typeof ROUTES)[N];
/** What a schema of this name parses to; undefined where the route names none. */
type Parsed<Name> = Name extends keyof typeof schemas
  ? (typeof schemas)[Name] extends z.ZodType
    ? z.output<(typeof schemas)[Name]>
    : never
  : undefined;

/** One call of a route: what a handler gets, checked. */
export interface Call<N extends RouteName> {
  params: Readonly<Record<string, string>>;
  query: Parsed<Definition<N> extends { querySchema: infer Name } ? Name : undefined>;
  body: Parsed<Definition<N> extends { requestSchema: infer Name } ? Name : undefined>;
  /** Who calls, and the `http_request` span as the parent of what the call does. */
  context: CallContext;
  /** Whose key it is, and what that may do. */
  caller: Caller;
  /** What it was let in with; absent on public routes. */
  use?: KeyUse | undefined;
  /**
   * For handlers that wait for others before they do what is asked for: throws UNAUTHORIZED where the key is over by now.
   */
  confirm(): void;
  /** The header `accept`; "" where there is none. */
  accept: string;
  record: RequestRecord;
  /** Fires when the client has gone before it had an answer: whatever only it would see can end. */
  signal: AbortSignal;
  /**
   * For routes that take bytes. Leaving the iteration early leaves the connection whole, for the answer.
   * Throws REQUEST_TOO_SLOW.
   */
  upload(): AsyncIterable<Uint8Array>;
}

/** An answer of lines that goes on for as long as they come. */
export interface LineAnswer {
  headers?: Record<string, string>;
  /**
   * Blocks of one or more whole lines, newlines included.
   *
   * @param signal fires when the client has gone: the source ends, what it reads from does not
   */
  lines(signal: AbortSignal): AsyncIterable<string>;
}

export interface ByteAnswer {
  headers?: Record<string, string>;
  sizeBytes: number;
  content: AsyncIterable<Uint8Array>;
}

/** An answer of JSON that is written already: by a thread that has the time, where a large one would hold up all others here. */
export class JsonBytes {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Headers alone. */
export interface EmptyAnswer {
  headers?: Record<string, string | number>;
}

type AnswerByKind = {
  json: object;
  ndjson: LineAnswer;
  bytes: ByteAnswer;
  text: { text: string; contentType: string };
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler with nothing to say returns nothing
  none: EmptyAnswer | void;
  html: never;
};
export type Answer<N extends RouteName> = AnswerByKind[Definition<N>["response"]];

/** Pure of HTTP: takes a checked call, gives a value or throws a catalogue error. */
type Handler<N extends RouteName> = (call: Call<N>) => Answer<N> | Promise<Answer<N>>;
export type Handlers = { readonly [N in RouteName]: Handler<N> };
/** A handler whose route is known at run time only. */
export type AnyHandler = (call: Call<RouteName>) => Answer<RouteName> | Promise<Answer<RouteName>>;

/** The caller's context as the runtime takes it. */
export function contextOf({ orgId, runId, trace, spanId }: RequestRecord): CallContext {
  return { ...trace, orgId, runId, parentSpanId: spanId };
}

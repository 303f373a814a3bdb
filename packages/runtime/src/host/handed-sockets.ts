import { SandglassError } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";

/** Far beyond what it takes. Node drops a message whose descriptor it could not take (none left), and tells only the sender. */
const LOST_AFTER_MS = 10_000;

/** The sandbox is too young to have a network: ask again. */
export class NotYet extends Error {
  override readonly name = "NotYet";
}

interface Pending {
  sockets: SocketHandle[];
  /** How many are still to come. */
  left: number;
  timer: NodeJS.Timeout;
  resolve(sockets: SocketHandle[]): void;
  reject(error: Error): void;
}

/**
 * The daemon's end of the minders' socket hand-over. Sockets come one by one on Node's own channel to their helper, which they inherit
 * and which is there as long as one of them is, each with the number of its request; refusals on the minder's own line. What nobody waits for (any more) is closed at once, for an open socket keeps a
 * sandbox's network namespace.
 */
export class HandedSockets {
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  /** A request's number, and the sockets once all have come. */
  expect(count: number): { number: number; taken: Promise<SocketHandle[]> } {
    const number = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<SocketHandle[]>();
    const timer = setTimeout(() => this.refuse(number, lostOnTheWay()), LOST_AFTER_MS);
    this.#pending.set(number, { sockets: [], left: count, timer, resolve, reject });
    return { number, taken: promise };
  }

  /** What a minder sent on Node's channel: `{listen, at}` and a socket. */
  onMessage(message: unknown, handle: unknown): void {
    const { listen, at } = message as { listen: number; at: number };
    const pending = this.#pending.get(listen);
    if (pending === undefined) return close(handle);
    pending.sockets[at] = handle as SocketHandle;
    if (--pending.left > 0) return;
    clearTimeout(pending.timer);
    this.#pending.delete(listen);
    pending.resolve(pending.sockets);
  }

  /** The text of a "refused" of a minder: the number, "later" or "never", and why. */
  onRefusal(text: string): void {
    const [, number, when, why] = /^(\d+) (later|never) (.*)$/s.exec(text) ?? [];
    const message = `sockets could not be opened in the sandbox: ${why ?? text}`;
    this.refuse(Number(number), when === "later" ? new NotYet(message) : driverError(message));
  }

  refuse(number: number, error: Error): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    this.#pending.delete(number);
    clearTimeout(pending.timer);
    for (const socket of pending.sockets) close(socket);
    pending.reject(error);
  }
}

function lostOnTheWay(): Error {
  return driverError("a socket of the sandbox was lost on its way: is the limit of open files reached?");
}

function driverError(message: string): SandglassError {
  return new SandglassError("DRIVER_ERROR", message, { hint: "run `sandglass doctor`" });
}

function close(socket: unknown): void {
  (socket as { close(): void } | undefined)?.close(); // a hole where one has not come
}

import type { Signal } from "../../model.ts";
import { ACTIONS, ITEMS, KEY_VALUE, REQUESTS, SPAN } from "../content-shapes.ts";
import { BINARY } from "./binary.ts";

/** What `wasm/relay/index.ts` exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  isSound(message: number, keyValue: number, span: number, start: number, end: number): number;
  itemCount(): number;
}
type Addresses = Readonly<Record<string, { readonly value: number }>>;

/** Of the engine; Node's types have it only where those of a browser are. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

let compiled: object | undefined;

/**
 * Does what `ContentChecker` does in WebAssembly, for requests that lie in its memory. Its yes is the checker's yes as well; what it says
 * no to may still be sound, only rare.
 */
export class CompiledChecker {
  /** Where requests lie. */
  readonly bytes: Buffer;
  readonly #core: Exports;
  readonly #addresses: Addresses;

  private constructor(module: object) {
    const { exports } = new WebAssembly.Instance(module, {});
    this.#core = exports as Exports;
    this.#addresses = exports as Addresses;
    const { buffer } = this.#core.memory;
    const all = new Uint8Array(buffer);
    this.bytes = Buffer.from(buffer, this.#address("BYTES"), this.#address("BYTES_LENGTH"));
    all.set(ACTIONS, this.#address("ACTIONS"));
    for (const message of ITEMS) all[this.#address("COUNTED") + message] = 1;
  }

  /** Undefined where WebAssembly is switched off (`node --jitless`). */
  static make(): CompiledChecker | undefined {
    if (typeof WebAssembly === "undefined") return undefined;
    compiled ??= new WebAssembly.Module(Buffer.from(BINARY, "base64"));
    return new CompiledChecker(compiled);
  }

  /** Spans, log records or data points of what was sound last. */
  get items(): number {
    return this.#core.itemCount();
  }

  /** Of the first `length` of {@link bytes}. */
  isSound(signal: Signal, length: number): boolean {
    const start = this.bytes.byteOffset;
    return this.#core.isSound(REQUESTS[signal], KEY_VALUE, SPAN, start, start + length) !== 0;
  }

  #address(name: string): number {
    return this.#addresses[name]!.value;
  }
}

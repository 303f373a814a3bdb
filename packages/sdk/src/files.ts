import { posix } from "node:path";
import { Readable } from "node:stream";
import type { FileInfo, FileList } from "@sandglass/protocol";
import { SandglassError } from "./errors.ts";
import type { StreamSource } from "./exec-stream.ts";
import type { Call } from "./transport/call.ts";
import { toConnectionError } from "./transport/connection-error.ts";

/** What a file can be written from. An iterable is read once, as fast as the sandbox takes it. */
export type FileContent = string | Uint8Array | AsyncIterable<Uint8Array | string> | Readable;

export interface FileCallOptions {
  /** Aborting rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Relative paths begin here. */
const WORKING_DIRECTORY = "/workspace";

/**
 * Files of one sandbox. Paths are resolved inside it, relative ones from `/workspace`; content is bytes, never interpreted.
 *
 * Every method throws FILE_NOT_FOUND, FILE_CONFLICT (e.g. a directory where a file is meant), FILE_ERROR and
 * DISK_FULL of the error catalogue.
 */
export class Files {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  /** The whole file. */
  async read(path: string, options: FileCallOptions = {}): Promise<Uint8Array> {
    return (await this.#source.transport.bytes(this.#readCall(path, options))).value;
  }

  /** The whole file as UTF-8 text. */
  async readText(path: string, options: FileCallOptions = {}): Promise<string> {
    return (await this.#source.transport.bytes(this.#readCall(path, options))).value.toString("utf8");
  }

  /**
   * The file as a stream, of any size without memory growth. An early end of the connection is an error, so what
   * ended well is complete.
   *
   * @example await pipeline(await sandbox.files.readStream("model.bin"), createWriteStream("model.bin"))
   */
  async readStream(path: string, options: FileCallOptions = {}): Promise<Readable> {
    const { transport } = this.#source;
    const response = await transport.stream(this.#readCall(path, options));
    async function* content(): AsyncGenerator<Buffer> {
      try {
        yield* response as AsyncIterable<Buffer>;
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        throw toConnectionError(error, transport.baseUrl);
      }
    }
    return Readable.from(content(), { objectMode: false });
  }

  /**
   * Writes a file, replacing what was there; parent directories are made.
   *
   * @param options `mode`: permission bits, e.g. 0o755
   * @example await sandbox.files.write("data.csv", createReadStream("local.csv"))
   */
  async write(
    path: string,
    content: FileContent,
    options: FileCallOptions & { mode?: number } = {},
  ): Promise<FileInfo> {
    const { value } = await this.#source.transport.json<FileInfo>({
      ...this.#call("writeFile", options),
      params: this.#params(path),
      query: { mode: options.mode?.toString(8).padStart(3, "0") },
      bytes: toBytes(content),
      // As long as it takes: an upload is as large as the caller's file.
      timeoutMs: 0,
    });
    return value;
  }

  /** A directory's entries, sorted by name. Default: the working directory. */
  async list(path = ".", options: FileCallOptions = {}): Promise<FileInfo[]> {
    const call = { ...this.#call("listFiles", options), query: { path } };
    return (await this.#source.transport.json<FileList>(call)).value.items;
  }

  /** Size, kind and permissions; `modifiedAt` in whole seconds. */
  async stat(path: string, options: FileCallOptions = {}): Promise<FileInfo> {
    const call = { ...this.#call("statFile", options), params: this.#params(path) };
    const { headers } = (await this.#source.transport.bytes(call)).response;
    const absolute = posix.resolve(WORKING_DIRECTORY, path);
    return {
      name: posix.basename(absolute),
      path: absolute,
      type: (headers["x-file-type"] ?? "other") as FileInfo["type"],
      sizeBytes: Number(headers["content-length"] ?? 0),
      mode: Number.parseInt(String(headers["x-file-mode"] ?? "0"), 8),
      modifiedAt: new Date(headers["last-modified"] ?? 0).toISOString(),
    };
  }

  /** Whether there is something at this path. */
  async exists(path: string, options: FileCallOptions = {}): Promise<boolean> {
    const call = { ...this.#call("statFile", options), params: this.#params(path) };
    try {
      await this.#source.transport.bytes({ ...call, name: "files.exists", expects: "FILE_NOT_FOUND" });
      return true;
    } catch (error) {
      if (error instanceof SandglassError && error.code === "FILE_NOT_FOUND") return false;
      throw error;
    }
  }

  /** Makes a directory and its parents; one that exists is no error. */
  async mkdir(path: string, options: FileCallOptions = {}): Promise<FileInfo> {
    const call = { ...this.#call("makeDirectory", options), json: { path } };
    return (await this.#source.transport.json<FileInfo>(call)).value;
  }

  /** Moves or renames. */
  async move(from: string, to: string, options: FileCallOptions = {}): Promise<FileInfo> {
    const call = { ...this.#call("moveFile", options), json: { from, to } };
    return (await this.#source.transport.json<FileInfo>(call)).value;
  }

  /** Removes a file or an empty directory; with `recursive`, a directory and all in it. */
  async remove(path: string, options: FileCallOptions & { recursive?: boolean } = {}): Promise<void> {
    await this.#source.transport.json({
      ...this.#call("deleteFile", options),
      params: this.#params(path),
      query: { recursive: options.recursive || undefined },
    });
  }

  #readCall(path: string, options: FileCallOptions): Call {
    // As long as it takes: a download is as large as the file.
    return { ...this.#call("readFile", options), params: this.#params(path), timeoutMs: 0 };
  }

  #params(path: string): Record<string, string> {
    return { id: this.#source.sandboxId, path };
  }

  #call(route: Call["route"], options: FileCallOptions): Call {
    const { sandboxId, tracing } = this.#source;
    return { route, params: { id: sandboxId }, signal: options.signal, tracing };
  }
}

function toBytes(content: FileContent): Uint8Array | AsyncIterable<Uint8Array> {
  if (typeof content === "string") return Buffer.from(content, "utf8");
  if (content instanceof Uint8Array) return content;
  return encoded(content);
}

async function* encoded(content: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) yield typeof chunk === "string" ? Buffer.from(chunk, "utf8") : chunk;
}

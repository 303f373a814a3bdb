import type { CallContext, ErrorCode, FileInfo } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import type { AgentConnection } from "./agent/connection.ts";
import { errnoName } from "./agent/connection.ts";
import { msSince } from "./duration.ts";
import { FileOperation } from "./file-operation.ts";
import { fileInfoOf, fileListOf } from "./file-record.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import type { FilesHandle } from "./types.ts";

export interface FilesHost {
  agent(): AgentConnection;
  /** Marks a call in progress until the function it resolves with is called; rejects where the sandbox takes no calls. */
  hold(): Promise<() => void>;
  record: SandboxRecord;
  showsPaths: boolean;
}

const ERROR_CODES: Record<string, ErrorCode> = {
  ENOENT: "FILE_NOT_FOUND",
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
  EISDIR: "FILE_CONFLICT",
  ENOTDIR: "FILE_CONFLICT",
  EEXIST: "FILE_CONFLICT",
  ENOTEMPTY: "FILE_CONFLICT",
};

const WORDS: Record<string, string> = {
  ENOENT: "no such file or directory",
  ENOSPC: "the sandbox's disk is full",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  EEXIST: "it exists already",
  ENOTEMPTY: "the directory is not empty",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "it is on a read-only mount",
  ELOOP: "too many symbolic links",
  EINVAL: "it is not a regular file",
  EXDEV: "source and target are on different file systems",
};

/** The files of one sandbox. Every operation is a process inside it: links and permissions mean what the code inside sees. */
export class Files implements FilesHandle {
  readonly #host: FilesHost;

  constructor(host: FilesHost) {
    this.#host = host;
  }

  read(path: string, context: CallContext): Promise<{ info: FileInfo; content: AsyncIterable<Uint8Array> }> {
    return this.#run("read", path, context, async (absolute) => {
      const started = performance.now();
      const operation = await FileOperation.start(this.#host.agent(), ["read", absolute]);
      const info = await operation.record(absolute).catch((error: Error) => {
        operation.abandon();
        throw error;
      });
      // The call lasts until the last byte is taken: no sandbox falls asleep under a download.
      const release = await this.#host.hold();
      const onDone = (): Promise<void> =>
        this.#host.record.say(context, "file.read", "info", {
          ...this.#shown(absolute),
          sizeBytes: info.sizeBytes,
          durationMs: msSince(started),
        });
      return { info, content: operation.content(info.sizeBytes, onDone, release) };
    });
  }

  write(
    path: string,
    content: AsyncIterable<Uint8Array>,
    context: CallContext,
    options: { mode?: number } = {},
  ): Promise<FileInfo> {
    return this.#run("write", path, context, async (absolute) => {
      const started = performance.now();
      const operation = await FileOperation.start(
        this.#host.agent(),
        ["write", absolute, options.mode?.toString(8) ?? ""],
        { withStdin: true },
      );
      await operation.feed(content);
      const [existed, ...record] = await operation.fields();
      const info = fileInfoOf(record, absolute);
      const type = existed === "1" ? "file.modified" : "file.created";
      await this.#host.record.say(context, type, "info", {
        ...this.#shown(absolute),
        sizeBytes: info.sizeBytes,
        durationMs: msSince(started),
      });
      return info;
    });
  }

  stat(path: string, context: CallContext): Promise<FileInfo> {
    return this.#run("stat", path, context, (absolute) => this.#info(["stat", absolute], absolute));
  }

  list(path: string, context: CallContext): Promise<FileInfo[]> {
    return this.#run("list", path, context, async (absolute) => {
      const fields = await this.#fields(["list", absolute]);
      return fileListOf(fields, absolute);
    });
  }

  makeDirectory(path: string, context: CallContext): Promise<FileInfo> {
    return this.#run("mkdir", path, context, async (absolute) => {
      const started = performance.now();
      const info = await this.#info(["mkdir", absolute], absolute);
      await this.#host.record.say(context, "file.created", "info", {
        ...this.#shown(absolute),
        sizeBytes: 0,
        durationMs: msSince(started),
      });
      return info;
    });
  }

  move(from: string, to: string, context: CallContext): Promise<FileInfo> {
    const target = resolve(to);
    return this.#run("move", from, context, async (absolute) => {
      const started = performance.now();
      const info = await this.#info(["move", absolute, target], target);
      const durationMs = msSince(started);
      await this.#host.record.say(context, "file.deleted", "info", { ...this.#shown(absolute), durationMs });
      await this.#host.record.say(context, "file.created", "info", {
        ...this.#shown(target),
        sizeBytes: info.sizeBytes,
        durationMs,
      });
      return info;
    });
  }

  remove(path: string, context: CallContext, options: { recursive?: boolean } = {}): Promise<void> {
    return this.#run("remove", path, context, async (absolute) => {
      const started = performance.now();
      await this.#fields(["remove", absolute, options.recursive === true ? "recursive" : ""]);
      await this.#host.record.say(context, "file.deleted", "info", {
        ...this.#shown(absolute),
        durationMs: msSince(started),
      });
    });
  }

  async #info(argv: string[], path: string): Promise<FileInfo> {
    return fileInfoOf(await this.#fields(argv), path);
  }

  async #fields(argv: string[]): Promise<string[]> {
    return (await FileOperation.start(this.#host.agent(), argv)).fields();
  }

  async #run<T>(
    operation: string,
    path: string,
    context: CallContext,
    work: (absolute: string) => Promise<T>,
  ): Promise<T> {
    const absolute = resolve(path);
    const release = await this.#host.hold();
    const started = performance.now();
    try {
      return await work(absolute);
    } catch (error) {
      if (!(error instanceof FileOperation.Failure)) throw error;
      const errno = errnoName(error.errno);
      const code = ERROR_CODES[errno] ?? "FILE_ERROR";
      const words = WORDS[errno] ?? errno;
      const message = this.#host.showsPaths ? `${operation} ${absolute}: ${words}` : `${operation}: ${words}`;
      const durationMs = msSince(started);
      const data = { ...this.#shown(absolute), operation, code, message, durationMs };
      await this.#host.record.say(context, "file.error", "warn", data);
      throw new SandglassError(code, `${operation} ${absolute}: ${words}`);
    } finally {
      release();
    }
  }

  #shown(path: string): { path?: string } {
    return this.#host.showsPaths ? { path } : {};
  }
}

/** Absolute, without `.` and empty parts. `..` stays: behind a link only the sandbox knows where it leads. */
function resolve(path: string): string {
  if (path.includes("\0")) throw new SandglassError("INVALID_REQUEST", "a path cannot contain a NUL");
  if (Buffer.byteLength(path) > 4000)
    throw new SandglassError("INVALID_REQUEST", "a path has at most 4000 bytes");
  const parts = (path.startsWith("/") ? path : `/workspace/${path}`)
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  return `/${parts.join("/")}`;
}

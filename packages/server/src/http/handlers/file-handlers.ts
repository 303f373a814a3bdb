import { type FileInfo, SandglassError } from "@sandglass/protocol";
import type { Handlers } from "../call.ts";
import { sandboxOf } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";

type FileHandlers = Pick<
  Handlers,
  "listFiles" | "makeDirectory" | "moveFile" | "statFile" | "readFile" | "writeFile" | "deleteFile"
>;

export function fileHandlers(services: HandlerServices): FileHandlers {
  return {
    listFiles: async (call) => ({
      items: await sandboxOf(call, services).files.list(call.query.path, call.context),
    }),

    makeDirectory: (call) => sandboxOf(call, services).files.makeDirectory(call.body.path, call.context),

    moveFile: (call) => sandboxOf(call, services).files.move(call.body.from, call.body.to, call.context),

    statFile: async (call) => {
      const info = await sandboxOf(call, services).files.stat(pathOf(call.params), call.context);
      return { headers: { "content-length": info.sizeBytes, ...fileHeaders(info) } };
    },

    readFile: async (call) => {
      const { info, content } = await sandboxOf(call, services).files.read(pathOf(call.params), call.context);
      return { headers: fileHeaders(info), sizeBytes: info.sizeBytes, content };
    },

    writeFile: (call) => {
      const { mode } = call.query;
      const options = mode === undefined ? {} : { mode };
      return sandboxOf(call, services).files.write(pathOf(call.params), call.upload(), call.context, options);
    },

    deleteFile: (call) =>
      sandboxOf(call, services).files.remove(pathOf(call.params), call.context, {
        recursive: call.query.recursive,
      }),
  };
}

/** `…/files/a.txt` is relative to `/workspace`; an absolute path has its slash encoded, `…/files/%2Fetc/hosts`. */
function pathOf(params: Readonly<Record<string, string>>): string {
  const path = params["*"] ?? "";
  if (path.includes("\0"))
    throw new SandglassError("INVALID_REQUEST", "the path must not contain a NUL character");
  return path;
}

function fileHeaders(info: FileInfo): Record<string, string> {
  const modified = new Date(info.modifiedAt);
  return {
    "x-file-type": info.type,
    "x-file-mode": info.mode.toString(8).padStart(3, "0"),
    ...(!Number.isNaN(modified.getTime()) && { "last-modified": modified.toUTCString() }),
  };
}

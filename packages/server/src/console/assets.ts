import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};
/** Named by their content (the build's doing), so they never change. */
const HASHED = /^assets\/[^/]+$/;
const MIN_COMPRESSED_BYTES = 1_024;

/** A file of the built console. */
export interface Asset {
  readonly contentType: string;
  readonly isImmutable: boolean;
  readonly plain: Buffer;
  /** Where it is worth it. */
  readonly gzip?: Buffer;
  readonly br?: Buffer;
}

/** Where the console was built; undefined where it is not installed. */
export function consoleDirectory(): string | undefined {
  try {
    return fileURLToPath(new URL("dist/", import.meta.resolve("@sandglass/console/package.json")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Everything that was built, compressed once: a few hundred kilobytes. By path, e.g. `assets/index-BpNz0y.js`.
 *
 * @returns an empty map where nothing was built
 */
export async function readAssets(directory: string): Promise<ReadonlyMap<string, Asset>> {
  const names = await readdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const assets = await Promise.all(
    names
      .filter((name) => extname(name) in TYPES)
      .map(async (name) => [name, await assetOf(name, await readFile(join(directory, name)))] as const),
  );
  return new Map(assets);
}

async function assetOf(name: string, plain: Buffer): Promise<Asset> {
  const asset = {
    contentType: TYPES[extname(name)] ?? "application/octet-stream",
    isImmutable: HASHED.test(name),
    plain,
  };
  if (plain.length < MIN_COMPRESSED_BYTES || extname(name) === ".png") return asset;
  const [zipped, br] = await Promise.all([
    promisify(gzip)(plain, { level: 9 }),
    promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  ]);
  return { ...asset, gzip: zipped, br };
}

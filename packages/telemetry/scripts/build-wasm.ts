/** Compiles `wasm/` and writes what came of it into the sources, so that nothing has to be compiled where the daemon is installed. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const OPTIONS = ["-O3", "--runtime", "stub", "--noAssert", "--enable", "simd", "--enable", "bulk-memory"];

/** A module: what is compiled, where it goes, and its memory in pages of 64 KiB, all there ever is: nothing is allocated. */
interface WasmModule {
  readonly source: string;
  readonly output: string;
  readonly pages: number;
}

export const SPANS: WasmModule = {
  source: "wasm/index.ts",
  output: "src/projections/compiled/binary.ts",
  pages: 30,
};
export const RELAY: WasmModule = {
  source: "wasm/relay/index.ts",
  output: "src/otlp/relay/compiled/binary.ts",
  pages: 32,
};

/** @throws Error with the compiler's words for a source that it does not take */
export async function compileWasm({ source, pages }: WasmModule): Promise<Buffer> {
  const memory = ["--initialMemory", String(pages), "--maximumMemory", String(pages)];
  const baseDir = fileURLToPath(new URL("..", import.meta.url));
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [source, "-o", "out.wasm", "--baseDir", baseDir, ...OPTIONS, ...memory],
    {
      writeFile(name, contents) {
        if (name === "out.wasm" && typeof contents !== "string") binary = contents;
      },
    },
  );
  if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr.toString()}`);
  return Buffer.from(binary);
}

async function write(module: WasmModule): Promise<void> {
  const lines = (await compileWasm(module)).toString("base64").match(/.{1,100}/g) ?? [];
  const text = lines.map((line) => `  "${line}",`).join("\n");
  writeFileSync(
    new URL(`../${module.output}`, import.meta.url),
    `// Made by scripts/build-wasm.ts from what is in wasm/.

/** A module of WebAssembly, in base64. */
export const BINARY: string = [
${text}
].join("");
`,
  );
}

if (import.meta.main) for (const module of [SPANS, RELAY]) await write(module);

/**
 * Builds the package that is published into `dist/`: one ES module and one declaration file with the protocol inlined, and
 * the manifest, licence and README beside them. `npm pack ./dist` makes the tarball.
 *
 * The folder `dist/` is the package, not the one above: a checkout runs from its sources, and npm has no way to let
 * one manifest say both.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "tsdown";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

await build({
  cwd: root,
  config: false,
  entry: ["src/index.ts"],
  outDir: dist,
  format: "esm",
  platform: "node",
  target: "node22",
  // Eager: without it the plugin misses the protocol's types, which lie outside this package.
  dts: { sourcemap: false, eager: true },
  sourcemap: true,
  clean: true,
  tsconfig: join(root, "../../tsconfig.json"),
  deps: { alwaysBundle: [/^@sandglass\//], onlyBundle: ["@sandglass/protocol"] },
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  logLevel: "warn",
});

// The bundler links to a map of the declarations that it was told not to write.
const declarations = join(dist, "index.d.ts");
const text = await readFile(declarations, "utf8");
await writeFile(declarations, text.replace(/^\/\/# sourceMappingURL=.*\n?/m, ""));

interface Manifest {
  name: string;
  [field: string]: unknown;
}

const source = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;
const { private: _private, scripts: _scripts, devDependencies: _dev, ...published } = source;
const manifest = {
  ...published,
  exports: {
    ".": { types: "./index.d.ts", default: "./index.js" },
    "./package.json": "./package.json",
  },
  files: ["index.js", "index.js.map", "index.d.ts"],
};
await writeFile(join(dist, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
await copyFile(join(root, "README.md"), join(dist, "README.md"));
await copyFile(join(root, "../../LICENSE"), join(dist, "LICENSE"));

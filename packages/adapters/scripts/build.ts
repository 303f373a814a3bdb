/**
 * Builds the package that is published into `dist/`: a module and its declarations for each framework, what they share in chunks beside
 * them, and the manifest, licence and README. `npm pack ./dist` makes the tarball.
 *
 * As with the SDK the folder `dist/` is the package, not the one above: a checkout runs from its sources.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "tsdown";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

interface Manifest {
  exports: Record<string, string>;
  [field: string]: unknown;
}

const source = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;
const names = Object.keys(source.exports).map((path) => path.replace("./", ""));

await build({
  cwd: root,
  config: false,
  entry: names.map((name) => `src/${name}.ts`),
  outDir: dist,
  format: "esm",
  platform: "node",
  target: "node22",
  dts: { sourcemap: false },
  sourcemap: false,
  clean: true,
  tsconfig: join(root, "../../tsconfig.json"),
  // Nothing is inlined: the client and the frameworks are the program's own.
  deps: { onlyBundle: [] },
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  logLevel: "warn",
});

const { private: _private, scripts: _scripts, devDependencies: _dev, ...published } = source;
const manifest = {
  ...published,
  exports: {
    ...Object.fromEntries(
      names.map((name) => [`./${name}`, { types: `./${name}.d.ts`, default: `./${name}.js` }]),
    ),
    "./package.json": "./package.json",
  },
  files: ["*.js", "*.d.ts"],
};
await writeFile(join(dist, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
await copyFile(join(root, "README.md"), join(dist, "README.md"));
await copyFile(join(root, "../../LICENSE"), join(dist, "LICENSE"));

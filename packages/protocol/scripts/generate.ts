/** Writes `spec/openapi.json` and `spec/events.schema.json`: the same bytes for the same sources. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { eventsSchema } from "./events-schema.ts";
import { openapi } from "./openapi.ts";

const spec = new URL("../../../spec/", import.meta.url);
const manifest: { version: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

mkdirSync(spec, { recursive: true });
for (const [file, content] of Object.entries({
  "openapi.json": openapi(manifest.version),
  "events.schema.json": eventsSchema(),
})) {
  writeFileSync(new URL(file, spec), `${JSON.stringify(content, null, 2)}\n`);
  console.log(`wrote spec/${file}`);
}

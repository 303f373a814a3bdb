import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FaultyServer, type PostgresServer, startPostgres } from "@sandglass/testkit";

/** Axiom's answer to an ingest. */
const TAKEN = '{"ingested":1,"failed":0,"failures":[],"processedBytes":1}';
const SECRET_OF_WEBHOOK = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** One of each exporter, all on this machine, and what arrived there. One of them refuses everything: its events become dead letters. */
export class Destinations implements AsyncDisposable {
  readonly #files: string;
  readonly #http: FaultyServer;
  readonly #postgres: PostgresServer;
  readonly #other: FaultyServer;
  readonly #sent: Map<string, Buffer[]>;

  private constructor(
    files: string,
    http: FaultyServer,
    postgres: PostgresServer,
    other: FaultyServer,
    sent: Map<string, Buffer[]>,
  ) {
    this.#files = files;
    this.#http = http;
    this.#postgres = postgres;
    this.#other = other;
    this.#sent = sent;
  }

  static async start(): Promise<Destinations> {
    const sent = new Map<string, Buffer[]>();
    const http = await FaultyServer.start(({ path, headers, body }) => {
      const [, name = ""] = path.split("/");
      const bytes = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      sent.set(name, [...(sent.get(name) ?? []), Buffer.from(`${path} ${JSON.stringify(headers)}`), bytes]);
      return name === "refusing"
        ? { status: 400 }
        : { status: 200, ...(name === "axiom" && { body: TAKEN }) };
    });
    const files = await mkdtemp(join(tmpdir(), "sandglass-destinations-"));
    const other = await FaultyServer.start(() => ({ status: 200, body: "reached" }));
    return new Destinations(files, http, await startPostgres(), other, sent);
  }

  /** Of a server that code may be let out to, which keeps nothing. */
  get reachable(): string {
    return new URL(this.#other.url).host;
  }

  /** As the daemon's configuration has them. */
  get exporters(): object[] {
    const { url } = this.#http;
    const filePath = join(this.#files, "events.jsonl");
    const { connectionString } = this.#postgres;
    return [
      { provider: "jsonl", config: { filePath, rotateSizeBytes: 20_000, gzip: true } },
      { provider: "otel", config: { endpoint: `${url}/otel` } },
      { provider: "webhook", config: { url: `${url}/webhook`, secret: SECRET_OF_WEBHOOK } },
      {
        id: "refusing",
        provider: "webhook",
        config: { url: `${url}/refusing`, secret: SECRET_OF_WEBHOOK },
      },
      { provider: "axiom", config: { url: `${url}/axiom`, token: "xaat-test", flushIntervalMs: 200 } },
      { provider: "console", config: { format: "json" } },
      { provider: "postgres", config: { connectionString } },
    ];
  }

  /** All that arrived, by destination. The terminal's is the daemon's own output. */
  async received(): Promise<Record<string, Buffer>> {
    const rows = await this.#postgres.query<{ row: string }>("SELECT t::text AS row FROM sandglass_events t");
    const files = (await readdir(this.#files)).map(async (name) => {
      const bytes = await readFile(join(this.#files, name));
      return Buffer.concat([Buffer.from(name), name.endsWith(".gz") ? gunzipSync(bytes) : bytes]);
    });
    return {
      ...Object.fromEntries(
        ["otel", "webhook", "refusing", "axiom"].map((name) => [
          name,
          Buffer.concat(this.#sent.get(name) ?? []),
        ]),
      ),
      jsonl: Buffer.concat(await Promise.all(files)),
      postgres: Buffer.from(rows.map(({ row }) => row).join("\n")),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#http.close(), this.#other.close(), this.#postgres[Symbol.asyncDispose]()]);
    await rm(this.#files, { recursive: true, force: true });
  }
}

import { execFile } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { TEST_STAMP } from "../../relay/testing/test-stamp.ts";
import { OtlpHttpServer } from "../http-server.ts";
import { RequestIntake } from "../request-intake.ts";
import type { Tenant } from "../tenant.ts";

/**
 * Measures what receiving over HTTP costs this process: prints spans for each second of its processor time, of several rounds.
 *
 *     node measure-http.ts [rounds] [arguments of http-load.ts]
 */
const [rounds = "5", ...rest] = process.argv.slice(2);
const MUCH = 1e12;

const log = Buffer.alloc(64 * 1024 * 1024);
let at = 0;
const intake = new RequestIntake({
  workMsPerSecond: MUCH,
  sink: {
    append: ({ bytes }) => {
      if (at + bytes.length > log.length) at = 0;
      log.set(bytes, at);
      at += bytes.length;
      return Promise.resolve();
    },
  },
});
const tenant: Tenant = {
  id: "sbx_load",
  origin: "sandbox",
  stamp: TEST_STAMP,
  limits: {
    bytesPerSecond: MUCH,
    itemsPerSecond: MUCH,
    inFlightBytes: 256 * 1024 * 1024,
    metricStreams: 10_000,
    connections: 1000,
  },
};
const server = new OtlpHttpServer({ intake });
const listener = createServer((socket) => server.serve(socket, tenant)).listen(0, "127.0.0.1");
await new Promise((resolve) => listener.once("listening", resolve));
const port = String((listener.address() as AddressInfo).port);

const perSecond: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const before = process.cpuUsage();
  const load = join(import.meta.dirname, "http-load.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [load, "--port", port, ...rest]);
  const { user, system } = process.cpuUsage(before);
  const sent = JSON.parse(stdout) as { spans: number; failed: number; ms: number };
  if (sent.failed > 0) throw new Error(`${sent.failed} requests failed`);
  const spansPerSecond = Math.round(sent.spans / ((user + system) / 1e6));
  perSecond.push(spansPerSecond);
  const wall = Math.round(sent.spans / (sent.ms / 1000));
  console.log(`${spansPerSecond} spans/s of processor time, ${wall} of wall time`);
}
perSecond.sort((a, b) => a - b);
console.log(`median ${perSecond[perSecond.length >> 1]}`);
listener.close();
await server.close();

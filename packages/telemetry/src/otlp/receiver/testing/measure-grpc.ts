import { execFile } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { TEST_STAMP } from "../../relay/testing/test-stamp.ts";
import { OtlpGrpcServer } from "../grpc-server.ts";
import { RequestIntake } from "../request-intake.ts";
import type { Tenant } from "../tenant.ts";

/**
 * Measures what receiving over gRPC costs this process: prints spans for each second of its processor time, of several rounds.
 *
 *     node measure-grpc.ts [rounds] [arguments of grpc-load.ts]
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
const server = new OtlpGrpcServer({ intake });
const listener = createServer((socket) => server.serve(socket, tenant)).listen(0, "127.0.0.1");
await new Promise((resolve) => listener.once("listening", resolve));
const port = String((listener.address() as AddressInfo).port);

const perSecond: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const before = process.cpuUsage();
  const load = join(import.meta.dirname, "grpc-load.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [load, "--port", port, ...rest]);
  const { user, system } = process.cpuUsage(before);
  const sent = JSON.parse(stdout) as { spans: number; failed: number; ms: number };
  if (sent.failed > 0) throw new Error(`${sent.failed} requests failed`);
  perSecond.push(Math.round(sent.spans / ((user + system) / 1e6)));
  console.log(
    `${perSecond.at(-1)} spans/s of processor time, ${Math.round(sent.spans / (sent.ms / 1000))} of wall time, user ${Math.round(user / 1000)} system ${Math.round(system / 1000)}`,
  );
}
perSecond.sort((a, b) => a - b);
console.log(`median ${perSecond[perSecond.length >> 1]}`);
listener.close();
await server.close(0);

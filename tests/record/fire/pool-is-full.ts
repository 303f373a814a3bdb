import { callHttp, type TestDaemon, until } from "@sandglass/testkit";

/** Waits until a daemon's pool of bash has what it should. */
export async function poolIsFull(daemon: TestDaemon): Promise<void> {
  await until("the pool is full", async () => {
    const { text } = await callHttp(daemon, "GET /metrics");
    const gauge = (name: string) =>
      new RegExp(`^sandglass_pool_${name}{template="bash"} (\\d+)$`, "m").exec(text)?.[1];
    return gauge("ready") === gauge("target");
  });
}

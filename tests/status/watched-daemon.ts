import { setTimeout as delay } from "node:timers/promises";
import { callHttp, type StartDaemonOptions, type TestDaemon } from "@sandglass/testkit";

/** A daemon that watches itself as often as it may; without canaries unless `env` has them. */
export function watched(env: Readonly<Record<string, string>> = {}): StartDaemonOptions {
  return {
    env: {
      SANDGLASS_STATUS_ENABLED: "true",
      SANDGLASS_STATUS_INTERVAL_MS: "1000",
      SANDGLASS_STATUS_CANARY_ENABLED: "false",
      SANDGLASS_STATUS_CANARY_INTERVAL_MS: "1000",
      ...env,
    },
  };
}

/** JSON of the API, or of a public document. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
export async function readJson(daemon: TestDaemon, path: string): Promise<any> {
  return (await callHttp(daemon, `GET ${path}`)).json;
}

/** For `until`: asked now and then, since every probe takes a second. */
export async function componentStatus(daemon: TestDaemon, id: string): Promise<string | undefined> {
  await delay(100);
  const { components } = await readJson(daemon, "/v1/status");
  return components.find((component: { id: string }) => component.id === id)?.status;
}

import { parseUpstreamProxy, type UpstreamProxy } from "@sandglass/runtime";
import { ConfigError, type LoadedConfig } from "./config.ts";

/**
 * The proxy behind which everything lies that sandboxes reach; undefined where the host reaches it itself.
 *
 * @throws ConfigError, which repeats nothing of a URL: there may be a password in it
 */
export function upstreamProxyOf({ config, env }: LoadedConfig): UpstreamProxy | undefined {
  const given = config.egress.upstreamProxy;
  if (given === undefined) return undefined;
  const text = typeof given === "string" ? given : env[given.env];
  if (text === undefined || text === "") {
    const from = typeof given === "string" ? "it is empty" : `the variable ${given.env} is not set`;
    throw new ConfigError(`option egress.upstreamProxy: ${from}; give http://user:password@host:port`);
  }
  try {
    return parseUpstreamProxy(text);
  } catch (error) {
    throw new ConfigError(`option egress.upstreamProxy: ${(error as Error).message}`);
  }
}

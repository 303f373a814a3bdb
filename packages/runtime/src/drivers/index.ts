/**
 * What it takes to write a driver, and to test one: the interface, the agent's protocol behind the socket that a driver hands out,
 * and the policy that it must enforce.
 */
export { AgentConnection } from "../agent/connection.ts";
export { Channel, StartFlag } from "../agent/frames.ts";
export type { AgentProcess, ProcessExit } from "../agent/process.ts";
export type { SocketHandle } from "../collector.ts";
export type { GroupUsage } from "../host/cgroup-counts.ts";
export { CLONE_NAMESPACE_FLAGS, DENIED_CALLS, SOCKET_FAMILIES } from "../host/seccomp-policy.ts";
export type { DriverCapabilities, DriverCreate, DriverSandbox, ExecGroup, SandboxDriver } from "./driver.ts";
export { startDriver } from "./start-driver.ts";

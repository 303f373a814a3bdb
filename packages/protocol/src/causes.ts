/**
 * Why something ended: one word, the same in the last line of the stream, the event, the span, the log and the API.
 *
 * | cause | of | meaning |
 * | --- | --- | --- |
 * | `exited` | exec | the process or cell ended by itself, with an exit code |
 * | `killed` | exec | a signal ended it, sent from inside or through the API's kill |
 * | `cancelled` | exec | the caller withdrew it before it began (a queued cell whose context went) |
 * | `timed_out` | exec | its `timeoutMs` passed |
 * | `oom_killed` | exec, sandbox | the kernel killed a process of it at the sandbox's memory limit |
 * | `disk_full` | exec | it failed, said that there is no room (in its last 4 KiB of output, or as what it raised), and the sandbox's disk had none |
 * | `output_limit` | exec | it wrote more than `maxOutputBytes` |
 * | `idle_timeout` | sandbox | no call for `idleTimeoutMs` and `onIdle` is `terminate` |
 * | `lifetime_exceeded` | sandbox | its `timeoutMs` passed |
 * | `sandbox_ended` | exec | the sandbox it ran in ended |
 * | `merged` | sandbox | it was consumed by a merge |
 * | `user` | sandbox | terminated by a call |
 * | `host_shutdown` | both | the daemon was asked to stop |
 * | `host_crash` | both | the daemon or the machine went without saying so |
 * | `driver_error` | both | the isolation driver failed, not the code |
 */
export const CAUSES = [
  "exited",
  "killed",
  "cancelled",
  "timed_out",
  "oom_killed",
  "disk_full",
  "output_limit",
  "idle_timeout",
  "lifetime_exceeded",
  "sandbox_ended",
  "merged",
  "user",
  "host_shutdown",
  "host_crash",
  "driver_error",
] as const;

export type Cause = (typeof CAUSES)[number];

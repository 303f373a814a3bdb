import { runProgram } from "../measure/program.ts";
import { type Peer, PRINTED, PROGRAM } from "./peer.ts";
import { versionOf } from "./version-of.ts";

/** Nothing but namespaces: the host's whole file system read-only, no limits, no network, no record. */
export const BARE_BWRAP: readonly string[] = [
  "bwrap",
  ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all"],
];

export const bareBwrap: Peer = {
  name: "bare bwrap",
  note: "namespaces, no limits, no network",
  async start() {
    return {
      version: await versionOf("bwrap"),
      run: async () => (await runProgram([...BARE_BWRAP, ...PROGRAM], PRINTED)).totalMs,
      async [Symbol.asyncDispose]() {},
    };
  },
};

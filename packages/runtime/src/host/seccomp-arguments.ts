import { CLONE_NAMESPACE_FLAGS, SOCKET_FAMILIES } from "./seccomp-policy.ts";

/** One of the call's arguments, counted from 0. All but `isNotNull` look at its lower 32 bits, which is all that the kernel takes of an `int`. */
export type Condition = { argument: number } & (
  | { is: number }
  | { isNoneOf: readonly number[] }
  | { hasAnyOf: number }
  | { isNotNull: true }
);

/** A call that is refused where all of its conditions hold. */
export interface ArgumentRule {
  name: string;
  x64: number;
  arm64: number;
  reason: string;
  when: readonly Condition[];
  /** "none": it answers 0 and nothing is done. */
  errno: "EPERM" | "ENOMEM" | "EAFNOSUPPORT" | "EPROTONOSUPPORT" | "ESOCKTNOSUPPORT" | "none";
}

const FAMILY = 0;
const TYPE = 1;
const PROTOCOL = 2;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;
const RLIMIT_CORE = 4;
const MAP_HUGETLB = 0x40000;
const MFD_HUGETLB = 0x4;
/** 0 is the type's own; ICMP, TCP, UDP, ICMPv6. */
const INTERNET_PROTOCOLS = [0, 1, 6, 17, 58];
/** Of the four bits of a type, those that are not in SOCK_STREAM (1), SOCK_DGRAM (2) or SOCK_RAW (3, which needs a capability). */
const RARE_TYPES = 0xc;

const SOCKET = { name: "socket", x64: 41, arm64: 198 };
const SOCKETPAIR = { name: "socketpair", x64: 53, arm64: 199 };
const PRLIMIT = { name: "prlimit64", x64: 302, arm64: 261 };

/** Calls that are refused for what they ask, one line of reason each. */
export const ARGUMENT_RULES: readonly ArgumentRule[] = [
  {
    ...{ name: "clone", x64: 56, arm64: 220 },
    reason: "new namespaces open kernel code that only root could reach",
    when: [{ argument: 0, hasAnyOf: CLONE_NAMESPACE_FLAGS }],
    errno: "EPERM",
  },
  {
    ...PRLIMIT,
    reason: "of another process than the caller's own: it could starve the agent of descriptors",
    when: [{ argument: 0, isNoneOf: [0] }],
    errno: "EPERM",
  },
  {
    ...PRLIMIT,
    reason:
      "a limit of 1 is what keeps a crash from the host's core dump handler, which would run as root over hostile memory; `ulimit -c` is common, so it seems to work",
    when: [
      { argument: 1, is: RLIMIT_CORE },
      { argument: 2, isNotNull: true },
    ],
    errno: "none",
  },
  {
    ...{ name: "setrlimit", x64: 160, arm64: 164 },
    reason: "as prlimit64",
    when: [{ argument: 0, is: RLIMIT_CORE }],
    errno: "none",
  },
  {
    ...SOCKET,
    reason: "families that programs do not need are where the kernel's bugs are",
    when: [{ argument: FAMILY, isNoneOf: SOCKET_FAMILIES.map(({ number }) => number) }],
    errno: "EAFNOSUPPORT",
  },
  {
    ...SOCKETPAIR,
    reason: "as socket: TIPC makes pairs too, and the kernel loads its module for whoever asks",
    when: [{ argument: FAMILY, isNoneOf: SOCKET_FAMILIES.map(({ number }) => number) }],
    errno: "EAFNOSUPPORT",
  },
  ...[AF_INET, AF_INET6].flatMap((family): ArgumentRule[] => [
    {
      ...SOCKET,
      reason:
        "SCTP, DCCP, UDP-Lite and MPTCP are rarely audited, and the kernel loads their modules for whoever asks",
      when: [
        { argument: FAMILY, is: family },
        { argument: PROTOCOL, isNoneOf: INTERNET_PROTOCOLS },
      ],
      errno: "EPROTONOSUPPORT",
    },
    {
      ...SOCKET,
      reason: "types of the same protocols, which need not be named then",
      when: [
        { argument: FAMILY, is: family },
        { argument: TYPE, hasAnyOf: RARE_TYPES },
      ],
      errno: "ESOCKTNOSUPPORT",
    },
  ]),
  {
    ...SOCKET,
    reason: "netlink beyond NETLINK_ROUTE, which libc needs to list addresses, is the host's administration",
    when: [
      { argument: FAMILY, is: AF_NETLINK },
      { argument: PROTOCOL, isNoneOf: [NETLINK_ROUTE] },
    ],
    errno: "EPROTONOSUPPORT",
  },
  {
    ...{ name: "mmap", x64: 9, arm64: 222 },
    reason: "huge pages that the host keeps ready for its own programs are in no sandbox's memory limit",
    when: [{ argument: 3, hasAnyOf: MAP_HUGETLB }],
    errno: "ENOMEM",
  },
  {
    ...{ name: "memfd_create", x64: 319, arm64: 279 },
    reason: "as mmap",
    when: [{ argument: 1, hasAnyOf: MFD_HUGETLB }],
    errno: "ENOMEM",
  },
];

/** A guest's kernel does not spare its process 1 the signals that a host's would: without its agent a sandbox is over. */
const AGENT = { reason: "ends or stops the agent, which gVisor lets anybody do", errno: "EPERM" } as const;
const AGENT_PID = 1;

/** Refused in a sandbox with a kernel of its own, in addition. */
export const GUEST_RULES: readonly ArgumentRule[] = [
  { ...AGENT, name: "kill", x64: 62, arm64: 129, when: [{ argument: 0, is: AGENT_PID }] },
  { ...AGENT, name: "tkill", x64: 200, arm64: 130, when: [{ argument: 0, is: AGENT_PID }] },
  { ...AGENT, name: "tgkill", x64: 234, arm64: 131, when: [{ argument: 1, is: AGENT_PID }] },
  { ...AGENT, name: "rt_sigqueueinfo", x64: 129, arm64: 138, when: [{ argument: 0, is: AGENT_PID }] },
  { ...AGENT, name: "rt_tgsigqueueinfo", x64: 297, arm64: 240, when: [{ argument: 1, is: AGENT_PID }] },
];

import { readdirSync, readFileSync, statSync } from "node:fs";
import { VERSION } from "../version.ts";
import { counter, type Family, gauge, info, one, updown } from "./family.ts";

const FDS = "/proc/self/fd";

/** The daemon as a process: in text by the names that every Prometheus client has, over OTLP by OpenTelemetry's. */
export function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  // Both only grow: whoever looks takes the rates of its own window.
  const { active, idle } = performance.eventLoopUtilization();
  const named = (textName: string) => ({ textName });
  return [
    info("sandglass.build", "Version of the daemon.", { version: VERSION, node: process.version }),
    counter(
      "nodejs.eventloop.time",
      "s",
      "Time that the event loop has been working, and waiting for something to do.",
      [
        { labels: { "nodejs.eventloop.state": "active" }, value: active / 1000 },
        { labels: { "nodejs.eventloop.state": "idle" }, value: idle / 1000 },
      ],
    ),
    counter(
      "process.cpu.time",
      "s",
      "Processor time, user and system.",
      one((user + system) / 1e6),
      named("process_cpu_seconds"),
    ),
    updown(
      "process.memory.usage",
      "By",
      "Resident memory.",
      one(rss),
      named("process_resident_memory_bytes"),
    ),
    updown(
      "process.unix.file_descriptor.count",
      "{file_descriptor}",
      "Files and sockets that are open.",
      one(countOpenFds()),
      named("process_open_fds"),
    ),
    gauge(
      "sandglass.process.max_fds",
      "{file_descriptor}",
      "Files and sockets that may be open.",
      one(MAX_FDS),
      named("process_max_fds"),
    ),
    gauge(
      "sandglass.process.start_time",
      "s",
      "Unix time of the start.",
      one(performance.timeOrigin / 1000),
      named("process_start_time_seconds"),
    ),
    gauge(
      "sandglass.process.heap",
      "By",
      "JavaScript heap in use.",
      one(heapUsed),
      named("nodejs_heap_used_bytes"),
    ),
  ];
}

const MAX_FDS = readMaxFds();

function countOpenFds(): number {
  // Linux 6.2 and later say it as the directory's size; before, that is 0.
  return statSync(FDS).size || readdirSync(FDS).length;
}

/** Soft limit; Node sets it to the hard one when it starts. */
function readMaxFds(): number {
  const value = /^Max open files +(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return value === undefined || value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value);
}

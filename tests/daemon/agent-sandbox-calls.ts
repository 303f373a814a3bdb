import type { Seeded } from "@sandglass/testkit";
import { hostileHeaders, hostileTarget, METHODS } from "./hostile-requests.ts";
import type { RawRequest } from "./raw-request.ts";

export const LONG = "y".repeat(300);
const FILES: readonly string[] = [
  ...[
    "",
    "a.txt",
    "a.txt/b",
    ".",
    "..",
    "../../../etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%2Fetc%2Fpasswd",
  ],
  ...[
    "/proc/self/environ",
    "%2Fdev%2Fnull",
    "%2Fdev%2Fzero",
    "pipe",
    "loop",
    "endless",
    "d",
    "%00",
    "a%0d%0ab",
    "%",
    "%ff",
    "%ed%a0%80",
  ],
  ...[
    "%F0%9F%98%80",
    LONG,
    "d/".repeat(1_000),
    "%41".repeat(2_500),
    "a?b",
    "a#b",
    "__proto__",
    "-rf",
    "*",
    "~",
  ],
];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    0.5,
    1e-300,
    1e308,
    86_400,
    86_401,
    2 ** 53,
    "",
    "60",
    "x",
    [],
    [1],
    {},
    { a: [] },
  ],
];
const COMMANDS: readonly unknown[] = [
  ...["true", "echo hi", "exit 7", "cat a.txt", "kill -9 $$", "printf '\\377\\0'"],
  ...[
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\u202e",
    "\n",
    "'",
    "((",
    "#",
    LONG,
    `: ${"x".repeat(140_000)}`,
    "x".repeat(300_000),
  ],
  ...VALUES,
];
const NO_JSON: readonly string[] = [
  ...[
    "",
    "{",
    "null",
    "[]",
    '"x"',
    "1e999",
    "\ufeff{}",
    '{"command":"true"}x',
    '{"command":"true","command":1}',
  ],
  ...[
    '{"__proto__":{"command":"true"}}',
    '{"command":"\\ud800"}',
    '{"command":"\u00ff"}',
    "[".repeat(50_000),
    "{".repeat(50_000),
  ],
];
const NAMES: readonly string[] = [
  ...[
    "f",
    "a/b/c",
    "",
    ".",
    "..",
    "../x",
    "/",
    "/etc/x",
    "a.txt/x",
    LONG,
    "n/".repeat(3_000),
    "%00",
    "a%22b",
    "\u00ff",
  ],
  ...["\\", "\\\\", 'a\\"b', "pipe", "loop", "C:\\x", " ", "-", "\t", "x\0y"],
];
const FORM_TYPES: readonly string[] = [
  ...Array.from({ length: 20 }, () => "multipart/form-data; boundary=B"),
  ...[
    'multipart/form-data; boundary="B"',
    "MULTIPART/FORM-DATA;BOUNDARY=B",
    "multipart/form-data; boundary=B; boundary=C",
  ],
  ...[
    "multipart/form-data",
    "multipart/form-data; boundary=",
    `multipart/form-data; boundary=${LONG}`,
    "multipart/mixed; boundary=B",
  ],
  ...[
    'multipart/form-data; boundary="',
    "multipart/form-data; boundary=B; charset=\u00ff",
    "application/json",
    "text/plain",
    "",
  ],
];

/** As a client sends it but for what chance changes of it. */
function arbitraryCommand(random: Seeded): { type: string; body: string } {
  const type = random.pick([
    ...Array.from({ length: 9 }, () => "application/json"),
    "text/plain",
    "application/xml",
    "",
  ]);
  if (random.int(4) === 0) return { type, body: random.pick(NO_JSON) };
  const body: Record<string, unknown> = { command: random.pick(COMMANDS) };
  if (random.int(2) === 0) body.timeout_seconds = random.pick(VALUES);
  if (random.int(3) === 0)
    body[random.pick(["cwd", "env", "command ", "Command", "constructor", ""])] = random.pick(VALUES);
  if (random.int(8) === 0) delete body.command;
  // An "é" of two bytes, not of one.
  return { type, body: Buffer.from(JSON.stringify(body)).toString("latin1") };
}

function arbitraryForm(random: Seeded): { type: string; body: string } {
  const part = (): string => {
    const field = random.pick(["file", "file", "file", "other", "", "__proto__"]);
    const name = random.pick([
      `filename="${random.pick(NAMES)}"`,
      `filename="${random.pick(NAMES)}"`,
      "filename*=utf-8''%ff",
      "x",
    ]);
    const head = random.pick([
      `content-disposition: form-data; name="${field}"; ${name}`,
      `Content-Disposition:form-data;${name};name="${field}"\r\nContent-Type: \u00ff`,
      `content-disposition: attachment; name=${field}`,
      `x: ${"h".repeat(random.pick([10, 20_000]))}`,
      "",
    ]);
    return `${head}${random.pick(["\r\n\r\n", "\r\n\r\n", "\r\n\r\n", "\n\n", "\r\n"])}${content(random)}`;
  };
  const parts = Array.from({ length: random.int(4) }, part);
  const begin = random.pick([
    "--B\r\n",
    "--B\r\n",
    "--B\r\n",
    "preamble\r\n--B\r\n",
    "--B",
    "--C\r\n",
    `${"p".repeat(20_000)}\r\n--B\r\n`,
  ]);
  const end = random.pick([
    "\r\n--B--\r\n",
    "\r\n--B--\r\n",
    "\r\n--B--",
    "",
    "\r\n--B",
    "\r\n--Bx",
    `\r\n--B--${"e".repeat(70_000)}`,
  ]);
  const body = begin + parts.join("\r\n--B\r\n") + end;
  return {
    type: random.pick(FORM_TYPES),
    body: random.int(6) === 0 ? body.slice(0, random.int(body.length + 1)) : body,
  };
}

function content(random: Seeded): string {
  return random.pick([
    "",
    "x",
    "\r\n--",
    "\r\n--C--\r\n",
    random.bytes(50).toString("latin1"),
    "z".repeat(100_000),
  ]);
}

function withLength(
  { type, body }: { type: string; body: string },
  random: Seeded,
): { headers: string[]; body: string } {
  const headers = type === "" ? [] : [`content-type: ${type}`];
  if (random.int(4) > 0) return { headers: [...headers, `content-length: ${body.length}`], body };
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  return { headers: [...headers, "transfer-encoding: chunked"], body: `${chunk}0\r\n\r\n` };
}

/** One of the calls of the agent-sandbox API, or something like it, without what says whose it is. */
export function arbitraryCall(random: Seeded, host: string): RawRequest {
  const file = random.pick(FILES);
  const paths = [
    `/list/${file}`,
    `/download/${file}`,
    `/exists/${file}`,
    "/",
    "/healthz",
    "/agent",
    "/execute",
    "/upload",
  ];
  switch (random.int(6)) {
    case 0:
    case 1:
      return request("POST /execute", withLength(arbitraryCommand(random), random));
    case 2:
    case 3:
      return request("POST /upload", withLength(arbitraryForm(random), random));
    case 4:
      return request(`GET ${random.pick(paths)}`, { headers: [], body: "" });
    default: {
      const asked = hostileTarget(random, random.pick(paths).replaceAll("%00", ""), host);
      return {
        line: `${random.pick([...METHODS, "POST", "PUT", "DELETE"])} ${asked}`,
        headers: hostileHeaders(random, host),
        body: "",
      };
    }
  }
  function request(line: string, { headers, body }: { headers: string[]; body: string }): RawRequest {
    return { line, headers: [`host: ${host}`, ...headers], body };
  }
}

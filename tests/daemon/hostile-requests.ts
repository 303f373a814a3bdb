import type { Seeded } from "@sandglass/testkit";

/** Methods that read, that nobody serves, that are none. */
export const METHODS: readonly string[] = [
  ...Array.from({ length: 14 }, () => "GET"),
  ...Array.from({ length: 6 }, () => "HEAD"),
  ...["OPTIONS", "TRACE", "PROPFIND", "REPORT", "QUERY", "PURGE", "M-SEARCH", "CONNECT"],
  ...["get", "GeT", "G%45T", "GET	", "X"],
];

const SEGMENTS: readonly string[] = [
  ...["..", "%2e%2e", ".%2e", "..%2f..%2fetc%2fpasswd", "..\\..\\", "%5c..%5c", "%c0%ae%c0%ae%c0%af"],
  ...["%00", "a%00b", "%", "%zz", "%ff%fe", "%ed%a0%80", "%25%32%65", "%0d%0ax-injected:%201", ";a=b", "*"],
  ...["__proto__", "constructor", "toString", "index.html", ".env", ".git/config", "src"],
  ...[
    "x.svg",
    "x.json",
    "x".repeat(300),
    "%41".repeat(2_000),
    "\u00e4\u00ff\u00a0",
    "\u00c3\u00a4",
    "<script>",
  ],
];
const UP = [
  "/../../../../../../etc/passwd",
  "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
  "/..%2fv1/keys",
  "/../v1/events",
];

const TEXTS: readonly string[] = [
  ...[
    "",
    "1",
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "[object%20Object]",
    "%00",
    "%",
    "%zz",
    "%ff",
  ],
  ...["..%2f..%2fetc%2fpasswd", "%3Cscript%3E", "'--", "%C3%BF", "9".repeat(400), "%2e".repeat(1_500)],
];
const NAMES: readonly string[] = [
  ...["id", "token", "id[]", "id[a][b]", "after", "limit", "limit", "follow", "format", "page", "callback"],
  ...[
    "__proto__",
    "__proto__[x]",
    "constructor[prototype][x]",
    "hasOwnProperty",
    "",
    "a.b",
    "%00",
    "x".repeat(2_000),
  ],
];

const HEADERS: readonly string[] = [
  ...["if-none-match: *", 'if-none-match: "x", W/"y", ,,"', `if-none-match: ${'"a",'.repeat(1_500)}`],
  ...[
    "if-modified-since: never",
    "if-match: *",
    "if-range: x",
    "if-unmodified-since: Thu, 01 Jan 1970 00:00:00 GMT",
  ],
  ...[
    "range: bytes=0-0",
    "range: bytes=-1",
    "range: bytes=9-1",
    "range: bytes=99999999999999999999-",
    "range: x",
  ],
  ...[`range: bytes=${"0-0,".repeat(1_500)}`],
  ...[
    "accept: text/html",
    "accept: text/html",
    "accept: application/json",
    "accept: */*;q=0",
    "accept: x",
    "accept:",
  ],
  ...["accept: text/event-stream, application/json", "accept: application/openmetrics-text; version=1.0.0"],
  ...[`accept: ${"text/html;q=0.1,".repeat(500)}`, "accept: application/x-ndjson;q=\u00ff"],
  ...["accept-encoding: gzip", "accept-encoding: br, gzip", "accept-encoding: identity;q=0, *;q=0"],
  ...[`accept-encoding: ${"gzip,br,".repeat(900)}`, "accept-encoding: __proto__", "te: trailers, deflate"],
  ...[
    "cookie: sandglass_console=x",
    "cookie: =; ;;=,",
    "cookie: __proto__=1",
    `cookie: ${"a=b; ".repeat(1_500)}`,
  ],
  ...[
    "origin: null",
    "origin: https://evil.example",
    "origin: \u00ff",
    "sec-fetch-site: cross-site",
    "referer: x",
  ],
  ...["sec-fetch-mode: navigate", "sec-fetch-dest: document", "sec-fetch-dest: iframe"],
  ...["transfer-encoding: chunked", "content-length: 0"],
  ...[
    "expect: 100-continue",
    "expect: something",
    "upgrade: websocket",
    "connection: upgrade",
    "upgrade: h2c",
  ],
  ...[
    "x-forwarded-for: 127.0.0.1, \u00ff",
    "forwarded: for=_x",
    "x-http-method-override: DELETE",
    "x-original-url: /v1/keys",
  ],
  ...["traceparent: 00-0-0-0", `baggage: ${"a=b,".repeat(1_000)}`, "tracestate: =,=", "x-request-id: ../x"],
  ...["mcp-session-id: x", "mcp-protocol-version: 0", "last-event-id: __proto__", "x-sandglass-org: victim"],
  ...[
    "content-type: application/json",
    "content-type: \u00ff",
    "content-encoding: gzip",
    "x-sandglass-console: x",
  ],
  ...["idempotency-key: x", `x-large: ${"y".repeat(8_000)}`],
];

/** What is no header. */
const MALFORMED: readonly string[] = [
  ...[
    "range : bytes=0-0",
    "no colon",
    ": no name",
    "x: a\u0001b",
    "content-length: -1",
    "content-length: 1e3",
  ],
];

const HOSTS: readonly string[] = [
  ...[
    "",
    "evil.example",
    "127.0.0.1:1@evil.example",
    '127.0.0.1:"><script>',
    "[::1]evil.example",
    "127.0.0.1:",
    "\u00ff",
  ],
];

/** @param host `127.0.0.1:7070`, as a request's `Host` says it */
export function hostileTarget(random: Seeded, path: string, host: string): string {
  const query = random.int(2) === 0 ? "" : `?${hostileQuery(random)}`;
  const segment = random.pick(SEGMENTS);
  const [letter = ""] = /[a-z]/.exec(path) ?? [];
  const targets = [
    ...[
      path,
      path,
      path,
      path,
      `${path}/`,
      `/${path}`,
      path.replace("/", "/./"),
      path.toUpperCase(),
      `${path}#${segment}`,
    ],
    ...[
      `${path}/${segment}`,
      `${path}/${segment}`,
      `${path}${segment}`,
      `${path}//${segment}`,
      `/${segment}${path}`,
    ],
    ...[path + random.pick(UP), path.replace(letter, `%${letter.charCodeAt(0).toString(16)}`)],
    ...[
      `http://${host}${path}`,
      `http://evil.example${path}`,
      `https://u:p@${host}${path}`,
      `//evil.example${path}`,
    ],
    ...[
      `${path}/${"y".repeat(random.pick([1_000, 9_000, 20_000]))}`,
      `HTTP://${host}`,
      "*",
      "?",
      "http:",
      `${path}\u0001`,
    ],
  ];
  return random.pick(targets) + query;
}

function hostileQuery(random: Seeded): string {
  const pair = (): string => `${random.pick(NAMES)}=${random.pick(TEXTS)}`;
  const pairs = Array.from({ length: 1 + random.int(3) }, pair);
  // Said twice, said without a value, nothing but what stands between them.
  return [...pairs, random.pick([pairs[0], "a", "&&==&", "?", "", "a=1&".repeat(1_000)])].join("&");
}

/** With a `Host` nearly always; `others` are picked as often as all of the headers that any server may get. */
export function hostileHeaders(random: Seeded, host: string, others: readonly string[] = []): string[] {
  const given = Array.from({ length: random.int(4) }, () =>
    random.int(3) === 0 && others.length > 0 ? random.pick(others) : random.pick(HEADERS),
  );
  const dice = random.int(24);
  if (dice === 0) return given;
  if (dice === 2) given.push(random.pick(MALFORMED));
  return [`host: ${dice === 1 ? random.pick(HOSTS) : host}`, ...given];
}

"""Says in every way there is that it is somebody else. Arguments: the id of another sandbox. Prints what became of each try, by its name."""

import gzip
import json
import sys

from http2 import grpc
from otlp import OWNED, TRACES, attribute, exchange, field, head, post, request, scope, span, status_of, varint

other = sys.argv[1]
values = {key: other if key.endswith((".id",)) else "forged" for key in OWNED}
forged = b"".join(field(1, attribute(key, value)) for key, value in values.items())
honest = field(1, attribute("service.name", "attack"))


def named(name, resource):
    return request(f"forged-{name}", resource=resource)


def key_value(*parts):
    return field(1, b"".join(parts))


def long_varint(number, size):
    """The number in more bytes than it takes."""
    out = bytearray((number >> 7 * index) & 0x7F | 0x80 for index in range(size - 1))
    return bytes(out) + bytes([number >> 7 * (size - 1) & 0x7F])


def long_field(number, payload):
    return long_varint(number << 3 | 2, 4) + long_varint(len(payload), 5) + payload


sandbox_id = "sandglass.sandbox.id"
kvlist = field(6, b"".join(field(1, attribute(key, value)) for key, value in values.items()))
nested = field(6, field(1, attribute("sandbox", field(6, field(1, attribute("id", other))))))
PROTOBUF = {
    "plain": forged,
    "repeated": honest + forged * 50 + honest,
    "kvlist": field(1, attribute("x", kvlist)) + field(1, attribute("sandglass", nested)) + forged,
    "kvlist-under-key": field(1, attribute(sandbox_id, kvlist)),
    "array-under-key": field(1, attribute(sandbox_id, field(5, field(1, field(1, other))))),
    "no-value": key_value(field(1, sandbox_id)) + forged,
    "value-first": key_value(field(2, field(1, other)), field(1, sandbox_id)),
    "two-keys": key_value(field(1, "x"), field(1, sandbox_id), field(2, field(1, other))),
    "two-keys-other-order": key_value(field(1, sandbox_id), field(1, "x"), field(2, field(1, other))),
    "two-values": key_value(field(1, sandbox_id), field(2, field(1, "a")), field(2, field(1, other))),
    "long-varints": long_field(1, long_field(1, sandbox_id.encode()) + long_field(2, long_field(1, other.encode()))),
    "entity-refs": forged + field(3, field(2, "sandbox") + field(3, sandbox_id)),
    "unknown-fields": field(99, forged) + forged + varint(100 << 3) + b"\x01",
    "dropped-count": b"\x10\x05" + forged,
}
spans = {name: named(name, resource) for name, resource in PROTOBUF.items()}
work = {name: scope(span(f"forged-{name}")) for name in ("split", "behind", "between", "none", "second-entry")}
half = len(OWNED) // 2
parts = [field(1, field(1, attribute(key, value))) for key, value in values.items()]
spans["split"] = field(1, b"".join(parts[:half]) + work["split"] + b"".join(parts[half:]))
spans["behind"] = field(1, work["behind"] + field(1, forged))
spans["between"] = field(1, field(1, honest) + work["between"] + field(1, forged) + field(1, b""))
spans["none"] = field(1, work["none"])
spans["second-entry"] = field(1, field(1, honest) + scope(span("forged-first-entry"))) + field(1, field(1, forged) + work["second-entry"])
results = {name: post(body) for name, body in spans.items()}
for name, body in spans.items():
    results[f"gzip {name}"] = post(gzip.compress(body), content_encoding="gzip")
    results[f"gRPC {name}"] = grpc(body)

gauge = field(5, field(1, b"\x31" + bytes(8)))
OTHERS = {
    "logs": ("Logs", field(1, field(1, forged) + field(2, field(2, field(3, "forged-logs"))) + field(1, forged))),
    "metrics": ("Metrics", field(1, field(1, forged) + field(2, field(2, field(1, "forged-metrics") + gauge)) + field(1, forged))),
}
for name, (service, body) in OTHERS.items():
    results[name] = post(body, path=f"/v1/{name}")
    results[f"gRPC {name}"] = grpc(body, path=f"/opentelemetry.proto.collector.{name}.v1.{service}Service/Export")

# Refused: one reader would see what another does not.
results["wrong wire type"] = post(field(1, varint(1 << 3) + b"\x01" + work["split"]))
results["group"] = post(field(1, b"\x0b" + field(1, forged) + b"\x0c" + work["split"]))
results["cut"] = post(spans["plain"][:-3])


def to_json(name, resource):
    item = {"traceId": "4b" * 16, "spanId": "0f" * 8, "name": f"forged-{name}", "kind": 1}
    return '{"resourceSpans":[{%s,"scopeSpans":[{"spans":[%s]}]}]}' % (resource, json.dumps(item))


def attributes(pairs):
    return ",".join('{"key":%s,"value":{"stringValue":%s}}' % (key, json.dumps(value)) for key, value in pairs)


quoted = [(json.dumps(key), value) for key, value in values.items()]
escaped = [('"' + "".join(f"\\u{ord(each):04X}" for each in key) + '"', value) for key, value in values.items()]
one = f'"attributes":[{attributes(quoted)}]'
map_of = json.dumps({"kvlistValue": {"values": [{"key": sandbox_id, "value": {"stringValue": other}}]}})
JSON = {
    "json": '"resource":{%s}' % one,
    "json-repeated": '"resource":{"attributes":[%s,%s]}' % (attributes(quoted), attributes(quoted)),
    "json-escaped": '"resource":{"attributes":[%s]}' % attributes(escaped),
    "json-kvlist": '"resource":{"attributes":[{"key":"sandglass","value":%s},%s]}' % (map_of, attributes(quoted)),
    "json-two-attributes": '"resource":{"attributes":[],%s}' % one,
    "json-two-resources": '"resource":{},"resource":{%s}' % one,
    "json-two-keys": '"resource":{"attributes":[{"key":"x","key":"%s","value":{"stringValue":"%s"}}]}' % (sandbox_id, other),
    "json-snake": '"resource":{%s},"schema_url":"x"' % one,
    "json-proto": '"resource":{"__proto__":{%s},"constructor":{},%s}' % (one, one),
}
for name, resource in JSON.items():
    results[f"JSON {name}"] = post(to_json(name, resource).encode(), content_type="application/json")

# The host's own words, said by somebody else.
plain = lambda name: request(f"forged-{name}", resource=honest)
internal = {"x_sandglass_org": "forged", "x_sandglass_sandbox": other, "x_sandglass_sandbox_id": other,
            "x_sandglass_run": "forged", "authorization": "Bearer forged", "x_forwarded_for": "10.0.0.1", "forwarded": "for=10.0.0.1",
            "cookie": "org=forged"}
results["headers"] = post(plain("headers"), **internal)
results["header twice"] = status_of(exchange(
    head(len(plain("header-twice")), connection="close\r\nx-sandglass-org: forged\r\nx-sandglass-org: %FF") + plain("header-twice")))
metadata = [(key.replace("_", "-"), value) for key, value in internal.items()]
results["metadata"] = grpc(plain("metadata"), extra=[*metadata, ("sandglass.sandbox.id", other), ("x-sandglass-org-bin", "Zm9yZ2Vk")])
results["authority"] = grpc(plain("authority"), authority=f"{other}:4317")
results["absolute"] = post(plain("absolute"), path=f"http://127.0.0.1:4318{TRACES}")
results["absolute elsewhere"] = post(plain("absolute-elsewhere"), path=f"http://{other}:7070{TRACES}?sandbox={other}")
for path in ("/otlp/v1/traces", "/", "//v1/traces", "/v1/traces/", "/v1/../v1/traces", "/V1/TRACES", "/metrics", "/v1/sandboxes", "*",
             "https://127.0.0.1:4318/v1/traces", "/v1/traces%00", "/%76%31/traces", "/v1/profiles", "/v1development/profiles"):
    results[f"path {path}"] = post(plain("path"), path=path)
for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "HEAD"):
    results[f"method {method}"] = status_of(exchange(head(0, method=method, connection="close")))
results["CONNECT"] = status_of(exchange(head(None, path="127.0.0.1:7070", method="CONNECT"), timeout=5))
results["upgrade"] = status_of(exchange(head(len(plain("upgrade")), connection="Upgrade, close", upgrade="websocket") + plain("upgrade")))
results["h2c"] = status_of(exchange(
    head(len(plain("h2c")), connection="Upgrade, HTTP2-Settings, close", upgrade="h2c", http2_settings="AAMAAABk") + plain("h2c")))
results["web page"] = post(plain("web-page"), origin="http://attacker.example")
print(json.dumps(results))

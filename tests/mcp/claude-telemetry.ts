/** What a CLI with Claude Code's telemetry sends, by its documentation: events as logs, and metrics that repeat them. */
export const CLAUDE = `
import json, os, urllib.request
def value(v):
    return {"intValue": str(v)} if isinstance(v, int) else {"doubleValue": v} if isinstance(v, float) else {"stringValue": v}
def attributes(pairs): return [{"key": k, "value": value(v)} for k, v in pairs.items()]
session = {"session.id": "5a1b", "user.id": "f00d", "terminal.type": "xterm"}
def event(name, sequence, **said):
    pairs = {**session, "event.name": name, "event.timestamp": "2026-10-04T13:00:00.000Z", "event.sequence": sequence, **said}
    return {"timeUnixNano": "1796300000000000000", "body": {"stringValue": "claude_code." + name}, "attributes": attributes(pairs)}
resource = {"attributes": attributes({"service.name": "claude-code", "service.version": "2.1.0"})}
def send(signal, body):
    request = urllib.request.Request(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318") + "/v1/" + signal, json.dumps(body).encode(), {"content-type": "application/json"})
    print(signal, urllib.request.urlopen(request).status)
send("logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": [
    event("user_prompt", 1, prompt_length=12),
    event("api_request", 2, model="claude-opus-5", input_tokens=2, output_tokens=1200, cache_read_tokens=500, cache_creation_tokens=100, cost_usd=0.116641, duration_ms=1521, request_id="req_1"),
    event("tool_result", 3, tool_name="Bash", tool_use_id="toolu_1", success="true", duration_ms="1831"),
    event("api_error", 4, model="claude-opus-5", error="overloaded", status_code="529", duration_ms="20", attempt="1"),
]}]}]})
point = {"asDouble": 0.116641, "timeUnixNano": "1796300000000000000", "startTimeUnixNano": "1796290000000000000", "attributes": attributes({"model": "claude-opus-5"})}
send("metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": [
    {"name": "claude_code.cost.usage", "unit": "USD", "sum": {"dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": True}},
]}]}]})
`;

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { urlOption } from "./url-option.ts";

const trusted = { isTrusted: true, ownOrigins: ["http://127.0.0.1:7070"] };
const stranger = { ...trusted, isTrusted: false };

describe("an option that holds a URL", () => {
  test("is taken apart into what is sent to, what is shown and what is kept secret", () => {
    const { url, where, authorization, secrets } = urlOption(
      "url",
      " https://me:s%40crt@Some.Example:443/a?b#c ",
      trusted,
    );
    assert.equal(url.href, "https://some.example/a?b");
    assert.equal(where, "https://some.example");
    assert.equal(authorization, `Basic ${btoa("me:s@crt")}`);
    assert.deepEqual(secrets, ["s@crt", btoa("me:s@crt")]);
    assert.deepEqual(urlOption("url", "http://token@host:8080", trusted).secrets, ["token", btoa("token:")]);
    assert.equal(urlOption("url", "http://host:8080", trusted).where, "http://host:8080");
    assert.equal(urlOption("url", "http://host", trusted).authorization, undefined);
  });

  test("is refused by name, without its value, where it is no URL of HTTP", () => {
    for (const text of [
      "",
      "secret",
      "//secret",
      "secret:4318",
      "ftp://secret",
      "file:///secret",
      "http://a:%s@secret",
    ]) {
      const { message, code, hint } = refusal(text, trusted);
      assert.equal(code, "INVALID_REQUEST");
      assert.match(message, /^endpoint /);
      if (text !== "secret:4318") assert.doesNotMatch(`${message} ${hint}`, /secret/);
    }
    assert.match(refusal("localhost:4318", trusted).hint ?? "", /http:\/\/localhost/);
  });

  test("is refused where it is this daemon, by whichever of its names", () => {
    const own = [
      "http://127.0.0.1:7070/otlp",
      "http://localhost:7070",
      "https://LOCALHOST:7070/x",
      "http://[::1]:7070",
    ];
    const others = [
      "http://0.0.0.0:7070",
      "http://[::]:7070",
      "http://127.9.9.9:7070",
      "http://me.localhost.:7070",
    ];
    for (const url of [...own, ...others, "http://[::ffff:127.0.0.1]:7070"])
      assert.match(refusal(url, trusted).message, /is this daemon itself/, url);
    const named = {
      isTrusted: true,
      ownOrigins: ["http://sandglass.example", "https://[2606:4700::1]:8443"],
    };
    for (const url of [
      "http://sandglass.example:80/x",
      "http://sandglass.example.",
      "http://[2606:4700:0::1]:8443",
    ])
      assert.match(refusal(url, named).message, /is this daemon itself/, url);
  });

  test("is taken where only the port or only the host is the daemon's", () => {
    for (const url of ["http://127.0.0.1:4318", "http://10.0.0.1:7070", "http://localhost.example:7070"])
      assert.equal(urlOption("endpoint", url, trusted).url.href, `${url}/`);
  });

  test("is refused to a stranger where it says that it is not public", () => {
    for (const host of [
      "127.0.0.1:1",
      "localhost:1",
      "10.0.0.1",
      "169.254.169.254",
      "[fd00::1]",
      "0x7f.1:1",
      "[::ffff:10.0.0.1]",
    ])
      assert.match(
        refusal(`http://${host}/`, stranger).message,
        /is a private, loopback or link-local address/,
      );
    assert.equal(urlOption("endpoint", "https://some.example", stranger).where, "https://some.example");
    assert.equal(urlOption("endpoint", "http://8.8.8.8", stranger).where, "http://8.8.8.8");
  });
});

function refusal(text: string, context: typeof trusted): SandglassError {
  try {
    urlOption("endpoint", text, context);
  } catch (error) {
    assert.ok(error instanceof SandglassError);
    return error;
  }
  assert.fail(`${text} was taken`);
}

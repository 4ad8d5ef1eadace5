import { expect, test } from "bun:test";
import { connectError } from "../../src/client/connect-error.ts";
import { NoAnswer } from "../../src/client/client-error.ts";
import { DialError } from "../../src/client/dial-error.ts";
import { plainTls, type Target } from "../../src/client/target.ts";

const target: Target = {
  ...{ transport: "tls", host: "lab", port: 8883, path: "", username: null, password: null },
  tls: { ...plainTls, cert: "CERTIFICATE", key: "KEY" },
};

function hintOf(error: Error, more: Partial<Target> = {}): string | null | undefined {
  return connectError(error, { ...target, ...more })?.hint;
}

const closed = "the broker closed the connection before its CONNACK";

test("a broker that closes after the client's certificate: its CA is the first suspect", () => {
  const hint = "does the broker trust the CA of --cert? its log may say why it closed";
  expect(hintOf(new NoAnswer(closed, true))).toBe(hint);
  expect(hintOf(new DialError("WS_NONE", "closed"), { transport: "wss", path: "/mqtt" })).toBe(
    hint,
  );
  expect(hintOf(new NoAnswer(closed, true), { tls: plainTls })).toStartWith("is it an MQTT");
});

test.each(["unknown ca", "bad certificate", "certificate required", "access denied"])(
  "TLS alert %p is about the client's certificate",
  (alert) => {
    const error = new NoAnswer(`${closed}: TLS alert "${alert}"`, true);
    const shown = "it does not accept the certificate of --cert: does it trust its CA?";
    expect(hintOf(error)).toBe(shown);
    const wanted = "the broker wants a client certificate: --cert FILE --key FILE";
    expect(hintOf(error, { tls: plainTls })).toBe(wanted);
  },
);

test("another alert is not", () => {
  const error = new NoAnswer(`${closed}: TLS alert "internal error"`, true);
  expect(hintOf(error)).toStartWith("is it an MQTT listener?");
});

test("a path that is not there: a URL of the same scheme and place", () => {
  const error = new DialError("WS_REFUSED", "it answered HTTP status 404");
  const wss = { transport: "wss", path: "/nope" } as const;
  expect(hintOf(error, wss)).toBe("another path? wss://lab:8883/PATH");
  expect(hintOf(error, { ...wss, transport: "ws", tls: null })).toBe(
    "another path? ws://lab:8883/PATH",
  );
});

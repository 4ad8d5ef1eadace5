import { expect, test } from "bun:test";
import { connectError } from "../../src/client/connect-error.ts";
import { NoAnswer, Refused } from "../../src/client/client-error.ts";
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

test("a CONNECT with a will that is refused: the will may be the cause", () => {
  const refused = (code: number, reasonString?: string): Refused =>
    new Refused({
      ...{ cmd: "connack", sessionPresent: false, reasonCode: code },
      ...(reasonString !== undefined && { properties: { reasonString } }),
    });
  const hint = (error: Error): string | null | undefined =>
    connectError(error, target, null, true)?.hint;
  const maybe = "log in with -u USER -P PASSWORD; or it refuses the will: try without --will-topic";
  expect(hint(refused(5))).toBe(maybe);
  expect(hint(refused(0x87))).toBe(maybe);
  expect(hint(refused(0x87, "the client may not publish on its will topic"))).toBe(
    "another --will-topic, or the right to publish there",
  );
  expect(hint(refused(0x90))).toBe("another --will-topic");
  expect(hint(refused(0x95))).toBe("a shorter --will-payload");
  expect(hint(refused(0x9a))).toBe("leave out --will-retain");
  expect(hint(refused(0x9b))).toBe("a lower --will-qos");
  expect(hint(refused(0x86))).toBe("log in with -u USER -P PASSWORD");
  expect(hint(new NoAnswer(closed, true))).not.toContain("will");
  const plain = { ...target, transport: "tcp", tls: null } as const;
  expect(connectError(new NoAnswer(closed, true), plain, null, true)?.hint).toEndWith(
    "or it refuses the will: try without --will-topic",
  );
  for (const code of [5, 0x9a]) expect(hintOf(refused(code)) ?? "").not.toContain("will");
});

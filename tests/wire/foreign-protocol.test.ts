import { expect, test } from "bun:test";
import { mortal } from "../support/mortal.ts";
import { World } from "../support/world.ts";

// Clients that speak another protocol to a listener for plain MQTT: the log names it.

test.each([
  [[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], "no CONNECT: a TLS handshake"],
  [
    "GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "an HTTP request, as a WebSocket begins with",
  ],
  ["POST / HTTP/1.1\r\n\r\n", "CONNECT: an HTTP request"],
  ["PROXY TCP4 10.0.0.1 10.0.0.2 5000 1883\r\n", "a header of the PROXY protocol"],
  ["\r\n\r\n\0\r\nQUIT\n", "a header of the PROXY protocol"],
  ["SSH-2.0-OpenSSH_9.6\r\n", "an SSH greeting"],
])("wire: on the plain port, %p", (bytes, words) => {
  const world = new World();
  const client = world.open();
  client.sendBytes(typeof bytes === "string" ? Buffer.from(bytes) : Uint8Array.from(bytes));
  const [end] = world.noted("ended");
  // All but TLS may also arrive in TLS: an HTTPS request on a port for mqtts.
  const taken = words.endsWith("TLS handshake") ? "plain MQTT" : "MQTT";
  expect(end?.detail).toContain(`${words}, and this listener takes ${taken} only`);
});

test("wire: bytes of MQTT are not taken for another protocol", () => {
  const world = new World();
  world.open().sendBytes(Uint8Array.of(0xc0, 0));
  const client = mortal(world);
  // Its first byte is that of a TLS record, after CONNECT.
  client.sendBytes(Uint8Array.of(0x16, 3, 1, 2, 0));
  expect(
    world
      .noted("ended")
      .map(({ detail }) => detail ?? "")
      .join(),
  ).not.toContain("plain MQTT");
});

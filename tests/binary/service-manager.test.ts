import { describe, expect, test } from "bun:test";
import { DatagramSocket } from "../support/datagram-socket.ts";
import { accepts, Folder, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

// The broker under a service manager: what it sends to the socket in NOTIFY_SOCKET.

const isUnable = process.platform !== "linux";
const title = `a service manager${isUnable ? " (skipped: not Linux)" : ""}`;

describe.skipIf(isUnable)(title, () => {
  test("is told when clients can connect, that the loop turns, and of the stop", async () => {
    using folder = new Folder();
    const address = folder.file("notify");
    using manager = new DatagramSocket(address);
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "40000" };
    await using broker = await RunningBroker.start({ env });
    await eventually(
      () => manager.received().filter((text) => text === "WATCHDOG=1").length >= 3,
      () => `three signs of life; came: ${manager.received().join(", ")}`,
    );
    const [first] = manager.received();
    expect(first).toBe(`READY=1\nSTATUS=Listening on ${broker.urls.join(", ")}`);
    expect(await accepts(broker.urls[0] ?? "")).toBe(true);
    await broker.stop();
    const texts = manager.received();
    expect(texts.filter((text) => text.startsWith("READY"))).toHaveLength(1);
    expect(texts).toContain("STOPPING=1\nSTATUS=Stopping");
  });

  test("has a socket without a file, and no watchdog, or one for another process", async () => {
    const address = `@mqttd-test-${crypto.randomUUID()}`;
    using manager = new DatagramSocket(address);
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" };
    await using broker = await RunningBroker.start({ env });
    await broker.stop();
    expect(manager.received().map((text) => text.split("\n", 1)[0])).toEqual([
      ...["READY=1", "STOPPING=1"],
    ]);
  });

  test("that takes nothing is one warning, and no fault", async () => {
    const address = "/nonexistent/notify";
    const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "10000" };
    await using broker = await RunningBroker.start({ env });
    const { text } = await broker.line("the warning", ({ event }) => event === "warning");
    expect(text).toBe(`the service manager (NOTIFY_SOCKET=${address}) did not take READY=1`);
    await broker.stop();
    expect(broker.log.items.filter(({ event }) => event === "warning")).toHaveLength(1);
  });

  test("with an address of another kind is one warning", async () => {
    const env = { NOTIFY_SOCKET: "vsock:2:1234" };
    await using broker = await RunningBroker.start({ env });
    const { text } = await broker.line("the warning", ({ event }) => event === "warning");
    expect(text).toBe(
      "the service manager (NOTIFY_SOCKET=vsock:2:1234) can't be told when clients can connect: " +
        "it is neither a path nor @NAME",
    );
    await broker.stop();
  });
});

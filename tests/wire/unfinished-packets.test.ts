import { describe, expect, test } from "bun:test";
import { Reason } from "../../src/core/reason.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { UnfinishedBytes } from "../../src/wire/unfinished.ts";
import { connect, drain, frame, length, publish, text } from "./frames.ts";

const kibibyte = 1024;

function reader(unfinished: UnfinishedBytes, controlPacketSize = kibibyte): PacketReader {
  const made = new PacketReader({ packetSize: 64 * kibibyte, controlPacketSize, unfinished });
  made.feed(Uint8Array.from(connect(5)));
  expect(drain(made)).toMatchObject([{ type: "connect" }]);
  return made;
}

/** The first `bytes` of a PUBLISH of `size`. */
function part(size: number, bytes: number): Uint8Array {
  const begun = new Uint8Array(bytes);
  begun.set([0x30, ...length(size - 4), 0, 1, 0x61]);
  return begun;
}

describe("controlPacketSize", () => {
  const subscribe = (bytes: number): Uint8Array =>
    Uint8Array.from(frame(0x82, [0, 1, 0], text("f".repeat(bytes - 9)), [0]));

  test("holds for all but PUBLISH, by the header alone, and its name is reported", () => {
    const made = reader(new UnfinishedBytes(Infinity));
    made.feed(Uint8Array.from(publish(5, { payload: "x".repeat(3 * kibibyte) })));
    made.feed(subscribe(kibibyte));
    made.feed(subscribe(kibibyte + 1).subarray(0, 5));
    expect(drain(made)).toMatchObject([
      { type: "publish" },
      { type: "subscribe" },
      {
        type: "violation",
        error: {
          reason: Reason.packetTooLarge,
          statement: "v5-4.13.2",
          detail:
            "a packet of 1025 B other than PUBLISH, and the maximum for these is 1024 B (limits.controlPacketSize)",
        },
      },
    ]);
  });

  test("holds for CONNECT, which is refused by its level", () => {
    const made = new PacketReader({ packetSize: 64 * kibibyte, controlPacketSize: kibibyte });
    made.feed(Uint8Array.from(connect(5, { clientId: "c".repeat(2 * kibibyte) })).subarray(0, 20));
    expect(made.next()).toMatchObject({
      type: "violation",
      version: 5,
      error: { reason: Reason.packetTooLarge, statement: "v5-4.13.2" },
    });
  });
});

describe("unfinishedBytes", () => {
  test("the packet that asks for memory is not one that can give way", () => {
    const unfinished = new UnfinishedBytes(12 * kibibyte);
    const asked: boolean[] = [];
    const made = reader(unfinished);
    unfinished.giveWay = () => {
      asked.push(made.isGrowing);
      return false;
    };
    made.feed(part(40 * kibibyte, 9 * kibibyte));
    made.feed(new Uint8Array(9 * kibibyte));
    expect(drain(made)).toMatchObject([{ type: "violation" }]);
    expect(asked).toEqual([true]);
    expect(made.isGrowing).toBe(false);
  });

  test("bounds the memory of all unfinished packets, before it is allocated", () => {
    const unfinished = new UnfinishedBytes(40 * kibibyte);
    const [first, second] = [reader(unfinished), reader(unfinished)];
    first.feed(part(60 * kibibyte, 10 * kibibyte));
    expect(first.next()).toBeNull();
    expect(unfinished.taken).toBe(10 * kibibyte);
    second.feed(part(60 * kibibyte, 31 * kibibyte));
    expect(second.next()).toMatchObject({
      type: "violation",
      error: {
        reason: Reason.quotaExceeded,
        statement: "v5-4.13.2",
        detail: expect.stringContaining("limits.unfinishedBytes"),
      },
    });
    expect(unfinished.taken).toBe(10 * kibibyte);
  });

  test("counts reserved memory, at most four times the bytes that have arrived", () => {
    const unfinished = new UnfinishedBytes(Infinity);
    const made = reader(unfinished);
    for (let came = 5 * kibibyte; came < 60 * kibibyte; came += kibibyte) {
      made.feed(came === 5 * kibibyte ? part(60 * kibibyte, came) : new Uint8Array(kibibyte));
      expect(made.next()).toBeNull();
      expect(unfinished.taken).toBeGreaterThanOrEqual(came);
      expect(unfinished.taken).toBeLessThanOrEqual(Math.min(60 * kibibyte, 4 * came));
    }
    made.feed(new Uint8Array(kibibyte));
    expect(made.next()).toMatchObject({ type: "publish" });
    expect(unfinished.taken).toBe(0);
  });

  test("is released by a complete packet, a violation, and a discarded reader", () => {
    const unfinished = new UnfinishedBytes(Infinity);
    const [whole, wrong, gone] = [reader(unfinished), reader(unfinished), reader(unfinished)];
    for (const made of [whole, wrong, gone]) {
      made.feed(part(6 * kibibyte, 5 * kibibyte));
      expect(made.next()).toBeNull();
    }
    expect(unfinished.taken).toBe(3 * 5 * kibibyte);
    whole.feed(new Uint8Array(kibibyte));
    expect(whole.next()).toMatchObject({ type: "publish" });
    expect(unfinished.taken).toBe(2 * 5 * kibibyte);
    // The bytes after the packet are no packet.
    wrong.feed(new Uint8Array(2 * kibibyte));
    expect(drain(wrong)).toMatchObject([{ type: "publish" }, { type: "violation" }]);
    gone.discard();
    expect(unfinished.taken).toBe(0);
    expect(gone.buffered).toBe(0);
  });

  test("refuses no packet of 4 KiB, whatever else is unfinished", () => {
    const unfinished = new UnfinishedBytes(8 * kibibyte);
    const greedy = reader(unfinished);
    greedy.feed(part(60 * kibibyte, 8 * kibibyte));
    expect(greedy.next()).toBeNull();
    const modest = reader(unfinished);
    modest.feed(part(4 * kibibyte, 3 * kibibyte));
    expect(modest.next()).toBeNull();
    modest.feed(new Uint8Array(kibibyte));
    expect(modest.next()).toMatchObject({ type: "publish" });
  });
});

import { expect, test } from "bun:test";
import path from "node:path";
import { Clock } from "../../src/server/driver/clock.ts";
import { processLoop } from "../../src/server/driver/loop.ts";
import { Persistence } from "../../src/server/persistence.ts";
import { StoreFile } from "../../src/store/file.ts";
import { message } from "../store/records.ts";
import { Folder } from "../support/executable.ts";

test("an orderly stop says that the store did not take everything in time", async () => {
  using folder = new Folder();
  const settings = { path: folder.path, durability: "normal" } as const;
  const noted: unknown[] = [];
  const persistence = await Persistence.open(
    { ...settings, restartSettleMs: 0, restartGraceMs: 0 },
    "--data",
    {
      ...{ clock: new Clock(), loop: processLoop, version: "1" },
      note: (event) => void noted.push(event),
      onFault: (cause) => expect.unreachable(String(cause)),
    },
  );
  if (persistence === null) throw new Error("no store");
  const driver = { order: () => {}, keepRecords: () => {}, isKept: false, isBehind: false };
  persistence.start(driver);
  await persistence.close(driver);
  const text = "what changed last is not kept: the store has not taken it in 5000 ms";
  const file = path.join(folder.path, "mqttd.db");
  const opened = { event: "storeOpened", file, isNew: true };
  expect(noted).toEqual([opened, { event: "warning", text }]);
}, 180_000);

test.each(["normal", "full", "off"] as const)(
  "an orderly stop keeps every batch that was taken, with durability %s",
  async (durability) => {
    using folder = new Folder();
    const data = path.join(folder.path, "data");
    const settings = { path: data, durability, restartSettleMs: 0, restartGraceMs: 0 };
    const persistence = await Persistence.open(settings, "--data", {
      ...{ clock: new Clock(), loop: processLoop, version: "1" },
      note: ({ event }) => expect(event).toBe("storeOpened"),
      onFault: (cause) => expect.unreachable(String(cause)),
    });
    if (persistence === null) throw new Error("no store");
    const batches = 10;
    let done = 0;
    const driver = {
      order: () => {},
      keepRecords: () => {},
      get isKept() {
        return done === batches;
      },
      isBehind: false,
    };
    persistence.start(driver);
    const commit = (): void => {
      if (done === batches) return;
      const put = { put: "message", value: message(done + 1) } as const;
      persistence.commit([put], () => {
        done += 1;
        commit();
      });
    };
    commit();
    await persistence.close(driver);
    const file = StoreFile.openToRead(data);
    expect(file.facts().rows.message).toBe(batches);
    file.close();
  },
  180_000,
);

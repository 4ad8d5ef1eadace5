import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Millis } from "../../src/core/io.ts";
import { encodeBatch } from "../../src/store/batch.ts";
import { ByteWriter } from "../../src/store/bytes.ts";
import { StoreError } from "../../src/store/faults.ts";
import { type OpenFile, StoreFile } from "../../src/store/file.ts";
import { PartReader } from "../../src/store/parts.ts";
import { beginRow, endRow } from "../../src/store/rows.ts";
import type { Changes } from "../../src/core/durable.ts";
import { at, message, queued, sample, session } from "./records.ts";

// Each fault for real, at the file itself; tests/binary/store.test.ts has what the broker says.

async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-file-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function open(folder: string, changed: Partial<OpenFile> = {}): StoreFile {
  return StoreFile.open({ folder, durability: "normal", version: "1", ...changed });
}

function apply(file: StoreFile, changes: Changes): void {
  for (const { rows } of encodeBatch(changes)) file.apply(rows);
}

/** The fault and the clause of what an action throws. */
function faultOf(action: () => unknown): readonly [string, string] {
  try {
    action();
  } catch (cause) {
    if (cause instanceof StoreError) return [cause.fault, cause.message];
    throw cause;
  }
  return ["none", ""];
}

function read(folder: string): Buffer {
  const file = open(folder);
  try {
    return Buffer.concat([...file.read()]);
  } finally {
    file.close();
  }
}

/** A closed file with records of every kind and a good many of some. */
function filled(folder: string): void {
  const file = open(folder);
  apply(file, sample);
  const numbers = Array.from({ length: 300 }, (_, index) => index + 10);
  apply(
    file,
    numbers.flatMap((number) => [
      { put: "message", value: message(number) } as const,
      { put: "session", value: session(number) } as const,
      { put: "queued", value: queued(number, 1, number) } as const,
    ]),
  );
  file.stop(at(5));
  file.close();
}

const isRoot = process.geteuid?.() === 0;

test("only its owner can read a new folder and its files", async () => {
  await inFolder((folder) => {
    const inner = path.join(folder, "a/b");
    const file = open(inner);
    file.heartbeat(at(1));
    apply(file, sample);
    const mode = (name: string): number => statSync(path.join(inner, name)).mode & 0o777;
    expect(
      ["", "mqttd.db", "mqttd.db-wal", "mqttd.pid", "mqttd.alive"].map((name) => mode(name)),
    ).toEqual([0o700, 0o600, 0o600, 0o600, 0o600]);
    file.close();
    expect(existsSync(path.join(inner, "mqttd.pid"))).toBe(false);
    expect(existsSync(path.join(inner, "mqttd.alive"))).toBe(false);
    expect(existsSync(path.join(inner, "mqttd.db-wal"))).toBe(false);
  });
});

test("a second broker is refused, and told of the first; the first goes on", async () => {
  await inFolder((folder) => {
    const first = open(folder);
    expect(faultOf(() => open(folder))).toEqual([
      "locked",
      `another broker has it open (process ${process.pid})`,
    ]);
    apply(first, sample);
    first.close();
    open(folder).close();
  });
}, 180_000);

test("a broker that was killed leaves no lock behind, and what it committed", async () => {
  await inFolder((folder) => {
    const script = `
      import { StoreFile } from ${JSON.stringify(path.resolve("src/store/file.ts"))};
      import { encodeBatch } from ${JSON.stringify(path.resolve("src/store/batch.ts"))};
      import { sample } from ${JSON.stringify(path.resolve("tests/store/records.ts"))};
      const file = StoreFile.open({ folder: ${JSON.stringify(folder)}, durability: "normal", version: "1" });
      file.heartbeat(1);
      for (const { rows } of encodeBatch(sample)) file.apply(rows);
      process.kill(process.pid, "SIGKILL");`;
    const ran = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect([ran.signal, ran.stderr]).toEqual(["SIGKILL", ""]);
    expect(existsSync(path.join(folder, "mqttd.pid"))).toBe(true);
    const file = open(folder);
    expect(file.pastRuns()).toMatchObject([{ started: 1, stopped: null }]);
    expect(file.facts().rows).toMatchObject({ session: 2, subscription: 2, will: 2, retained: 1 });
    file.close();
  });
}, 180_000);

test("a record of a newer form is refused", async () => {
  await inFolder((folder) => {
    const file = open(folder);
    const writer = new ByteWriter();
    const begun = beginRow(writer, "session", 1);
    writer.u8(2);
    endRow(writer, begun);
    file.apply(writer.written);
    const [rows] = [...file.read()];
    file.close();
    expect(faultOf(() => new PartReader().read(rows ?? new Uint8Array()))).toEqual([
      "newer",
      "mqttd.db was written by a newer mqttd",
    ]);
  });
});

test("a file of the first form is brought up to date, also for a reader of the folder", async () => {
  await inFolder((folder) => {
    killed(folder);
    const name = path.join(folder, "mqttd.db");
    const database = new DatabaseSync(name);
    for (const kind of ["habits", "connection", "willRecord"]) database.exec(`DROP TABLE ${kind}`);
    database.exec("PRAGMA user_version = 1");
    database.close();
    const before = filesOf(folder);
    const reader = StoreFile.openToRead(folder);
    expect(reader.facts().rows).toMatchObject({ message: 2, connection: 0 });
    reader.close();
    expect(filesOf(folder)).toEqual(before);
    const file = open(folder);
    apply(file, sample);
    expect(file.facts().rows).toMatchObject({ connection: 1, willRecord: 1, habits: 1 });
    file.close();
  });
});

test("a newer file is refused", async () => {
  await inFolder((folder) => {
    killed(folder);
    const name = path.join(folder, "mqttd.db");
    const database = new DatabaseSync(name);
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(faultOf(() => open(folder))).toEqual([
      "newer",
      "mqttd.db was written by a newer mqttd 1 (form 99, this one knows 2)",
    ]);
  });
});

test("another program's file is refused, and left as it is", async () => {
  await inFolder((folder) => {
    const name = path.join(folder, "mqttd.db");
    const text = "name,value\n".repeat(1000);
    writeFileSync(name, text);
    expect(faultOf(() => open(folder))).toEqual([
      "foreign",
      "mqttd.db is no SQLite file, or its header is damaged",
    ]);
    expect(readFileSync(name, "utf8")).toBe(text);
    rmSync(name);
    const database = new DatabaseSync(name);
    database.exec("CREATE TABLE users (name TEXT)");
    database.close();
    const before = readFileSync(name);
    expect(faultOf(() => open(folder))).toEqual(["foreign", "it is no store of mqttd"]);
    expect(readFileSync(name).equals(before)).toBe(true);
  });
});

test("a header that asks for another form of writing is damage, and a file is no folder", async () => {
  await inFolder((folder) => {
    filled(folder);
    const name = path.join(folder, "mqttd.db");
    const bytes = readFileSync(name);
    bytes.writeUInt8(0x99, 18);
    writeFileSync(name, bytes);
    const header = "mqttd.db is damaged: its header is not what was written";
    expect(faultOf(() => open(folder))).toEqual(["damaged", header]);
    expect(faultOf(() => open(name))).toEqual(["foreign", "it is a file, not a folder"]);
  });
});

test("a file that was cut is refused", async () => {
  await inFolder((folder) => {
    filled(folder);
    const name = path.join(folder, "mqttd.db");
    truncateSync(name, Math.floor(statSync(name).size / 2));
    const [fault] = faultOf(() => read(folder));
    expect(fault).toBe("damaged");
  });
});

test("no changed byte of what is kept goes unnoticed", async () => {
  await inFolder((folder) => {
    filled(folder);
    const name = path.join(folder, "mqttd.db");
    const whole = readFileSync(name);
    const kept = read(folder);
    let refused = 0;
    // One byte in each stretch of the file, at a place that differs from stretch to stretch.
    for (let place = 0; place < whole.length; place += 397) {
      const damaged = Buffer.from(whole);
      damaged[place] = (damaged[place] ?? 0) ^ 0x41;
      const other = path.join(folder, `at-${place}`);
      mkdirSync(other);
      writeFileSync(path.join(other, "mqttd.db"), damaged);
      let found = kept;
      const [fault] = faultOf(() => (found = read(other)));
      if (fault !== "none") refused += 1;
      // It lies in free space, or where nothing that is kept depends on it.
      if (!found.equals(kept)) expect([place, "another content"]).toEqual([place, "refused"]);
      rmSync(other, { recursive: true });
    }
    expect(refused).toBeGreaterThan(50);
  });
}, 180_000);

test.skipIf(isRoot)("a folder that can't be written is refused", async () => {
  await inFolder((folder) => {
    filled(folder);
    chmodSync(folder, 0o500);
    const [fault] = faultOf(() => open(folder));
    chmodSync(folder, 0o700);
    expect(["denied", "readOnly"]).toContain(fault);
  });
});

/** Runs with a file system of its own, which has room for some pages; null: this needs root. */
function onSmallDisk(run: (folder: string, remount: (options: string) => void) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-disk-"));
  const command = (name: string, ...words: string[]): void => {
    const ran = spawnSync(name, words, { encoding: "utf8" });
    if (ran.status !== 0) throw new Error(`${name}: ${ran.stderr}`);
  };
  command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder);
  try {
    run(folder, (options) => command("mount", "-o", `remount,${options}`, folder));
  } finally {
    command("umount", folder);
    rmSync(folder, { recursive: true });
  }
}

const mountable =
  isRoot && process.platform === "linux" && spawnSync("mount", ["--version"]).status === 0;

test.skipIf(!mountable)(
  "a full disk: nothing half applied, and it goes on when there is room",
  () => {
    onSmallDisk((folder) => {
      const file = open(folder);
      apply(file, sample);
      const filler = path.join(folder, "filler");
      writeFileSync(filler, new Uint8Array(500_000));
      const large: Changes = [
        { put: "session", value: session(50) },
        { put: "message", value: message(50, { payload: new Uint8Array(900_000) }) },
      ];
      expect(faultOf(() => apply(file, large))).toEqual(["full", "the disk is full"]);
      expect(file.facts().rows).toMatchObject({ session: 2, message: 2 });
      rmSync(filler);
      apply(file, [{ put: "session", value: session(51) }]);
      file.close();
      const next = open(folder);
      expect(next.facts().rows).toMatchObject({ session: 3, message: 2 });
      next.close();
    });
  },
);

test.skipIf(!mountable)("a disk that is full at the start is refused", () => {
  onSmallDisk((folder) => {
    writeFileSync(path.join(folder, "filler"), new Uint8Array(1024 * 1024 - 8192));
    expect(faultOf(() => open(folder))[0]).toBe("full");
  });
});

test.skipIf(!mountable)("a disk that can't be written is refused at the start", () => {
  onSmallDisk((folder, remount) => {
    filled(folder);
    remount("ro");
    expect(faultOf(() => open(folder))[0]).toBe("readOnly");
  });
});

test.skipIf(!mountable)(
  "a store opens on a disk that has become full, and takes more once it has room",
  () => {
    onSmallDisk((folder) => {
      filled(folder);
      const filler = path.join(folder, "filler");
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4096"]);
      const file = open(folder);
      expect(file.facts().rows.session).toBe(302);
      expect(faultOf(() => file.heartbeat(at(6)))).toEqual(["full", "the disk is full"]);
      rmSync(filler);
      file.heartbeat(at(7));
      file.close();
    });
  },
);

test.skipIf(!mountable)(
  "a log with many forms of the same pages gives its room back on a full disk",
  () => {
    onSmallDisk((folder) => {
      const file = open(folder);
      for (let beat = 1; beat <= 60; beat++) file.heartbeat(at(beat));
      const log = path.join(folder, "mqttd.db-wal");
      expect(statSync(log).size).toBeGreaterThan(200_000);
      spawnSync("dd", ["if=/dev/zero", `of=${path.join(folder, "filler")}`, "bs=4096"]);
      let beat = 60;
      while (faultOf(() => file.heartbeat(at(++beat)))[0] === "none");
      expect(statSync(log).size).toBe(0);
      file.heartbeat(at(++beat));
      file.close();
    });
  },
);

const moves: Readonly<Record<string, readonly [(folder: string) => void, string]>> = {
  "the file is deleted": [
    (folder) => rmSync(path.join(folder, "mqttd.db")),
    "mqttd.db was deleted or moved while the broker runs",
  ],
  "another file replaces it": [
    (folder) => {
      copyFileSync(path.join(folder, "mqttd.db"), path.join(folder, "copy"));
      renameSync(path.join(folder, "copy"), path.join(folder, "mqttd.db"));
    },
    "mqttd.db was replaced by another while the broker runs",
  ],
  "the folder is deleted": [
    (folder) => rmSync(folder, { recursive: true }),
    "mqttd.db was deleted or moved while the broker runs",
  ],
};

test.each(Object.entries(moves))(
  "nothing is said to be kept once %s under the broker",
  async (_, [move, detail]) => {
    await inFolder((parent) => {
      const folder = path.join(parent, "data");
      const file = open(folder);
      file.heartbeat(at(1));
      move(folder);
      for (const action of [() => apply(file, sample), () => file.heartbeat(at(2))]) {
        expect(faultOf(action)).toEqual(["moved", detail]);
      }
      const others = existsSync(folder) ? readdirSync(folder) : null;
      expect(faultOf(() => file.close())).toEqual(["moved", detail]);
      // Another broker may have begun there.
      expect(existsSync(folder) ? readdirSync(folder) : null).toEqual(others);
    });
  },
);

test("a folder that was moved away and comes back has everything", async () => {
  await inFolder((parent) => {
    const [folder, away] = [path.join(parent, "data"), path.join(parent, "away")];
    const file = open(folder);
    file.heartbeat(at(1));
    renameSync(folder, away);
    expect(faultOf(() => apply(file, sample))[0]).toBe("moved");
    renameSync(away, folder);
    apply(file, sample);
    file.close();
    const next = open(folder);
    expect(next.facts().rows).toMatchObject({ session: 2, message: 2 });
    next.close();
  });
});

test("a log that alone is deleted under the broker is begun anew", async () => {
  await inFolder((folder) => {
    const file = open(folder);
    file.heartbeat(at(1));
    const log = path.join(folder, "mqttd.db-wal");
    rmSync(log);
    apply(file, sample);
    file.heartbeat(at(2));
    expect(statSync(log).size).toBeGreaterThan(0);
    // A broker that is killed now leaves these.
    const other = path.join(folder, "other");
    mkdirSync(other);
    for (const name of ["mqttd.db", "mqttd.db-wal", "mqttd.alive"]) {
      copyFileSync(path.join(folder, name), path.join(other, name));
    }
    file.close();
    const next = open(other);
    expect(next.facts().rows).toMatchObject({ session: 2, message: 2 });
    next.close();
  });
});

test("a copy that was made while a broker was stopped opens", async () => {
  await inFolder((folder) => {
    filled(folder);
    const other = path.join(folder, "copy");
    mkdirSync(other);
    copyFileSync(path.join(folder, "mqttd.db"), path.join(other, "mqttd.db"));
    expect(read(other)).toEqual(read(folder));
  });
});

test("a message whose pieces came and whose batch did not is gone at the next start", async () => {
  await inFolder((folder) => {
    const file = open(folder);
    const payload = new Uint8Array(3 * 1024 * 1024);
    const batch = encodeBatch([{ put: "message", value: message(1, { payload }) }]);
    for (const { of, rows } of batch) if (of === "piece") file.apply(rows);
    expect(file.facts().rows.piece).toBe(3);
    file.close();
    const next = open(folder);
    expect(next.facts().rows.piece).toBe(0);
    next.close();
  });
});

test("the file shrinks once much of it is free", async () => {
  await inFolder((folder) => {
    const file = open(folder);
    const numbers = Array.from({ length: 4000 }, (_, index) => index + 1);
    const payload = new Uint8Array(4000);
    apply(
      file,
      numbers.map((number) => ({ put: "message", value: message(number, { payload }) })),
    );
    file.heartbeat(at(1));
    apply(
      file,
      numbers.map((number) => ({ delete: "message", message: number })),
    );
    expect(file.facts().freeBytes).toBeGreaterThan(10_000_000);
    while (file.shrink());
    expect(file.facts().freeBytes).toBeLessThan(2_000_000);
    file.close();
    expect(statSync(path.join(folder, "mqttd.db")).size).toBeLessThan(2_000_000);
  });
}, 180_000);

test("runs are remembered: one that was killed, and one that stopped", async () => {
  await inFolder((folder) => {
    const first = open(folder, { version: "0.1" });
    first.heartbeat(at(1));
    first.heartbeat(at(2000));
    first.close();
    // One that fails before clients can connect leaves no trace.
    const failed = open(folder, { version: "0.1.5" });
    failed.stop(at(5000));
    failed.close();
    expect(existsSync(path.join(folder, "mqttd.pid"))).toBe(false);
    const second = open(folder, { version: "0.2" });
    second.heartbeat(at(9000));
    second.stop(at(9500));
    second.close();
    const third = open(folder);
    expect(third.pastRuns()).toMatchObject([
      { version: "0.1", started: at(1), heartbeat: at(2000), stopped: null },
      { version: "0.2", started: at(9000), heartbeat: at(9500), stopped: at(9500) },
    ]);
    third.close();
  });
});

/** A folder as a broker leaves it that is killed: heartbeats at 1 s and 2 s, and a message after each. */
function killed(folder: string, durability: OpenFile["durability"] = "normal"): void {
  const script = `
    import { StoreFile } from ${JSON.stringify(path.resolve("src/store/file.ts"))};
    import { encodeBatch } from ${JSON.stringify(path.resolve("src/store/batch.ts"))};
    import { message } from ${JSON.stringify(path.resolve("tests/store/records.ts"))};
    const file = StoreFile.open({ folder: ${JSON.stringify(folder)}, durability: "${durability}", version: "1" });
    for (const number of [1, 2]) {
      file.heartbeat(number * 1000);
      const batch = encodeBatch([{ put: "message", value: message(number) }]);
      for (const { rows } of batch) file.apply(rows);
    }
    process.kill(process.pid, "SIGKILL");
  `;
  const ran = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
  expect([ran.signal, ran.stderr]).toEqual(["SIGKILL", ""]);
}

/** All files of a folder. */
function filesOf(folder: string): ReadonlyMap<string, string> {
  return new Map(
    readdirSync(folder)
      .toSorted()
      .map((name) => [name, readFileSync(path.join(folder, name)).toString("base64")]),
  );
}

/** The folder's log, with a byte changed at an offset. */
function flip(folder: string, at: number): void {
  const name = path.join(folder, "mqttd.db-wal");
  const bytes = readFileSync(name);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
  writeFileSync(name, bytes);
}

const logFaults: Readonly<Record<string, (folder: string) => void>> = {
  "the log is missing": (folder) => rmSync(path.join(folder, "mqttd.db-wal")),
  "the log is empty": (folder) => truncateSync(path.join(folder, "mqttd.db-wal"), 0),
  "its header is damaged": (folder) => flip(folder, 1),
  "a byte in its middle is wrong": (folder) =>
    flip(folder, Math.floor(statSync(path.join(folder, "mqttd.db-wal")).size / 2)),
  "the file is empty": (folder) => truncateSync(path.join(folder, "mqttd.db"), 0),
  "the file is missing": (folder) => rmSync(path.join(folder, "mqttd.db")),
};

test.each(Object.entries(logFaults))(
  "after a kill a folder is refused where %s, and stays as it is but for the file itself",
  async (_, damage) => {
    await inFolder((folder) => {
      killed(folder);
      damage(folder);
      const before = filesOf(folder);
      for (const action of [() => open(folder), () => StoreFile.openToRead(folder)]) {
        const [fault] = faultOf(action);
        expect(["cut", "gone", before.has("mqttd.db") ? null : "foreign"]).toContain(fault);
        const { "mqttd.db-wal": log = "", ...others } = Object.fromEntries(filesOf(folder));
        expect(log).toBe(before.get("mqttd.db-wal") ?? "");
        expect(Object.keys(others)).toEqual(
          [...before.keys()].filter((name) => !name.endsWith("wal")),
        );
      }
      // The way out that the error names.
      for (const name of ["mqttd.alive", "mqttd.db-wal"]) {
        rmSync(path.join(folder, name), { force: true });
      }
      open(folder).close();
    });
  },
  180_000,
);

test("a torn tail of the log is no damage: what the last heartbeat had put on the disk is there", async () => {
  await inFolder((folder) => {
    killed(folder);
    const log = path.join(folder, "mqttd.db-wal");
    truncateSync(log, statSync(log).size - 100);
    const file = open(folder);
    expect(file.facts().rows.message).toBe(1);
    file.close();
  });
}, 180_000);

test("a reader leaves the folder as it is, also one that can't be written", async () => {
  await inFolder((folder) => {
    killed(folder);
    const before = filesOf(folder);
    expect(before.has("mqttd.db-wal")).toBe(true);
    const names = [...before.keys()].map((name) => path.join(folder, name));
    for (const name of names) chmodSync(name, 0o400);
    chmodSync(folder, 0o500);
    const reader = StoreFile.openToRead(folder);
    expect(reader.facts().rows.message).toBe(2);
    reader.close();
    chmodSync(folder, 0o700);
    expect(filesOf(folder)).toEqual(before);
  });
}, 180_000);

test("a log that another program brought into the file, and durability off, are no damage", async () => {
  await inFolder((folder) => {
    killed(folder);
    const other = new DatabaseSync(path.join(folder, "mqttd.db"));
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    other.close();
    const file = open(folder);
    expect(file.facts().rows.message).toBe(2);
    file.stop(at(9));
    file.close();
    killed(folder, "off");
    rmSync(path.join(folder, "mqttd.db-wal"));
    open(folder).close();
  });
}, 180_000);

test("a sign of life that the store can't take counts all the same", async () => {
  await inFolder((folder) => {
    killed(folder);
    const name = path.join(folder, "mqttd.alive");
    const text = readFileSync(name, "latin1");
    expect(text).toMatch(/^1 2000 2000 +\n$/);
    writeFileSync(name, text.replace("1 2000", "1 9000"));
    const file = open(folder);
    expect(file.pastRuns()).toMatchObject([{ heartbeat: 9000, stopped: null }]);
    file.close();
    // That one never served.
    const next = open(folder);
    expect(next.pastRuns()).toMatchObject([{ heartbeat: 9000, stopped: null }]);
    next.heartbeat(at(10_000));
    next.stop(at(11_000));
    next.close();
    expect(existsSync(name)).toBe(false);
  });
}, 180_000);

test.each([
  ["it has something else", "no sign of life\n"],
  ["it has something else", "\0".repeat(64)],
])(
  "signs of life that can't be read (%s) are those of a broker that was killed",
  async (why, text) => {
    await inFolder((folder) => {
      killed(folder);
      const name = path.join(folder, "mqttd.alive");
      writeFileSync(name, text);
      utimesSync(name, 7, 7);
      const reader = StoreFile.openToRead(folder);
      expect(reader.pastRuns()).toMatchObject([
        { heartbeat: 7000, keptUntil: 2000, stopped: null },
      ]);
      reader.close();
      const file = open(folder);
      expect(file.warning).toContain(`mqttd.alive can't be read (${why})`);
      file.heartbeat(at(10_000));
      expect(readFileSync(name, "latin1")).toStartWith(`2 ${at(10_000)} ${at(10_000)} `);
      file.stop(at(11_000));
      file.close();
      // Then nothing is left of it, and an empty file is not one that is new.
      writeFileSync(name, text);
      rmSync(path.join(folder, "mqttd.db"));
      expect(faultOf(() => open(folder))[0]).toBe("gone");
    });
  },
  180_000,
);

test("a batch that failed is noted beside the file, until one is kept and the next sign of life", async () => {
  await inFolder((folder) => {
    const name = path.join(folder, "mqttd.alive");
    const signs = (): number[] => readFileSync(name, "latin1").split(" ").slice(1, 3).map(Number);
    const file = open(folder);
    const first = at(1000);
    file.heartbeat(first);
    expect(signs()).toEqual([first, first]);
    expect(file.noteBehind("moved")).toBe(false);
    expect(file.noteBehind("full")).toBe(true);
    const [now = 0, kept] = signs();
    expect([now > first, kept]).toEqual([true, first]);
    file.heartbeat((now + 1000) as Millis);
    expect(signs()).toEqual([now + 1000, first]);
    file.noteKept();
    file.heartbeat((now + 2000) as Millis, true);
    expect(signs()).toEqual([now + 2000, first]);
    file.stop((now + 2500) as Millis, true);
    file.close();
    const next = open(folder);
    expect(next.pastRuns()).toMatchObject([{ stopped: now + 2500, keptUntil: first }]);
    next.heartbeat((now + 3000) as Millis);
    expect(signs()).toEqual([now + 3000, now + 3000]);
    next.close();
  });
}, 180_000);

test("signs of life whose file can't be opened at first are there once it can", async () => {
  await inFolder((folder) => {
    const name = path.join(folder, "mqttd.alive");
    mkdirSync(name);
    const file = open(folder);
    expect(faultOf(() => file.heartbeat(at(1)))[0]).toBe("other");
    rmdirSync(name);
    file.heartbeat(at(2));
    expect(readFileSync(name, "latin1")).toStartWith(`1 ${at(2)} ${at(2)} `);
    file.close();
  });
});

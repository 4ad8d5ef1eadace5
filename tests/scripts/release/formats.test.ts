import { expect, test } from "bun:test";
import { signAdHoc } from "../../../scripts/release/ad-hoc-signature.ts";
import { readElf } from "../../../scripts/release/elf.ts";
import { inspect } from "../../../scripts/release/inspection.ts";
import { readMachO } from "../../../scripts/release/mach-o.ts";
import { readPe } from "../../../scripts/release/pe.ts";
import { targetNamed } from "../../../scripts/release/targets.ts";
import { cutMachO, machO, pe } from "./made-files.ts";

const identity = { version: "1.2.3", commit: "abc1234" };
const program = `version:"1.2.3",commit:"abc1234"`;

test("an ad-hoc signature covers every page of the file that it ends", () => {
  const signed = readMachO(signAdHoc(machO({ cpu: "x64", program })));
  expect(signed).toMatchObject({ cpu: "x64", minimumSystem: "13.0", isSignatureLast: true });
  expect(signed.signature).toEqual({
    ...{ identifier: "mqttd", isAdHoc: true, pages: 5, brokenPages: [], problems: [] },
  });
});

test("a changed byte breaks the page that it is in, and no other", () => {
  const signed = signAdHoc(machO({ cpu: "arm64", program }));
  for (const page of [0, 2, 4]) {
    const broken = signed.slice();
    // In page 0 behind the load commands.
    const at = page * 4096 + 1000;
    broken[at] = (broken[at] ?? 0) ^ 1;
    expect(readMachO(broken).signature?.brokenPages).toEqual([page]);
  }
});

test("a signature for another length of the file is a problem", () => {
  // Bun leaves the signature of its own executable in one that it has made longer.
  const moved = machO({ cpu: "x64", program, signature: "of a shorter file" });
  const { signature } = readMachO(moved);
  expect(signature?.problems).toEqual(["it covers 4096 bytes, and the code has 20000"]);
  expect(inspect(targetNamed("darwin-x64"), moved, identity).problems).toContain(
    "the signature: it covers 4096 bytes, and the code has 20000",
  );
  expect(inspect(targetNamed("darwin-x64"), signAdHoc(moved), identity)).toEqual({
    facts: ["Mach-O x64, macOS 13.0", "ad-hoc signature, 5 pages verified"],
    ...{ needs: [], problems: [] },
  });
});

test("a signature anew replaces the one before", () => {
  const once = signAdHoc(machO({ cpu: "arm64", program }));
  expect(signAdHoc(once)).toEqual(once);
});

test("an inspection names every difference from the target", () => {
  const unsigned = machO({ cpu: "x64", program: "another", signature: null });
  expect(inspect(targetNamed("darwin-arm64"), unsigned, identity).problems).toEqual([
    ...["it is for x64", "the signature is not the end of the file", "not signed"],
    "mqttd 1.2.3 (abc1234) is not inside",
  ]);
  const windows = pe({ cpu: "x64", sections: [".text", ".bun"], program });
  expect(inspect(targetNamed("windows-x64"), windows, identity)).toEqual({
    facts: ["PE x64, console, not signed"],
    ...{ needs: [], problems: [] },
  });
  const bare = pe({ cpu: "arm64", sections: [".text"], program, isSigned: true });
  expect(inspect(targetNamed("windows-x64"), bare, identity).problems).toEqual([
    ...["it is for arm64", "it has no section with the program"],
    "it has a signature, which does not fit it any more",
  ]);
});

test("a file of another format, and a cut one, are problems and no crash", () => {
  const files = [new Uint8Array(), new Uint8Array(64), cutMachO(), pe({ cut: true, program })];
  for (const name of ["darwin-x64", "windows-x64", "linux-x64"]) {
    for (const file of files) {
      const { facts, problems } = inspect(targetNamed(name), file, identity);
      expect({ facts, problems: problems.length }).toEqual({ facts: [], problems: 2 });
    }
  }
  expect(() => readPe(pe({ cut: true, program }))).toThrow(RangeError);
});

test.skipIf(process.platform !== "linux")(
  "an ELF file names its loader and libraries",
  async () => {
    const file = await Bun.file(process.execPath).bytes();
    const found = readElf(file);
    expect(found.cpu).toBe(process.arch === "arm64" ? "arm64" : "x64");
    expect(found.needed).toContainEqual(expect.stringMatching(/^libc\./));
    const other = targetNamed(process.arch === "arm64" ? "linux-x64-musl" : "linux-arm64-musl");
    expect(inspect(other, file, identity).problems).toContain(`it is for ${found.cpu}`);
  },
);

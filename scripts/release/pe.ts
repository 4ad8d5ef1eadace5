import { ByteView } from "./byte-view.ts";

/** What a Windows executable of 64 bits says of itself. */
export interface Pe {
  readonly cpu: "x64" | "arm64";
  /** Whether Windows gives it a console. */
  readonly isConsole: boolean;
  /** Names of its sections. Bun keeps the program in `.bun`. */
  readonly sections: readonly string[];
  /** Whether it has a signature, which a change of the file would break. */
  readonly isSigned: boolean;
}

const dosMagic = 0x4d5a;
const peMagic = 0x50450000;
const plus = 0x20b;
const console = 3;
const cpus: Readonly<Record<number, Pe["cpu"]>> = { 0x8664: "x64", 0xaa64: "arm64" };
const sectionBytes = 40;

/** Throws an Error for another file, RangeError for a cut one. */
export function readPe(bytes: Uint8Array): Pe {
  const [view, big] = [new ByteView(bytes, true), new ByteView(bytes, false)];
  if (big.u16(0) !== dosMagic) throw new Error("not a Windows executable");
  const header = view.u32(60);
  if (big.u32(header) !== peMagic) throw new Error("an executable of DOS");
  const cpu = cpus[view.u16(header + 4)];
  if (cpu === undefined) throw new Error(`an unknown processor, ${view.u16(header + 4)}`);
  const optional = header + 24;
  if (view.u16(optional) !== plus) throw new Error("a Windows executable of 32 bits");
  const table = optional + view.u16(header + 20);
  const sections = Array.from({ length: view.u16(header + 6) }, (_, index) => {
    const section = table + index * sectionBytes;
    // The file has to hold all of it.
    view.slice(view.u32(section + 20), view.u32(section + 16));
    return view.text(section, 8);
  });
  return {
    cpu,
    isConsole: view.u16(optional + 68) === console,
    sections,
    isSigned: view.u32(optional + 112 + 8 * 4 + 4) > 0,
  };
}

import { ByteView } from "./byte-view.ts";

/** What an ELF executable of 64 bits says of itself. */
export interface Elf {
  readonly cpu: "x64" | "arm64";
  /** The program that loads it, such as `/lib64/ld-linux-x86-64.so.2`. */
  readonly loader: string;
  /** Libraries that the loader needs. */
  readonly needed: readonly string[];
  /** The oldest glibc that has all that it needs, such as `2.17`; null: it needs none. */
  readonly glibc: string | null;
}

const magic = 0x7f454c46;
const class64 = 2;
const littleEndian = 1;
const cpus: Readonly<Record<number, Elf["cpu"]>> = { 62: "x64", 183: "arm64" };

/** PT_* of program headers, DT_* of the dynamic section. */
const load = 1;
const dynamic = 2;
const interpreter = 3;
const dynamicTag = { needed: 1, strings: 5, versions: 0x6ffffffe, versionCount: 0x6fffffff };

/** Throws an Error for another file, RangeError for a cut one. */
export function readElf(bytes: Uint8Array): Elf {
  const view = new ByteView(bytes, true);
  if (new ByteView(bytes, false).u32(0) !== magic) throw new Error("not an ELF file");
  if (view.u8(4) !== class64 || view.u8(5) !== littleEndian) {
    throw new Error("an ELF file of another class");
  }
  const cpu = cpus[view.u16(18)];
  if (cpu === undefined) throw new Error(`an unknown processor, ${view.u16(18)}`);
  const segments = segmentsOf(view);
  const offsetOf = (address: number): number => {
    const segment = segments.find(
      ({ type, virtual, length }) =>
        type === load && virtual <= address && address < virtual + length,
    );
    if (segment === undefined) throw new Error(`address ${address} is in no segment`);
    return address - segment.virtual + segment.at;
  };
  const loader = segments.find(({ type }) => type === interpreter);
  const section = segments.find(({ type }) => type === dynamic);
  const entries = section === undefined ? [] : entriesOf(view, section);
  const stringsAt = offsetOf(entries.find(({ tag }) => tag === dynamicTag.strings)?.value ?? 0);
  const name = (offset: number): string => view.text(stringsAt + offset);
  return {
    cpu,
    loader: loader === undefined ? "" : view.text(loader.at, loader.length),
    needed: entries.filter(({ tag }) => tag === dynamicTag.needed).map(({ value }) => name(value)),
    glibc: newestGlibc(view, entries, offsetOf, name),
  };
}

interface Segment {
  readonly type: number;
  readonly at: number;
  readonly virtual: number;
  readonly length: number;
}

function segmentsOf(view: ByteView): Segment[] {
  const [headers, size, count] = [view.u64(32), view.u16(54), view.u16(56)];
  return Array.from({ length: count }, (_, index) => {
    const header = headers + index * size;
    return {
      type: view.u32(header),
      at: view.u64(header + 8),
      virtual: view.u64(header + 16),
      length: view.u64(header + 32),
    };
  });
}

interface Entry {
  readonly tag: number;
  readonly value: number;
}

function entriesOf(view: ByteView, { at, length }: Segment): Entry[] {
  const entries: Entry[] = [];
  for (let entry = at; entry < at + length; entry += 16) {
    const tag = view.u64(entry);
    if (tag === 0) break;
    entries.push({ tag, value: view.u64(entry + 8) });
  }
  return entries;
}

/** Goes through the versions of symbols that the file asks of each library. */
function newestGlibc(
  view: ByteView,
  entries: readonly Entry[],
  offsetOf: (address: number) => number,
  name: (offset: number) => string,
): string | null {
  const versions = entries.find(({ tag }) => tag === dynamicTag.versions);
  const count = entries.find(({ tag }) => tag === dynamicTag.versionCount);
  if (versions === undefined || count === undefined) return null;
  let newest: string | null = null;
  let library = offsetOf(versions.value);
  for (let left = count.value; left > 0; left--) {
    let version = library + view.u32(library + 8);
    for (let more = view.u16(library + 2); more > 0; more--) {
      const found = /^GLIBC_([0-9.]+)$/.exec(name(view.u32(version + 8)))?.[1];
      if (found !== undefined && (newest === null || isNewer(found, newest))) newest = found;
      version += view.u32(version + 12);
    }
    library += view.u32(library + 12);
  }
  return newest;
}

function isNewer(one: string, other: string): boolean {
  const [left, right] = [one, other].map((text) => text.split(".").map(Number));
  for (const [index, number] of (left ?? []).entries()) {
    const against = right?.[index] ?? 0;
    if (number !== against) return number > against;
  }
  return false;
}

// Executables of other systems, as small as their formats allow. Nothing starts them.

const codeBytes = 20_000;
const headerBytes = 32;
const cpuNumbers = { x64: 0x01000007, arm64: 0x0100000c };

interface MachOParts {
  readonly cpu: "x64" | "arm64";
  /** Text inside. */
  readonly program: string;
  /** Default: as for a file that is to be signed. Null: no load command for one. */
  readonly signature?: "of a shorter file" | null;
}

/** A Mach-O executable with segments, the oldest macOS, and a place for a signature. */
export function machO({ cpu, program, signature }: MachOParts): Uint8Array {
  const old = superBlob(signature === undefined ? 0 : 4096);
  const bytes = new Uint8Array(codeBytes + (signature === null ? 8 : old.length));
  const view = new DataView(bytes.buffer);
  const commands = [
    segment("__TEXT", 0, 4096),
    segment("__LINKEDIT", 16_384, codeBytes + old.length - 16_384),
    [0x32, 24, 1, 13 << 16, 0, 0],
    ...(signature === null ? [] : [[0x1d, 16, codeBytes, old.length]]),
  ];
  const words = commands.flat();
  const header = [0xfeedfacf, cpuNumbers[cpu], 0, 2, commands.length, words.length * 4, 0, 0];
  for (const [index, word] of [...header, ...words].entries()) {
    view.setUint32(index * 4, word, true);
  }
  bytes.set(new TextEncoder().encode(program), 8192);
  if (signature !== null) bytes.set(old, codeBytes);
  return bytes;
}

/** The header of a file whose load commands are missing. */
export function cutMachO(): Uint8Array {
  return machO({ cpu: "x64", program: "" }).slice(0, headerBytes + 8);
}

/** LC_SEGMENT_64 without sections, as words. */
function segment(name: string, offset: number, length: number): number[] {
  const text = new Uint8Array(16);
  text.set(new TextEncoder().encode(name));
  const view = new DataView(text.buffer);
  const nameWords = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  return [0x19, 72, ...nameWords, offset, 0, length, 0, offset, 0, length, 0, 0, 0, 0, 0];
}

/** A signature over the first `limit` bytes of a file, at most one page, with a hash of zeros. */
function superBlob(limit: number): Uint8Array {
  const bytes = new Uint8Array(20 + 88 + 32);
  const view = new DataView(bytes.buffer);
  const pages = limit / 4096;
  const directory = [0xfade0c02, 120, 0x20400, 0, 88, 84, 0, pages, limit, 0x2002000c];
  for (const [index, word] of [0xfade0cc0, 140, 1, 0, 20, ...directory].entries()) {
    view.setUint32(index * 4, word);
  }
  return bytes;
}

interface PeParts {
  readonly cpu?: "x64" | "arm64";
  readonly sections?: readonly string[];
  readonly program: string;
  readonly isSigned?: boolean;
  /** Without the content of its last section. */
  readonly cut?: boolean;
}

/** A Windows executable for a console. */
export function pe({
  cpu = "x64",
  sections = [".bun"],
  program,
  isSigned = false,
  cut = false,
}: PeParts): Uint8Array {
  const [header, optionalBytes, contentBytes] = [64, 240, 512];
  const content = 1024;
  const bytes = new Uint8Array(content + sections.length * contentBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x4d5a);
  view.setUint32(60, header, true);
  view.setUint32(header, 0x50450000);
  view.setUint16(header + 4, cpu === "x64" ? 0x8664 : 0xaa64, true);
  view.setUint16(header + 6, sections.length, true);
  view.setUint16(header + 20, optionalBytes, true);
  const optional = header + 24;
  view.setUint16(optional, 0x20b, true);
  view.setUint16(optional + 68, 3, true);
  view.setUint32(optional + 112 + 36, isSigned ? 16 : 0, true);
  for (const [index, name] of sections.entries()) {
    const section = optional + optionalBytes + index * 40;
    bytes.set(new TextEncoder().encode(name), section);
    view.setUint32(section + 16, contentBytes, true);
    view.setUint32(section + 20, content + index * contentBytes, true);
  }
  bytes.set(new TextEncoder().encode(program), content);
  return cut ? bytes.slice(0, content + 10) : bytes;
}

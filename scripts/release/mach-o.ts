import { ByteView } from "./byte-view.ts";
import { type CodeSignature, readCodeSignature } from "./code-signature.ts";

/** What a Mach-O executable of 64 bits says of itself. */
export interface MachO {
  readonly cpu: "x64" | "arm64";
  /** The oldest macOS that loads it, such as `13.0`. */
  readonly minimumSystem: string;
  /** Libraries that the loader needs. */
  readonly needed: readonly string[];
  /** Null: not signed. Apple's arm64 machines start no such file. */
  readonly signature: CodeSignature | null;
  /** Offsets in the file, for those who change it. */
  readonly places: {
    /** Of the load commands; null: there is none. */
    readonly text: number | null;
    readonly linkEdit: number | null;
    readonly codeSignature: number | null;
    readonly signature: { readonly at: number; readonly length: number } | null;
  };
  /** Whether the signature ends its segment and the file, which `codesign --strict` asks for. */
  readonly isSignatureLast: boolean;
}

const magic64 = 0xfeedfacf;
const cpus: Readonly<Record<number, MachO["cpu"]>> = { 0x01000007: "x64", 0x0100000c: "arm64" };
const executable = 2;
const headerBytes = 32;

/** LC_* of `loader.h`. */
const segment64 = 0x19;
const loadDylib = 0x0c;
const codeSignature = 0x1d;
const buildVersion = 0x32;

/** Reads the header and verifies the signature. Throws an Error for another file, RangeError for a cut one. */
export function readMachO(bytes: Uint8Array): MachO {
  const view = new ByteView(bytes, true);
  if (view.u32(0) !== magic64) throw new Error("not a Mach-O file of 64 bits");
  const cpu = cpus[view.u32(4)];
  if (cpu === undefined) throw new Error(`an unknown processor, ${view.u32(4)}`);
  if (view.u32(12) !== executable) throw new Error("a Mach-O file, but not an executable");
  const needed: string[] = [];
  let minimumSystem = "";
  const commands = {
    text: null as number | null,
    linkEdit: null as number | null,
    codeSignature: null as number | null,
  };
  let at = headerBytes;
  for (let left = view.u32(16); left > 0; left--) {
    const command = view.u32(at);
    if (command === loadDylib) needed.push(view.text(at + view.u32(at + 8)));
    if (command === buildVersion) minimumSystem = versionText(view.u32(at + 12));
    if (command === codeSignature) commands.codeSignature = at;
    if (command === segment64) {
      const name = view.text(at + 8, 16);
      if (name === "__TEXT") commands.text = at;
      if (name === "__LINKEDIT") commands.linkEdit = at;
    }
    at += view.u32(at + 4);
  }
  const { linkEdit, codeSignature: sign } = commands;
  const signature = sign === null ? null : { at: view.u32(sign + 8), length: view.u32(sign + 12) };
  const end = signature === null ? -1 : signature.at + signature.length;
  const linkEditEnd = linkEdit === null ? -1 : view.u64(linkEdit + 40) + view.u64(linkEdit + 48);
  return {
    cpu,
    minimumSystem,
    needed,
    signature: signature === null ? null : readCodeSignature(bytes, signature.at, signature.length),
    places: { ...commands, signature },
    isSignatureLast: end === linkEditEnd && end === bytes.length,
  };
}

/** Two bytes for the major number, one for each of the others. */
function versionText(packed: number): string {
  return `${packed >>> 16}.${(packed >>> 8) & 0xff}`;
}

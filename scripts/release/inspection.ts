import type { Identity } from "../compile.ts";
import { readElf } from "./elf.ts";
import { readMachO } from "./mach-o.ts";
import { readPe } from "./pe.ts";
import type { Target } from "./targets.ts";

/** What an executable's own bytes tell, without starting it. */
export interface Inspection {
  /** What was found right, in words. */
  readonly facts: readonly string[];
  /** What its user has to have. */
  readonly needs: readonly string[];
  /** Empty: it is as it should be. */
  readonly problems: readonly string[];
}

/** The oldest systems that README.md names. */
const oldestGlibc = "2.17";
const oldestMacos = "13.0";

/** Libraries of the C library itself, which a system of this kind always has. */
const ofLibc = /^(?:libc|libpthread|libdl|libm|ld-linux[-a-z0-9_]*|libc\.musl-[a-z0-9_]+)\.so/;
const ofMacos = /^\/usr\/lib\/|^\/System\//;

/** Reads the format that the target's system loads. */
export function inspect(target: Target, bytes: Uint8Array, identity: Identity): Inspection {
  const { facts, needs, problems } = ofFormat(target, bytes);
  const isInside = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(
    `version:${JSON.stringify(identity.version)},commit:${JSON.stringify(identity.commit)}`,
  );
  const missing = isInside ? [] : [`mqttd ${identity.version} (${identity.commit}) is not inside`];
  return { facts, needs, problems: [...problems, ...missing] };
}

function ofFormat(target: Target, bytes: Uint8Array): Inspection {
  try {
    if (target.os === "darwin") return ofMachO(target, bytes);
    return target.os === "win32" ? ofPe(target, bytes) : ofElf(target, bytes);
  } catch (error) {
    return { facts: [], needs: [], problems: [error instanceof Error ? error.message : "?"] };
  }
}

function ofElf({ cpu, libc }: Target, bytes: Uint8Array): Inspection {
  const elf = readElf(bytes);
  const loaderKind = libc === "musl" ? "ld-musl" : "ld-linux";
  const others = elf.needed.filter((name) => !ofLibc.test(name));
  const needed = libc === "glibc" ? `glibc ${elf.glibc ?? "of no version"}` : "musl";
  return {
    facts: [`ELF ${elf.cpu}, ${needed}`],
    needs: others.map((name) => `needs ${name}`),
    problems: [
      ...wrong(elf.cpu !== cpu, `it is for ${elf.cpu}`),
      ...wrong(!elf.loader.includes(loaderKind), `its loader is ${elf.loader}`),
      ...wrong(
        libc === "glibc" && elf.glibc !== oldestGlibc,
        `it needs glibc ${elf.glibc ?? "?"}, and the documents say ${oldestGlibc}`,
      ),
      ...wrong(libc === "glibc" && others.length > 0, `it needs ${others.join(", ")}`),
      ...wrong(
        libc === "musl" && others.some((name) => name !== "libstdc++.so.6"),
        `it needs ${others.join(", ")}, and the documents say libstdc++`,
      ),
    ],
  };
}

function ofMachO({ cpu }: Target, bytes: Uint8Array): Inspection {
  const file = readMachO(bytes);
  const others = file.needed.filter((name) => !ofMacos.test(name));
  const { signature } = file;
  const problems = [
    ...wrong(file.cpu !== cpu, `it is for ${file.cpu}`),
    ...wrong(
      file.minimumSystem !== oldestMacos,
      `it needs macOS ${file.minimumSystem}, and the documents say ${oldestMacos}`,
    ),
    ...wrong(others.length > 0, `it needs ${others.join(", ")}`),
    ...wrong(!file.isSignatureLast, "the signature is not the end of the file"),
  ];
  if (signature === null) return { facts: [], needs: [], problems: [...problems, "not signed"] };
  const broken = signature.brokenPages.length;
  return {
    facts: [
      `Mach-O ${file.cpu}, macOS ${file.minimumSystem}`,
      `ad-hoc signature, ${signature.pages} pages verified`,
    ],
    needs: [],
    problems: [
      ...problems,
      ...wrong(broken > 0, `${broken} of ${signature.pages} signed pages differ`),
      ...wrong(!signature.isAdHoc, "the signature is not ad hoc"),
      ...signature.problems.map((problem) => `the signature: ${problem}`),
    ],
  };
}

function ofPe({ cpu }: Target, bytes: Uint8Array): Inspection {
  const file = readPe(bytes);
  return {
    facts: [`PE ${file.cpu}, console, not signed`],
    needs: [],
    problems: [
      ...wrong(file.cpu !== cpu, `it is for ${file.cpu}`),
      ...wrong(!file.isConsole, "it opens no console"),
      ...wrong(!file.sections.includes(".bun"), "it has no section with the program"),
      ...wrong(file.isSigned, "it has a signature, which does not fit it any more"),
    ],
  };
}

function wrong(isWrong: boolean, words: string): string[] {
  return isWrong ? [words] : [];
}

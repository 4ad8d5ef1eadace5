import { X509Certificate } from "node:crypto";
import { derName, derTags, derTime, type DerValue, derValues } from "./der.ts";

/** One block of a PEM file (RFC 7468). */
interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY`. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** A file's content is not what it should be; the message is a clause about the file. */
export class PemError extends Error {
  override name = "PemError";
}

/** The blocks of a PEM file. Throws PemError for one without an end, as in a file that was cut. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  const begin = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?$/gm;
  for (let found = begin.exec(text); found !== null; found = begin.exec(text)) {
    const label = found[1] ?? "";
    const end = text.indexOf(`-----END ${label}-----`, begin.lastIndex);
    const next = text.indexOf("-----BEGIN ", begin.lastIndex);
    if (end < 0 || (next >= 0 && next < end))
      throw new PemError(`${placed(blocks, label)} has no end: the file was cut, or damaged`);
    blocks.push({ label, bytes: Buffer.from(text.slice(begin.lastIndex, end), "base64") });
    begin.lastIndex = end;
  }
  return blocks;
}

/** All certificates among the blocks, in order. Throws PemError for one that can't be read. */
export function certificatesOf(blocks: readonly PemBlock[]): readonly X509Certificate[] {
  return blocks.flatMap(({ label, bytes }, index) => {
    if (label !== "CERTIFICATE" && label !== "X509 CERTIFICATE") return [];
    try {
      return [new X509Certificate(bytes)];
    } catch {
      throw new PemError(`${placed(blocks.slice(0, index), label)} is damaged`);
    }
  });
}

/** A list of revoked certificates (RFC 5280, section 5). */
export interface RevocationList {
  /** As `subjectName` of its CA. */
  readonly issuer: string;
  /** Milliseconds of Unix time. */
  readonly from: number;
  /** Infinity: it has no end. */
  readonly to: number;
}

/** All lists among the blocks. Throws PemError for one that can't be read. */
export function revocationListsOf(blocks: readonly PemBlock[]): readonly RevocationList[] {
  return blocks.flatMap(({ label, bytes }, index) => {
    if (label !== "X509 CRL") return [];
    try {
      const [issuer, from, to] = fieldsOf(bytes, derTags.integer).slice(1);
      if (issuer === undefined || from === undefined) throw new RangeError("no issuer");
      return [
        { issuer: derName(issuer), from: derTime(from), to: isTime(to) ? derTime(to) : Infinity },
      ];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new PemError(`${placed(blocks.slice(0, index), label)} is damaged`);
    }
  });
}

/** Whether the lists in a PEM text revoke a certificate, given as DER. Throws PemError. */
export function revocationsIn(text: string): (certificate: Uint8Array) => boolean {
  const revoked = new Set<string>();
  for (const { label, bytes } of pemBlocks(text)) {
    if (label !== "X509 CRL") continue;
    const [, issuer, ...others] = fieldsOf(bytes, derTags.integer);
    const entries = others.find(({ tag }) => tag === derTags.sequence);
    if (issuer === undefined || entries === undefined) continue;
    const by = derName(issuer);
    for (const { content } of derValues(entries.content)) {
      const [serial] = derValues(content);
      if (serial !== undefined) revoked.add(by + numberOf(serial));
    }
  }
  return (certificate) => {
    const [serial, , issuer] = fieldsOf(certificate, derTags.context0);
    if (serial === undefined || issuer === undefined) return false;
    return revoked.has(derName(issuer) + numberOf(serial));
  };
}

function numberOf({ content }: DerValue): string {
  return Buffer.from(content).toString("hex");
}

/** Equal for equal names. */
export function subjectName({ raw }: X509Certificate): string {
  const subject = fieldsOf(raw, derTags.context0)[4];
  return subject === undefined ? "" : derName(subject);
}

/** What is signed in a certificate or list, without its version, which may be absent. */
function fieldsOf(bytes: Uint8Array, versionTag: number): readonly DerValue[] {
  const [whole] = derValues(bytes);
  const [signed] = derValues(whole?.content ?? bytes);
  const fields = derValues(signed?.content ?? new Uint8Array());
  return fields[0]?.tag === versionTag ? fields.slice(1) : fields;
}

function isTime(value: DerValue | undefined): value is DerValue {
  return value?.tag === derTags.utcTime || value?.tag === derTags.generalizedTime;
}

/** `its CERTIFICATE`, `its CERTIFICATE 2`: behind the blocks `before`. */
function placed(before: readonly PemBlock[], label: string): string {
  const number = before.filter((block) => block.label === label).length + 1;
  return number === 1 ? `its ${label}` : `its ${label} ${number}`;
}

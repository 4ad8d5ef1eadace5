import { execFile } from "node:child_process";
import { NotOffered } from "../no-verdict.ts";

/** The veth's end that the child has, in a namespace where no name can clash. */
const inside = "mqttd0";
const commandTimeoutMs = 5000;
/** So wide a route (a VPN's `0.0.0.0/1`) gives way to any other, and nobody's network is in it. */
const narrowestDefault = 7;
const attemptsMax = 64;

/**
 * A veth between this machine and the network namespace of a process. The namespace has no name and
 * lives as long as the process, so that a veth is left behind by nobody, not even by who is killed.
 */
export class NamespaceLink {
  /** Addresses of this machine's end and of the process's. */
  readonly host: string;
  readonly guest: string;
  readonly #name: string;
  readonly #pid: number;

  constructor(pid: number, subnet: Subnet) {
    this.#pid = pid;
    this.host = subnet.host;
    this.guest = subnet.guest;
    this.#name = `mqttd${crypto.randomUUID().slice(0, 8)}`;
  }

  /** Puts both ends up. Rejects with NotOffered when the machine does not let us. */
  async open(): Promise<void> {
    const peer = ["peer", "name", inside, "netns", String(this.#pid)];
    await run("ip", ["link", "add", this.#name, "type", "veth", ...peer]);
    await run("ip", ["address", "add", `${this.host}/30`, "dev", this.#name]);
    const alias = `mqttd simulate-drop, process ${process.pid}`;
    await run("ip", ["link", "set", this.#name, "up", "alias", alias]);
    await this.#enter(["address", "add", `${this.guest}/30`, "dev", inside]);
    await this.#enter(["link", "set", inside, "up"]);
  }

  /** The link goes down at the process's end: neither a FIN nor a RST can come from there any more. */
  async down(): Promise<void> {
    await this.#enter(["link", "set", inside, "down"]);
  }

  /** Removes both ends, if they are still there. Rejects when they can't be. */
  async remove(): Promise<void> {
    await run("ip", ["link", "delete", this.#name]).catch(async (error: unknown) => {
      if ((await run("ip", ["-oneline", "link", "show"])).includes(` ${this.#name}@`)) throw error;
    });
  }

  async #enter(words: readonly string[]): Promise<void> {
    await run("nsenter", ["--target", String(this.#pid), "--net", "ip", ...words]);
  }
}

export interface Subnet {
  readonly host: string;
  readonly guest: string;
}

/** A private network of four addresses that no route leads to. Rejects with NotOffered. */
export async function freeSubnet(): Promise<Subnet> {
  const routes = await run("ip", ["-4", "route", "show", "table", "all"]);
  const subnet = subnetBeside(routes, Math.random);
  if (subnet === null) throw new NotOffered("no private network of four addresses is free here");
  return subnet;
}

/**
 * One beside those in `routes`, as `ip route` prints them, that is drawn by `random` (0 to 1, without
 * 1). Null: there seems to be none.
 */
export function subnetBeside(routes: string, random: () => number): Subnet | null {
  const taken = routes.split("\n").flatMap((line) => blockOf(line) ?? []);
  for (let tried = 0; tried < attemptsMax; tried++) {
    const range = privateRanges[tried % privateRanges.length] ?? privateRanges[0];
    const base = range.base + 4 * Math.floor((random() * 2 ** (32 - range.bits)) / 4);
    const isFree = taken.every(({ first, size }) => base + 4 <= first || base >= first + size);
    if (isFree) return { host: addressText(base + 1), guest: addressText(base + 2) };
  }
  return null;
}

/** RFC 1918's, and the one for benchmarks (RFC 2544). */
const privateRanges = [
  { base: addressNumber("10.0.0.0"), bits: 8 },
  { base: addressNumber("172.16.0.0"), bits: 12 },
  { base: addressNumber("192.168.0.0"), bits: 16 },
  { base: addressNumber("198.18.0.0"), bits: 15 },
] as const;

/** Where a route leads to; null: to everywhere, or it is none. */
function blockOf(line: string): { readonly first: number; readonly size: number } | null {
  // The kind of a route (`local`, `unreachable`) may stand before its destination.
  const [, address, bits = "32"] = /^(?:[a-z]+ )?(\d+(?:\.\d+){3})(?:\/(\d+))?\b/.exec(line) ?? [];
  if (address === undefined || Number(bits) <= narrowestDefault) return null;
  const size = 2 ** (32 - Number(bits));
  return { first: Math.floor(addressNumber(address) / size) * size, size };
}

function addressNumber(address: string): number {
  const parts = address.split(".").map(Number);
  return [0, 1, 2, 3].reduce((sum, index) => sum * 256 + (parts[index] ?? 0), 0);
}

function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

async function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: commandTimeoutMs }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const [said = ""] = stderr.trim().split("\n");
      reject(new NotOffered(`${program} ${args[0]}: ${said === "" ? error.message : said}`));
    });
  });
}

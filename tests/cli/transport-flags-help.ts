import { expect } from "bun:test";

/** What every command with a target says of its flags for TLS and unix sockets, however it breaks lines. */
const text =
  "--unix FILE its unix socket, in place of host and port " +
  "--cafile FILE TLS: trust brokers whose certificate this CA issued (PEM) " +
  "--capath FOLDER TLS: trust every CA in this folder " +
  "--cert FILE TLS: show the broker this client certificate (PEM); needs --key " +
  "--key FILE TLS: its private key (PEM) " +
  "--passphrase-file FILE TLS: the passphrase of the key " +
  "--insecure TLS: accept any name; without --cafile, any issuer as well " +
  "--tls-server-name NAME TLS: ask for this name, and expect it in the certificate";

/** A command's help with one line for those flags, after it has compared them with `text`. */
export function withoutTransportFlags(help: string): string {
  const block =
    /^ +--unix FILE [^]*?^ +--tls-server-name .*\n(?: {20,}\S.*\n)*/m.exec(help)?.[0] ?? "";
  expect(block.trim().replace(/\s+/g, " ")).toBe(text);
  return help.replace(block, "      (TLS and unix sockets)\n");
}

import * as z from "zod";
import { isAddressOrNetwork } from "../transport/trusted-addresses.ts";
import { address, choice, count, file, kind, yesOrNo } from "./value-kinds.ts";

/** Where clients connect: a listener, with its TLS. */

export const certificatesMax = 64;
export const originsMax = 64;
export const proxiesMax = 64;

/** The port of a listener that names none. */
export const defaultPorts = { tcp: 1883, tls: 8883, ws: 9001, wss: 9001, unix: 0 } as const;

const networkForm = 'an address or a network, such as "10.0.0.7" or "10.0.0.0/8"';
const originForm = '"http://localhost:3000", "null" or "*"';

const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;

const certificateKeys = {
  cert: file()
    .default(null)
    .describe("PEM file with the certificate, and those between it and its CA."),
  key: file().default(null).describe("PEM file with the certificate's private key."),
  passphraseFile: file()
    .default(null)
    .describe(
      "File whose first line is the passphrase of an encrypted key; null: it is not encrypted.",
    ),
};

export const tlsSchema = z.strictObject({
  ...certificateKeys,
  certificates: z
    .array(z.strictObject(certificateKeys))
    .max(certificatesMax, { error: `up to ${certificatesMax} certificates` })
    .default([])
    .describe("Further certificates, chosen by the name that the client wants to reach (SNI)."),
  ca: file()
    .default(null)
    .describe(
      "PEM file with the CAs that may sign clients' certificates; null: those of the system.",
    ),
  crl: file().default(null).describe("PEM file with the CA's list of revoked certificates."),
  requestCert: yesOrNo()
    .default(false)
    .describe("Whether clients have to give a certificate that is valid by ca and crl."),
  identityAsUsername: yesOrNo()
    .default(false)
    .describe(
      "Whether the common name of the client's certificate is its user name, without a password.",
    ),
  minVersion: choice(tlsVersions).default("TLSv1.2").describe("The oldest version to accept."),
});

export const listenerSchema = z.strictObject({
  port: count({ min: 0, max: 65_535, form: "a port from 0 to 65535 (0 takes a free one)" })
    .default(defaultPorts.tcp)
    .describe("TCP port; 0 takes a free one. The default is 8883 for tls, 9001 for ws and wss."),
  host: address()
    .default(null)
    .describe("Address to listen on; null or localhost: 127.0.0.1 and ::1, this machine only."),
  transport: choice(["tcp", "tls", "ws", "wss", "unix"])
    .default("tcp")
    .describe(
      "How bytes arrive: tcp, tls (TLS on TCP), ws (WebSocket), wss (WebSocket on TLS), or unix (a " +
        "socket that is a file).",
    ),
  path: file()
    .default(null)
    .describe(
      "unix: the socket's file; host and port mean nothing then. ws and wss: the path of the URL; null: any.",
    ),
  origins: z
    .array(
      kind(
        z
          .string({ error: originForm })
          // Without flags, which a JSON Schema has no place for.
          .regex(/^(?:\*|[Nn][Uu][Ll][Ll]|[A-Za-z][A-Za-z\d+.-]*:\/\/[^/\s]+)$/, {
            error: originForm,
          })
          .describe("An origin, null for pages without one, or * for all."),
        { allowed: originForm, words: ["*"] },
      ),
    )
    .max(originsMax, { error: `up to ${originsMax} origins` })
    .optional()
    .describe(
      "ws and wss: origins of the pages that may connect, localhost's too, * for all; if absent, those on a " +
        "loopback address, or on the address that they connect to.",
    ),
  proxyProtocol: z
    .strictObject({
      from: z
        .array(
          kind(
            z
              .string({ error: networkForm })
              .refine(isAddressOrNetwork, { error: networkForm })
              .describe("An address, or a network."),
            { allowed: networkForm },
          ),
        )
        .max(proxiesMax, { error: `up to ${proxiesMax} addresses` })
        .default([])
        .describe("Addresses of the proxies; connections from others are closed."),
    })
    .optional()
    .describe(
      "If present, each connection has to begin with a PROXY header (version 1 or 2), which names the " +
        "client.",
    ),
  tls: tlsSchema.optional().describe("tls and wss: certificates, and who may connect."),
  allowAnonymous: yesOrNo()
    .optional()
    .describe(
      "Whether clients without a user name may connect; if absent, auth.allowAnonymous decides.",
    ),
  passwordFile: file()
    .optional()
    .describe("Accounts of this listener; null: none; if absent, those of auth.passwordFile."),
  aclFile: file()
    .optional()
    .describe("Access list of this listener; null: none; if absent, that of auth.aclFile."),
  mountPoint: mountPoint()
    .default("")
    .describe(
      "Prefix for every topic of this listener's clients, removed on delivery; a Response Topic is " +
        "passed on unchanged.",
    ),
  connections: count({ min: 1, max: 10_000_000 })
    .optional()
    .describe("Open connections of this listener; if absent, only limits.connections applies."),
});

function mountPoint() {
  const error = "a topic prefix that ends with /, of up to 256 characters, without wildcards";
  const prefix = z
    .string({ error })
    .max(256, { error })
    // oxlint-disable-next-line no-control-regex -- No topic may contain U+0000 (v5-1.5.4-2).
    .regex(/^(?:[^+#\u0000]*\/)?$/, { error });
  return kind(prefix, { allowed: error });
}

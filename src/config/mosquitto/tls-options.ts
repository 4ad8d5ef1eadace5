import { keepsOut, mistake, needless, type Outcome, refused, taken } from "./account.ts";
import {
  any,
  type Context,
  fileName,
  flag,
  given,
  isTrue,
  type Option,
  text,
  word,
} from "./option.ts";

/** The options of a listener's TLS. */
export const tlsOptions: Readonly<Record<string, Option>> = {
  certfile: fileName("listener", (file, context) =>
    given(context.listener, "keyfile") === null
      ? mistake("keyfile is missing: mosquitto would listen without TLS here")
      : taken({ "tls.cert": file }),
  ),
  keyfile: fileName("listener", (file, context) =>
    given(context.listener, "certfile") === null
      ? mistake("certfile is missing: mosquitto would listen without TLS here")
      : taken({ "tls.key": file }),
  ),
  cafile: fileName("listener", (file, context) => forClients(context, { "tls.ca": file })),
  crlfile: fileName("listener", (file, context) => forClients(context, { "tls.crl": file })),
  capath: fileName("listener", (folder, { listener }) =>
    isTrue(listener, "require_certificate")
      ? keepsOut(`mqttd takes one file: cat ${folder}/*.pem > ca.pem, then cafile`)
      : needless("without require_certificate nobody checks clients' certificates"),
  ),
  require_certificate: flag("listener", (yes, context) => {
    if (!yes) return taken();
    if (!hasTls(context)) return mistake(withoutTls);
    const { listener } = context;
    if (given(listener, "cafile") === null && given(listener, "capath") === null) {
      return mistake("cafile is missing: it names the CAs of clients' certificates");
    }
    return taken({ "tls.requestCert": true });
  }),
  use_identity_as_username: flag("listener", (yes, context) => {
    if (!yes) return needless("it is off");
    if (!isTrue(context.listener, "require_certificate")) {
      return mistake("require_certificate true is missing: without it there is no identity");
    }
    return taken({ "tls.identityAsUsername": true });
  }),
  use_subject_as_username: flag("listener", (yes) =>
    yes ? keepsOut("mqttd takes the common name: use_identity_as_username") : needless("it is off"),
  ),
  tls_version: word("listener", ["tlsv1.3", "tlsv1.2", "tlsv1.1", "tlsv1"], (version, context) => {
    if (!hasTls(context)) return needless("this listener has no TLS");
    const why = "it is the lowest version, not the only one";
    if (version === "tlsv1.3") return taken({ "tls.minVersion": "TLSv1.3" }, why);
    const isOld = version !== "tlsv1.2";
    const set = { "tls.minVersion": "TLSv1.2" };
    return taken(set, isOld ? "the lowest that mqttd takes" : why);
  }),
  ciphers: text("listener", () => refused("the ciphers are those of the runtime's TLS library")),
  "ciphers_tls1.3": text("listener", () =>
    refused("the ciphers are those of the runtime's TLS library"),
  ),
  dhparamfile: text("listener", () => needless("the TLS library brings its parameters")),
  tls_engine: text("listener", engine),
  tls_keyform: word("listener", ["pem", "engine"], (form) => (form === "pem" ? taken() : engine())),
  tls_engine_kpass_sha1: text("listener", engine),
  disable_client_cert_date_checks: flag("listener", (yes) =>
    yes ? refused("mqttd refuses certificates that have expired") : needless("it is off"),
  ),
  psk_hint: text("listener", () =>
    keepsOut("mqttd has no TLS with pre-shared keys: use certificates"),
  ),
  psk_file: text("security", () =>
    keepsOut("mqttd has no TLS with pre-shared keys: use certificates"),
  ),
  protocol: word("listener", ["mqtt", "mqttsn", "websockets", "http_api"], (name, context) => {
    if (name === "mqtt") return taken();
    if (name !== "websockets") return keepsOut(`mqttd has no ${name}: leave this listener out`);
    const origins = given(context.listener, "websockets_origin");
    return taken(
      { transport: hasTls(context) ? "wss" : "ws" },
      "",
      origins === null
        ? 'pages of other origins than this machine are refused; mosquitto lets in all: add "origins": ["*"]'
        : undefined,
    );
  }),
  websockets_origin: any("listener", (_, { listener }) => {
    const all = (listener?.lines.get("websockets_origin") ?? []).map(({ value }) => value);
    return taken({ origins: all });
  }),
};

const withoutTls = "certfile and keyfile are missing: this listener has no TLS";

function hasTls({ listener }: Context): boolean {
  return given(listener, "certfile") !== null && given(listener, "keyfile") !== null;
}

/** `ca` and `crl` are for listeners that ask for a certificate. */
function forClients(context: Context, set: Readonly<Record<string, unknown>>): Outcome {
  if (!isTrue(context.listener, "require_certificate")) {
    return needless("without require_certificate nobody checks clients' certificates");
  }
  return hasTls(context) ? taken(set) : mistake(withoutTls);
}

function engine(): Outcome {
  return keepsOut("mqttd reads keys from PEM files only");
}

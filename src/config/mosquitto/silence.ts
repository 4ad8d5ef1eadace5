import { isLoopbackName, oldAddress } from "./listeners.ts";
import type { Scopes } from "./scopes.ts";
import type { Written } from "./written.ts";

/** What mosquitto does where no line says anything: values beside those `written`, and notes. */
export function silence(
  { global, first, listeners, isPerListener }: Scopes,
  written: readonly Written[],
): { readonly values: readonly Written[]; readonly notes: readonly string[] } {
  const values: Written[] = [];
  const notes = ["read as mosquitto 2.x reads it"];
  const valueOf = (path: string): unknown =>
    [...written, ...values].find((one) => one.path === path)?.value;
  const quiet = (path: string, value: unknown, at = "mosquitto's default"): void => {
    if (valueOf(path) === undefined) values.push({ path, value, at });
  };
  const bases = listeners.map((_, place) => `listeners.${place}`);

  if (listeners[0] === first) {
    const isNamed = ["port", "bind_address"].some((name) => global.lines.has(name));
    if (!isNamed) {
      notes.push("options above the first listener: mosquitto listens on port 1883 as well");
    }
    const address = oldAddress(global, first);
    if ("set" in address) {
      for (const [key, value] of Object.entries(address.set)) quiet(`listeners.0.${key}`, value);
    }
  }
  for (const base of bases) {
    const cert = written.find(({ path }) => path === `${base}.tls.cert`);
    if (cert !== undefined) quiet(`${base}.transport`, "tls", cert.at);
  }
  if (isPerListener) for (const base of bases) quiet(`${base}.allowAnonymous`, false);
  else if (listeners.length === 0) {
    notes.push("no listener: port 1883 on loopback");
    quiet("auth.allowAnonymous", true);
  } else {
    const isSaid = bases.every((base) => valueOf(`${base}.allowAnonymous`) !== undefined);
    if (valueOf("auth.allowAnonymous") === undefined && !isSaid) {
      notes.push("no allow_anonymous beside a listener: clients without a user name are refused");
    }
    quiet("auth.allowAnonymous", false);
  }
  const isOpen = bases.some((base) => {
    const host = valueOf(`${base}.host`);
    if (typeof host !== "string" || isLoopbackName(host)) return false;
    if (valueOf(`${base}.tls.requestCert`) === true) return false;
    return (valueOf(`${base}.allowAnonymous`) ?? valueOf("auth.allowAnonymous")) === true;
  });
  if (isOpen) notes.push("anybody on the network may connect without a password");
  notes.push("limits that no line sets are mqttd's own (mqttd config print)");
  return { values, notes };
}

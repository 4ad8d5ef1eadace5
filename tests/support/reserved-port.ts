/** Below the ports that systems give to those who ask for any, and above those of known services. */
const first = 10_000;
const count = 20_000;
const triesMost = 100;

/**
 * A port of loopback on which nothing listens, and which no program gets that asks for port 0: it is
 * still free where a test uses it later, or again. Throws if all that it tries are taken.
 */
export function reservedPort(): number {
  for (let tries = 0; tries < triesMost; tries++) {
    const port = first + Math.floor(Math.random() * count);
    if (isFree("127.0.0.1", port) && isFree("::1", port)) return port;
  }
  throw new Error(`${triesMost} ports were tried, and none is free`);
}

function isFree(hostname: string, port: number): boolean {
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
    return true;
  } catch (error) {
    // A machine without IPv6 has no other address.
    return (error as { code?: unknown }).code !== "EADDRINUSE";
  }
}

import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { revocationsIn } from "../../src/config/pem.ts";
import { Authority, opensslMissing } from "../support/certificates.ts";

const why = opensslMissing === null ? "" : ` (skipped: ${opensslMissing})`;

test.skipIf(opensslMissing !== null)(
  `a list revokes certificates of its own CA, by their serial numbers${why}`,
  () => {
    using lab = new Authority("Lab CA");
    using other = new Authority("Other CA");
    const [good, bad] = [lab.issue("good", ["DNS:a"]), lab.issue("bad", ["DNS:b"])];
    const isRevoked = revocationsIn(`${other.revoke([])}\n${lab.revoke([bad])}`);
    const der = (pem: string): Uint8Array => new X509Certificate(pem).raw;
    expect(isRevoked(der(bad.cert))).toBe(true);
    expect(isRevoked(der(good.cert))).toBe(false);
    // The serial number alone, of another CA, is another certificate.
    expect(revocationsIn(other.revoke([bad]))(der(bad.cert))).toBe(false);
    expect(revocationsIn("")(der(bad.cert))).toBe(false);
  },
);

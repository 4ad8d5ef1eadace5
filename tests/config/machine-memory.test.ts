import { expect, test } from "bun:test";
import { cgroupLimit } from "../../src/config/machine-memory.ts";

function limitWith(files: Readonly<Record<string, string>>): number {
  return cgroupLimit((file) => files[file] ?? null);
}

test.each([
  ["no cgroup, or no Linux", {}, Infinity],
  [
    "version 2",
    { "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "1000\n" },
    1000,
  ],
  [
    "version 2, a lower limit above its own",
    {
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/a/b/memory.max": "1000\n",
      "/sys/fs/cgroup/a/memory.max": "500\n",
    },
    500,
  ],
  [
    "version 2, none",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" },
    Infinity,
  ],
  [
    "version 2 in a container, which sees only its own folder",
    { "/proc/self/cgroup": "0::/docker/1234\n", "/sys/fs/cgroup/memory.max": "700\n" },
    700,
  ],
  [
    "version 1",
    {
      "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x:y\n",
      "/sys/fs/cgroup/memory/x:y/memory.limit_in_bytes": "300\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    },
    300,
  ],
] as const)("the limit of the cgroup: %s", (_, files, limit) => {
  expect(limitWith(files)).toBe(limit);
});

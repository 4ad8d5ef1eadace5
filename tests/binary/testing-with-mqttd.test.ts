import { expect, test } from "bun:test";
import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { buildLibrary } from "../../scripts/library.ts";
import { spawn } from "../support/child.ts";
import { documents, fencesOf } from "../support/documents.ts";
import { Folder } from "../support/executable.ts";

// Runs each example of the document as a user would: in a project that has installed the module.

const root = path.resolve(import.meta.dir, "../..");
const page = documents().get("docs/testing-with-mqttd.md") ?? "";
const examples = fencesOf(page).filter(({ text }) => text.includes("startBroker"));
const limitMs = 180_000;

const runtimes = {
  "bun:test": {
    file: "example.test.ts",
    command: [process.execPath, "test", "example.test.ts"],
    passed: /\b1 pass\n 0 fail/,
  },
  "node:test": {
    file: "example.test.js",
    command: [Bun.which("node"), "--test", "example.test.js"],
    passed: /pass 3\n[^]*fail 0\n/,
  },
  "Deno.test": {
    file: "example.test.ts",
    command: [denoProgram(), "test", "-A", "--no-check", "example.test.ts"],
    passed: /ok \| 1 passed \| 0 failed/,
  },
} as const;

function denoProgram(): string | null {
  const bin = path.join(root, "node_modules/.bin");
  return Bun.which("deno", { PATH: bin });
}

test("the document has one example for each runtime", () => {
  const names = Object.keys(runtimes);
  expect(examples.map(({ text }) => names.filter((name) => text.includes(name)))).toEqual(
    names.map((name) => [name]),
  );
});

for (const [name, { file, command, passed }] of Object.entries(runtimes)) {
  const [program, ...words] = command;
  const title = program === null ? `${name} (skipped: no such program here)` : name;
  test.skipIf(program === null)(
    `the example for ${title} passes`,
    async () => {
      using folder = await project();
      folder.write(file, examples.find(({ text }) => text.includes(name))?.text ?? "");
      await using child = spawn([program ?? "", ...words], {
        cwd: folder.path,
        env: { ...process.env, NO_COLOR: "1", DENO_DIR: folder.file("deno") },
        stderr: "pipe",
      });
      const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      const code = await child.exited;
      expect({ code, text: out + err }).toEqual({ code: 0, text: expect.stringMatching(passed) });
    },
    limitMs,
  );
}

test.skipIf(Bun.which("node") === null)(
  "many waits on one broker make Node warn of no leak",
  async () => {
    using folder = await project();
    folder.write(
      "waits.js",
      'import { startBroker } from "mqttd";\nconst broker = await startBroker();\n' +
        "for (let n = 0; n < 12; n++) await broker.messages();\nawait broker.stop();\n",
    );
    await using child = spawn([Bun.which("node") ?? "", "waits.js"], {
      cwd: folder.path,
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect({ code: await child.exited, text: out + err }).toEqual({ code: 0, text: "" });
  },
  limitMs,
);

test(
  "the declarations fit the examples, and refuse a wrong option",
  async () => {
    using folder = await project();
    const [bun = ""] = examples.map(({ text }) => text);
    folder.write(
      "right.ts",
      bun.replace(/^import .* "bun:test";$/m, "declare const expect: any, test: any;"),
    );
    folder.write(
      "wrong.ts",
      'import { startBroker } from "mqttd";\nawait startBroker({ clck: "test" });\n',
    );
    folder.write(
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: {
          ...{ target: "ESNext", lib: ["ESNext"], module: "NodeNext", strict: true, noEmit: true },
          ...{ skipLibCheck: true, types: [] },
        },
        include: ["*.ts"],
      }),
    );
    await using child = spawn([process.execPath, "check", "--no-pretty"], {
      cwd: folder.path,
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(out + err).toContain("wrong.ts");
    expect(out + err).toContain("'clck' does not exist in type 'BrokerOptions'");
    expect((out + err).match(/error TS/g)).toHaveLength(1);
  },
  limitMs,
);

/** A folder in which the module and mqtt.js are installed. */
async function project(): Promise<Folder> {
  const folder = new Folder({
    "package.json": JSON.stringify({
      type: "module",
      devDependencies: { mqtt: "*", mqttd: "*" },
    }),
  });
  const installed = folder.file("node_modules/mqttd");
  await buildLibrary(path.join(installed, "dist"));
  cpSync(path.join(root, "package.json"), path.join(installed, "package.json"));
  mkdirSync(folder.file("node_modules"), { recursive: true });
  symlinkSync(path.join(root, "node_modules/mqtt"), folder.file("node_modules/mqtt"));
  return folder;
}

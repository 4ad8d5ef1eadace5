/** Where README.md goes on with what only the sources have. */
const ofSources = "## Two commands";

const use = `## Use

\`\`\`sh
npx mqttd serve
npx mqttd sub -t 'home/#' -v
npx mqttd inspect explain dev-42
npx mqttd simulate-drop --embedded
\`\`\`

\`npx mqttd --help\` lists the commands, each of which has a \`--help\` of its own; \`npx mqttd man DIR\` writes manual
pages. In a test:

\`\`\`js
import { startBroker } from "mqttd";

const broker = await startBroker();
\`\`\`

Files named here, such as docs/install.md, come with the sources.
`;

/**
 * README.md for a page that shows one file alone, as that of an npm package: what mqttd is and how to
 * use the package. A link to another file becomes that file's name, and pictures are left out. Throws
 * an Error if README.md has no such part.
 */
export function packageReadme(readme: string): string {
  const end = readme.indexOf(`\n${ofSources}\n`);
  if (end < 0) throw new Error(`README.md has no line ${ofSources}`);
  const about = readme
    .slice(0, end)
    .replace(/!\[[^\]]*\]\([^)]*\)\n*/g, "")
    .replace(/\[([^\]]*)\]\((?!https:)([^)#]*)[^)]*\)/g, (_, text: string, file: string) =>
      text === file ? file : `${text} (${file})`,
    );
  return `${about.trimEnd()}\n\n${use}`;
}

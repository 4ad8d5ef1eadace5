import { createHash } from "node:crypto";
import { duration } from "../../../log/duration.ts";
import { protocolText } from "../../protocol.ts";
import { type Matter, mattersOf } from "../causes.ts";
import { brokerText, versionText } from "../comparison.ts";
import { type Recording, type ResultRecord, resultIn } from "../records.ts";
import { cellText, verdictWord } from "../table.ts";
import { closingLine } from "../text.ts";
import { html, Markup } from "./markup.ts";
import { settingsList } from "./settings-list.ts";
import { stylesheet } from "./stylesheet.ts";
import { axis, scaleOf, timeLine, timeText } from "./timeline.ts";

/**
 * A run as one HTML page, from what `--json` printed. It asks nothing of the network and runs no
 * script; its own policy forbids both.
 */
export function htmlPage(recording: Recording): string {
  const { run, results } = recording;
  const order = (record: ResultRecord): number => run.scenarios.indexOf(record.id);
  const sorted = results.toSorted((a, b) => order(a) - order(b));
  const scenarios = [...new Set(sorted.map(({ id }) => id))].map((id) =>
    sorted.filter((record) => record.id === id),
  );
  const matters = mattersOf(sorted.map(resultIn));
  const policy = `default-src 'none'; img-src data:; style-src '${hashOf(stylesheet)}'`;
  const style = new Markup(`<style>${stylesheet}</style>`);
  const page = html`<!DOCTYPE html>
    <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <title>simulate-drop: ${run.target}</title>
        ${style}
      </head>
      <body>
        <header>
          <h1>mqttd simulate-drop: ${run.target}</h1>
          ${headLines(recording)}
        </header>
        <main>
          ${section(
            "What is not right",
            matters.map((matter) => matterCard(matter, run.via)),
          )}
          ${section("Results", scenarios.length === 0 ? [] : [resultTable(scenarios, run.via)])}
          ${section("Time lines", scenarios.length === 0 ? [] : [legend, ...scenarios.map((own) => scenarioCard(own, run.via))])}
          ${section("This run", [settingsList(recording)])}
        </main>
      </body>
    </html> `;
  return page.text;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function section(title: string, inner: readonly Markup[]): Markup {
  return inner.length === 0
    ? html``
    : html`<section>
        <h2>${title}</h2>
        ${inner}
      </section>`;
}

function headLines({ run, summary }: Recording): Markup {
  const via = run.via === null ? [] : [html`<p>and via ${run.via}</p>`];
  const cut = summary?.cutShort ?? null;
  const worst = summary?.worstKeepaliveLatenessMs ?? null;
  const lines = [
    ...(summary === null
      ? []
      : [html`<p><strong>${closingLine(summary, summary.elapsedMs)}</strong></p>`]),
    ...(worst === null
      ? []
      : [html`<p>Keepalive deadlines were at worst ${duration(worst)} late.</p>`]),
    ...(cut === null ? [] : [html`<p>The run was cut short: ${cut}.</p>`]),
    html`<p>Broker: ${brokerText({ run })}</p>`,
    html`<p class="quiet">${run.at}, mqttd ${versionText({ run })}</p>`,
  ];
  return html`${[...via, ...lines]}`;
}

/** A cause, once, however many scenarios show it. */
function matterCard(
  { verdict, names, id, results, seen, means }: Matter,
  via: string | null,
): Markup {
  const ways = results.map(({ protocol, target }) =>
    wayOf({ protocol: protocolText(protocol), target }, via),
  );
  const rules = [...new Set(results.map(({ rule }) => rule))].join(", ");
  const meaning = means === null ? [] : [html`<p>${means}</p>`];
  return html`<article class="card">
    <h3>
      <span class="${verdict}">${verdictWord(verdict)}</span> ${names.join(", ")}
      (${[...new Set(ways)].join(", ")})
    </h3>
    <p>${seen}.</p>
    ${meaning}
    <p class="quiet">Rule ${rules}. By hand: <code>mqttd simulate-drop --show ${id}</code></p>
  </article>`;
}

/** One row a scenario; on a phone its cells stand below each other. */
function resultTable(scenarios: readonly (readonly ResultRecord[])[], via: string | null): Markup {
  const all = scenarios.flat();
  const ways = [...new Set(all.map((record) => wayOf(record, via)))].sort();
  const heads = ways.map((way) => html`<th scope="col" role="columnheader">${way}</th>`);
  const rows = scenarios.map((own) => {
    const [{ id, title, rule } = { id: "", title: "", rule: "" }] = own;
    const cells = ways.map((way) => {
      const record = own.find((one) => wayOf(one, via) === way);
      if (record === undefined) return html`<td role="cell" data-head="${way}">-</td>`;
      return html`<td role="cell" data-head="${way}">
        <span class="${record.verdict}">${cellText(record)}</span>
      </td>`;
    });
    return html`<tr role="row">
      <th scope="row" role="rowheader">
        <a href="#s-${id}">${id}</a><br /><span class="quiet">${title}; ${rule}</span>
      </th>
      ${cells}
    </tr>`;
  });
  return html`<table role="table">
    <thead role="rowgroup">
      <tr role="row">
        <th scope="col" role="columnheader">scenario</th>
        ${heads}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows}
    </tbody>
  </table>`;
}

/** All arms of one scenario at one scale, and what was seen. */
function scenarioCard(own: readonly ResultRecord[], via: string | null): Markup {
  const [{ id, title } = { id: "", title: "" }] = own;
  const arms = own.flatMap((record) => record.arms);
  const scale = scaleOf(arms);
  const parts = own.map((record) => {
    const lines = record.arms.map(
      (arm) =>
        html`<p>
            <span class="${arm.verdict}">${verdictWord(arm.verdict)}</span>
            ${wayOf(record, via)}${arm.arm === "" ? "" : ` [${arm.arm}]`}: ${timeText(arm)}
          </p>
          ${timeLine(arm, scale)}`,
    );
    const tries = record.tries > 1 ? ` (played ${record.tries} times)` : "";
    const words =
      record.verdict === "pass" && record.means === null
        ? []
        : [
            html`<p>
              ${wayOf(record, via)}:
              <span class="${record.verdict}">${verdictWord(record.verdict)}</span>,
              ${record.detail}${tries}. ${record.means ?? ""}
            </p>`,
          ];
    return html`${[...lines, ...words]}`;
  });
  const times = arms.length === 0 ? [] : [axis(scale)];
  return html`<article class="card" id="s-${id}">
    <h3>${id} <span class="quiet">${title}</span></h3>
    ${[...parts, ...times]}
  </article>`;
}

function wayOf(
  { protocol, target }: Pick<ResultRecord, "protocol" | "target">,
  via: string | null,
): string {
  return `MQTT ${protocol}${target === via ? " via" : ""}`;
}

const signs: readonly (readonly [string, Markup])[] = [
  ["the drop", html`<line class="drop" x1="50%" x2="50%" y1="3" y2="25" />`],
  ["when the will was due", html`<line class="due" x1="50%" x2="50%" y1="3" y2="25" />`],
  ["when it came", html`<circle class="came" cx="50%" cy="14" r="5" />`],
  [
    "the end of the watch: a will was due, and none came",
    html`<circle class="none" cx="50%" cy="14" r="5" />`,
  ],
];

const legend = html`<div class="key">
    ${signs.map(([words, sign]) => html`<svg aria-hidden="true">${sign}</svg><span>${words}</span>`)}
  </div>
  <p class="quiet">
    Times count from the drop, or from the last packet of a client that falls silent.
  </p>`;

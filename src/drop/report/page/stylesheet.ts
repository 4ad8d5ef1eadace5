/** Of the page; tests compute the contrast of these colours. No URL is in it. */
export const stylesheet = `
:root { color-scheme: light dark;
  --paper: #ffffff; --card: #f6f8fa; --text: #1b1f24; --quiet: #57606a; --rim: #d0d7de;
  --pass: #116329; --fail: #a40e26; --finding: #7d4e00; --late: #7d4e00; --inconclusive: #6639ba; --skipped: #57606a; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #0d1117; --card: #161b22; --text: #e6edf3; --quiet: #9198a1; --rim: #3d444d;
  --pass: #56d364; --fail: #ff7b72; --finding: #e3b341; --late: #e3b341; --inconclusive: #d2a8ff; --skipped: #9198a1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--paper); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; }
a { color: inherit; }
code { font: .9em ui-monospace, monospace; }
.quiet { color: var(--quiet); }
.pass { color: var(--pass); } .fail { color: var(--fail); } .finding { color: var(--finding); }
.late { color: var(--late); } .inconclusive { color: var(--inconclusive); } .skipped { color: var(--skipped); }
.card { background: var(--card); border: 1px solid var(--rim); border-radius: .4rem; padding: .75rem; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-top: 1px solid var(--rim);
  font-weight: normal; }
thead th { border: 0; font-weight: bold; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; min-width: 0; }
svg { display: block; width: 100%; height: 1.75rem; }
svg text { fill: var(--quiet); font-size: .75rem; }
svg .axis, svg .watched { stroke: var(--quiet); stroke-width: 1; }
svg .drop { stroke: var(--text); stroke-width: 2; }
svg .due { stroke: var(--text); stroke-width: 2; stroke-dasharray: 3 3; }
svg .lag { stroke: currentColor; stroke-width: 5; }
svg .came { fill: currentColor; }
svg .none { fill: var(--card); stroke: currentColor; stroke-width: 2; }
.key { display: grid; grid-template-columns: 3rem 1fr; gap: 0 .75rem; align-items: center; }
@media (max-width: 40rem) {
  thead { display: none; }
  table, tbody, tr, th, td { display: block; }
  tr { border-top: 1px solid var(--rim); padding: .4rem 0; }
  th, td { border: 0; padding: 0; }
  td[data-head]::before { content: attr(data-head) ": "; color: var(--quiet); }
  dl { display: block; } dd { margin: 0 0 .5rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .card, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  a { text-decoration: none; }
  svg { print-color-adjust: exact; }
}
`;

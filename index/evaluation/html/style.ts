/** Of the report, on a page of its own and inside another one. */
export const REPORT_STYLE = `
.report { --text: #15191c; --soft: #5a656d; --line: #dfe3e6; --accent: #0f766e; --second: #b45309; --ground: #ffffff;
  color-scheme: light dark; display: block; max-width: 900px; margin: 0 auto; padding: 1.5rem; box-sizing: border-box;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; color: var(--text); background: var(--ground); }
@media (prefers-color-scheme: dark) {
  .report { --text: #e8ecee; --soft: #9aa6ad; --line: #2a3136; --accent: #2dd4bf; --second: #f0a653; --ground: #171b1e; }
}
.report h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
.report h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.report p, .report figure { margin: .5rem 0; }
.report figcaption { color: var(--soft); }
.report figure, .report section { overflow-x: auto; }
.report table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.report th, .report td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
.report th:first-child, .report td:first-child { text-align: left; }
.report th { color: var(--soft); font-weight: 600; }
.report dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
.report dt { color: var(--soft); }
.report dd { margin: 0; overflow-wrap: anywhere; }
.report svg text { font-size: 12px; fill: var(--text); }
.report svg .name { text-anchor: end; }
.report svg .tick { text-anchor: middle; fill: var(--soft); }
.report svg .count { text-anchor: middle; font-size: 10px; }
.report svg .grid { stroke: var(--line); }
.report svg .bar { fill: var(--accent); fill-opacity: .55; }
.report svg .whisker { stroke: var(--text); stroke-width: 1.4; fill: none; }
.report svg .right { fill: var(--accent); }
.report svg .wrong { fill: var(--second); }
`;

import type { EvaluationJson } from '../present.js';
import type { EvaluationReport } from '../types.js';
import { type Markup, markup } from './markup.js';
import {
  annSections,
  comparisonSection,
  editsSections,
  labelsSections,
  pairsSections,
  problemsSection,
} from './sections.js';
import { REPORT_STYLE } from './style.js';

const TITLES: Record<EvaluationReport['protocol'], string> = {
  labels: 'Recall by labels',
  edits: 'Recall of edited clips',
  pairs: 'Recall of given targets',
  ann: 'Recall of the index',
};

/** One HTML file with everything in it: no script, and nothing that is fetched from elsewhere. */
export function reportHtml(evaluation: EvaluationJson): string {
  const title = `${TITLES[evaluation.protocol]} – Cliptrace`;
  const { text } = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
`;
  return `${text}<style>${REPORT_STYLE}body { margin: 0; }</style>\n</head>\n<body>\n${body(evaluation).text}</body>\n</html>\n`;
}

function body(evaluation: EvaluationJson): Markup {
  const { report, status, error } = evaluation;
  if (report === null) {
    const why = error === null ? '' : ` ${error.code}: ${error.message}`;
    return markup`<main class="report"><h1>${TITLES[evaluation.protocol]}</h1><p>This evaluation is ${status}.${why}</p></main>\n`;
  }
  return markup`<main class="report"><h1>${TITLES[evaluation.protocol]}</h1>
${facts(evaluation, report)}
${report.comparison === null ? null : comparisonSection(report.comparison)}${sectionsOf(report)}${problemsSection(report)}</main>
`;
}

function facts({ id, endedAt }: EvaluationJson, report: EvaluationReport): Markup {
  const { model, library, settings, queryCount, elapsedSeconds } = report;
  const where = library.collection === null ? 'the whole library' : `collection ${library.collection}`;
  const rows: [string, string][] = [
    ['Evaluation', `${id}, ${endedAt ?? ''}, took ${elapsedSeconds} s`],
    ['Model', `${model.id} (${model.timesteps} timesteps of ${model.dimension} values)`],
    [
      'Library',
      `${where}: ${library.videoCount} videos, ${library.segmentCount} segments, change ${library.lastChange}`,
    ],
    ['Queries', String(queryCount)],
    ...Object.entries(settings).map(([name, value]): [string, string] => [
      name,
      Array.isArray(value) ? value.join(', ') : String(value ?? '–'),
    ]),
  ];
  return markup`<dl>${rows.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

function sectionsOf(report: EvaluationReport): Markup[] {
  switch (report.protocol) {
    case 'labels':
      return labelsSections(report);
    case 'edits':
      return editsSections(report);
    case 'pairs':
      return pairsSections(report);
    case 'ann':
      return annSections(report);
  }
}

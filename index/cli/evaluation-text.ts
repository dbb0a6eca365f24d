import type { EvaluationJson } from '../evaluation/present.js';
import type {
  AnnReport,
  ComparedFigure,
  Comparison,
  EditFigures,
  EditsReport,
  Estimate,
  EvaluationReport,
  LabelsReport,
  LeftOut,
  PairsReport,
  TimeFigures,
} from '../evaluation/types.js';
import { formatTable, plural, printable, type Terminal } from './output.js';

/** Items of a problem that the terminal shows; the JSON has more. */
const MAX_ITEMS = 10;
/** Labels that a label is confused with, as far as the terminal shows them. */
const MAX_CONFUSED = 3;

export function printEvaluation(terminal: Terminal, { id, report }: EvaluationJson): void {
  if (!report) return;
  const { model, library, elapsedSeconds } = report;
  const where =
    library.collection === null ? 'the whole library' : `collection ${printable(library.collection)}`;
  terminal.out(
    `Evaluation ${id}: ${report.protocol} over ${where} (${plural(library.videoCount, 'video')}, ` +
      `${plural(library.segmentCount, 'segment')}), model ${model.id}, ${elapsedSeconds.toFixed(1)} s`,
  );
  if (report.protocol === 'labels') printLabels(terminal, report);
  else if (report.protocol === 'ann') printAnn(terminal, report);
  else printTargets(terminal, report);
  if (report.protocol === 'edits') printEdits(terminal, report);
  if (report.comparison) printComparison(terminal, report.model.id, report.comparison);
  printProblems(terminal, report);
}

function printLabels(terminal: Terminal, report: LabelsReport): void {
  const { settings, leftOut, perLabel } = report;
  terminal.out(
    `${queryText(report.queryCount)}, ${plural(report.galleryCount, 'video')} to find, ` +
      `${settings.queries}, ranked by ${settings.ranking}; 95 % intervals\n`,
  );
  terminal.out(
    formatTable(
      ['Figure', 'Value', 'From', 'To'],
      [
        ...report.recall.map((recall) => [`recall@${recall.k}`, ...cells(recall)]),
        ['mAP', ...cells(report.meanAveragePrecision)],
      ],
    ),
  );
  if (perLabel.length > 0) {
    const confusion = new Map(report.confusion.map(({ label, nearest }) => [label, nearest]));
    terminal.out('');
    terminal.out(
      formatTable(
        ['Label', 'Queries', ...settings.k.map((k) => `R@${k}`), 'mAP', 'Nearest are'],
        perLabel.map(({ label, queryCount, recall, meanAveragePrecision }) => [
          label,
          queryCount,
          ...recall.map(({ value }) => figure(value)),
          figure(meanAveragePrecision.value),
          (confusion.get(label) ?? [])
            .slice(0, MAX_CONFUSED)
            .map((nearest) => `${nearest.label} ${nearest.count}`)
            .join(', '),
        ]),
      ),
    );
  }
  printLeftOut(terminal, leftOut);
}

function printLeftOut(terminal: Terminal, leftOut: LeftOut): void {
  if (leftOut.count > 0) {
    const reasons = Object.entries(leftOut.byReason).map(([reason, count]) => `${reason} ${count}`);
    terminal.out(`\nLeft out: ${plural(leftOut.count, 'video')} (${reasons.join(', ')})`);
  }
}

function printTargets(terminal: Terminal, report: PairsReport | EditsReport): void {
  terminal.out(`${queryText(report.queryCount)}; 95 % intervals\n`);
  terminal.out(
    formatTable(
      ['Figure', 'Value', 'From', 'To'],
      [
        ...report.recall.map((recall) => [`recall@${recall.k}`, ...cells(recall)]),
        ['MRR', ...cells(report.meanReciprocalRank)],
        ...timeRows(report.timeRange),
      ],
    ),
  );
}

function printComparison(terminal: Terminal, modelId: string, comparison: Comparison): void {
  const { against, queryCount, onlyHere, onlyThere, recall, quality } = comparison;
  const row = (name: string, { here, there, difference }: ComparedFigure) => [
    name,
    figure(here),
    figure(there),
    ...cells(difference),
  ];
  terminal.out(
    `\n${modelId} (here) against ${against.modelId} (there) on the same ${queryText(queryCount)}` +
      `${onlyHere + onlyThere > 0 ? `; ${onlyHere} only here, ${onlyThere} only there` : ''}\n`,
  );
  terminal.out(
    formatTable(
      ['Figure', 'Here', 'There', 'Difference', 'From', 'To'],
      [
        ...recall.map(({ k, ...figures }) => row(`recall@${k}`, figures)),
        row(quality.name === 'meanAveragePrecision' ? 'mAP' : 'MRR', quality),
      ],
    ),
  );
}

function printAnn(terminal: Terminal, { queryCount, settings, exact, levels, chosenEf }: AnnReport): void {
  terminal.out(`${queryText(queryCount)}; 95 % intervals\n`);
  const ms = (value: number | null) => (value === null ? '-' : value.toFixed(2));
  terminal.out(
    formatTable(
      ['ef', `recall@${settings.k}`, 'From', 'To', 'p50, ms', 'p99, ms'],
      [
        ...levels.map(({ ef, recall, p50Ms, p99Ms }) => [ef, ...cells(recall), ms(p50Ms), ms(p99Ms)]),
        ['exact', '1.000', '', '', ms(exact.p50Ms), ''],
      ],
    ),
  );
  const chosen = chosenEf === null ? 'no ef of these reaches' : `ef ${chosenEf} is the least to reach`;
  terminal.out(`\n${chosen} a recall of ${settings.targetRecall}`);
}

function printEdits(
  terminal: Terminal,
  { groups, playedBackwards, byEdit, settings, leftOut }: EditsReport,
): void {
  const pairs = byEdit.filter(({ edits }) => edits.length > 1);
  const rows = [
    ...groups.map(({ name, ...figures }) => [`all ${name}`, ...editCells(figures)]),
    ...byEdit
      .filter(({ edits }) => edits.length === 1)
      .map(({ edits, ...figures }) => [edits.join('+'), ...editCells(figures)]),
  ];
  const headers = [
    'Edit',
    'Queries',
    ...settings.k.map((k) => `R@${k}`),
    'Off, median',
    '90 %',
    '<= 0.5 s',
    '<= 1 s',
  ];
  terminal.out('');
  terminal.out(formatTable(headers, rows));
  if (playedBackwards) {
    const { partCount, lower, gap } = playedBackwards;
    terminal.out(
      `\nPlayed backwards, ${figure(lower.value)} of ${plural(partCount, 'part')} score lower against their source, by ${figure(gap.value)} on average`,
    );
  }
  if (pairs.length > 0) terminal.out(`\n${plural(pairs.length, 'pair')} of edits: --json has each`);
  printLeftOut(terminal, leftOut);
}

function editCells({ queryCount, recall, timeRange }: EditFigures): (string | number)[] {
  return [
    queryCount,
    ...recall.map(({ value }) => figure(value)),
    seconds(timeRange.medianSeconds),
    seconds(timeRange.p90Seconds),
    ...timeRange.within.map(({ value }) => figure(value)),
  ];
}

/** Of those that came first and whose range is known. */
function timeRows({ count, medianSeconds, p90Seconds, within }: TimeFigures): string[][] {
  if (count === 0) return [];
  return [
    ...within.map(({ seconds, ...share }) => [`range within ${seconds} s`, ...cells(share)]),
    ['range error, median', seconds(medianSeconds), '', ''],
    ['range error, 90 %', seconds(p90Seconds), '', ''],
  ];
}

function seconds(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(2)} s`;
}

function queryText(count: number): string {
  return `${count} ${count === 1 ? 'query' : 'queries'}`;
}

function printProblems(terminal: Terminal, { problems }: EvaluationReport): void {
  for (const { code, message, count, items } of problems) {
    terminal.err(`${code}: ${message}${count > 1 ? ` (${count})` : ''}`);
    for (const item of items.slice(0, MAX_ITEMS)) terminal.err(`  ${printable(item)}`);
    if (count > MAX_ITEMS) terminal.err(`  and ${count - MAX_ITEMS} more (--json shows them)`);
  }
}

function cells({ value, low, high }: Estimate): string[] {
  return [figure(value), figure(low), figure(high)];
}

function figure(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}

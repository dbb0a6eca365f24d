import type {
  AnnReport,
  Comparison,
  EditFigures,
  EditsReport,
  Estimate,
  EvaluationReport,
  LabelsReport,
  LeftOut,
  PairsReport,
  TimeFigures,
} from '../types.js';
import { LEFT_OUT_REASONS, type LeftOutReason } from '../types.js';
import { confusionMatrix, intervalBars } from './charts.js';
import { figure, type Markup, markup, section, table } from './markup.js';

/** Items of a problem, or videos left out, that the report shows. */
const MAX_LISTED = 200;

export function labelsSections(report: LabelsReport): Markup[] {
  const { recall, meanAveragePrecision, perLabel, confusion, settings, leftOut } = report;
  const perLabelRows = perLabel.map(({ label, queryCount, galleryCount, recall, meanAveragePrecision }) => [
    label,
    queryCount,
    galleryCount,
    ...recall.map(({ value }) => figure(value)),
    figure(meanAveragePrecision.value),
  ]);
  const firstK = settings.k[0] as number;
  return [
    section(
      'Recall',
      intervalBars('recall@k and mAP, with 95 % intervals', [
        ...recall.map(({ k, ...estimate }) => ({ name: `recall@${k}`, estimate })),
        { name: 'mAP', estimate: meanAveragePrecision },
      ]),
    ),
    section(
      'By label',
      intervalBars(
        `recall@${firstK} by label`,
        perLabel.map(({ label, recall }) => ({ name: label, estimate: recall[0] as Estimate })),
      ),
      table(['Label', 'Queries', 'Videos to find', ...settings.k.map((k) => `R@${k}`), 'mAP'], perLabelRows),
    ),
    section('Confusion', confusionMatrix(confusion)),
    ...leftOutSection(leftOut),
  ];
}

export function editsSections(report: EditsReport): Markup[] {
  const { groups, byEdit, settings, leftOut } = report;
  const row = (name: string, { queryCount, recall, timeRange }: EditFigures) => [
    name,
    queryCount,
    ...recall.map(({ value }) => figure(value)),
    ...timeCells(timeRange),
  ];
  const headers = ['Edit', 'Queries', ...settings.k.map((k) => `R@${k}`), ...TIME_HEADERS];
  const named = byEdit.map(({ edits, ...figures }) => ({
    name: edits.join(' + '),
    figures,
    single: edits.length === 1,
  }));
  const bars = (rows: { name: string; figures: EditFigures }[]) =>
    rows.map(({ name, figures }) => ({ name, estimate: figures.recall[0] as Estimate }));
  const firstK = settings.k[0] as number;
  const singles = named.filter(({ single }) => single);
  const pairs = named.filter(({ single }) => !single);
  return [
    section(
      'In groups',
      intervalBars(
        `recall@${firstK}`,
        groups.map(({ name, recall }) => ({ name, estimate: recall[0] as Estimate })),
      ),
      table(
        headers,
        groups.map(({ name, ...figures }) => row(name, figures)),
      ),
    ),
    section(
      'By edit',
      intervalBars(`recall@${firstK} by edit`, bars(singles)),
      table(
        headers,
        singles.map(({ name, figures }) => row(name, figures)),
      ),
    ),
    ...(pairs.length === 0
      ? []
      : [
          section(
            'Pairs of edits',
            table(
              headers,
              pairs.map(({ name, figures }) => row(name, figures)),
            ),
          ),
        ]),
    ...backwardsSection(report.playedBackwards),
    ...leftOutSection(leftOut),
  ];
}

/** Reports that were made before it was measured lack it. */
function backwardsSection(played: EditsReport['playedBackwards'] | undefined): Markup[] {
  if (!played) return [];
  const { partCount, lower, gap } = played;
  return [
    section(
      'Played backwards',
      table(
        ['Parts', 'Share that scores lower', 'Mean gap of the score'],
        [[partCount, figure(lower.value), figure(gap.value)]],
      ),
    ),
  ];
}

export function pairsSections({ recall, meanReciprocalRank, timeRange }: PairsReport): Markup[] {
  return [
    section(
      'Recall',
      intervalBars('recall@k and mean reciprocal rank, with 95 % intervals', [
        ...recall.map(({ k, ...estimate }) => ({ name: `recall@${k}`, estimate })),
        { name: 'mean reciprocal rank', estimate: meanReciprocalRank },
      ]),
    ),
    section('Time range', table(['Ranges', ...TIME_HEADERS], [[timeRange.count, ...timeCells(timeRange)]])),
  ];
}

export function annSections({ levels, exact, chosenEf, settings }: AnnReport): Markup[] {
  const ms = (value: number | null) => (value === null ? '–' : value.toFixed(2));
  const chosen =
    chosenEf === null ? 'None of these reaches it.' : `ef ${chosenEf} is the least that reaches it.`;
  return [
    section(
      'The index against exact search',
      intervalBars(
        `recall@${settings.k} at each ef`,
        levels.map(({ ef, recall }) => ({ name: `ef ${ef}`, estimate: recall })),
      ),
      table(
        ['ef', `recall@${settings.k}`, 'p50, ms', 'p99, ms'],
        [
          ...levels.map(({ ef, recall, p50Ms, p99Ms }) => [ef, figure(recall.value), ms(p50Ms), ms(p99Ms)]),
          ['exact', '1.000', ms(exact.p50Ms), '–'],
        ],
      ),
      markup`<p>Wanted: ${settings.targetRecall}. ${chosen}</p>`,
    ),
  ];
}

export function comparisonSection({
  against,
  queryCount,
  onlyHere,
  onlyThere,
  recall,
  quality,
}: Comparison): Markup {
  const named = [
    ...recall.map(({ k, ...figures }) => ({ name: `recall@${k}`, ...figures })),
    { ...quality, name: quality.name === 'meanAveragePrecision' ? 'mAP' : 'mean reciprocal rank' },
  ];
  const rows = named.map(({ name, here, there, difference: { value, low, high } }) => [
    name,
    figure(here),
    figure(there),
    `${figure(value)} (${figure(low)} to ${figure(high)})`,
  ]);
  const widest = Math.max(
    0.05,
    ...named.flatMap(({ difference: { low, high } }) => [Math.abs(low ?? 0), Math.abs(high ?? 0)]),
  );
  return section(
    `Against ${against.modelId}`,
    markup`<p>Here minus there on the ${queryCount} queries that both have (${onlyHere} only here, ${onlyThere} only there). An interval that leaves out 0 tells the two apart.</p>`,
    intervalBars(
      'paired difference',
      named.map(({ name, difference }) => ({ name, estimate: difference })),
      { from: -widest, to: widest },
    ),
    table(['Figure', 'Here', 'There', 'Difference'], rows),
  );
}

export function problemsSection({ problems }: EvaluationReport): Markup[] {
  if (problems.length === 0) return [];
  return [
    section(
      'Problems',
      ...problems.map(
        ({
          code,
          message,
          count,
          items,
        }) => markup`<details open><summary><code>${code}</code> ${message} (${count})</summary>
<ul>${items.slice(0, MAX_LISTED).map((item) => markup`<li>${item}</li>`)}</ul>${items.length > MAX_LISTED ? 'The JSON has more.' : null}</details>\n`,
      ),
    ),
  ];
}

function leftOutSection({ count, byReason, videos }: LeftOut): Markup[] {
  if (count === 0) return [];
  const reasons = Object.entries(byReason) as [LeftOutReason, number][];
  return [
    section(
      `Left out: ${count}`,
      ...reasons.map(([reason, number]) => {
        const own = videos.filter((video) => video.reason === reason).slice(0, MAX_LISTED);
        return markup`<details><summary><code>${reason}</code> ${LEFT_OUT_REASONS[reason]} (${number})</summary>
<ul>${own.map(({ videoId, title }) => markup`<li>${videoId}: ${title}</li>`)}</ul></details>\n`;
      }),
    ),
  ];
}

const TIME_HEADERS = ['Range off, median', '90 %', 'within 0.5 s', 'within 1 s'];

function timeCells({ medianSeconds, p90Seconds, within }: TimeFigures): string[] {
  const seconds = (value: number | null) => (value === null ? '–' : `${value.toFixed(2)} s`);
  return [seconds(medianSeconds), seconds(p90Seconds), ...within.map(({ value }) => figure(value))];
}

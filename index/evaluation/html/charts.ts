import type { ConfusionRow, Estimate } from '../types.js';
import { figure, type Markup, markup } from './markup.js';

const ROW_HEIGHT = 26;
const NAME_WIDTH = 190;
const PLOT_WIDTH = 420;
const VALUE_WIDTH = 190;

/** Horizontal bars from zero, each with the interval as a whisker and its figures behind it. Values lie in [from, to]. */
export function intervalBars(
  caption: string,
  rows: readonly { name: string; estimate: Estimate }[],
  { from, to }: { from: number; to: number } = { from: 0, to: 1 },
): Markup {
  const height = rows.length * ROW_HEIGHT + 24;
  const x = (value: number) =>
    round(NAME_WIDTH + ((Math.min(to, Math.max(from, value)) - from) / (to - from)) * PLOT_WIDTH);
  const ticks = Array.from({ length: 5 }, (_, i) => from + ((to - from) * i) / 4);
  const width = NAME_WIDTH + PLOT_WIDTH + VALUE_WIDTH;
  return markup`<figure><figcaption>${caption}</figcaption>
<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${caption}">
${ticks.map(
  (tick) => markup`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="0" y2="${height - 20}"/>
<text class="tick" x="${x(tick)}" y="${height - 6}">${round(tick)}</text>`,
)}
${rows.map((row, i) => bar(row, i * ROW_HEIGHT, x))}
</svg></figure>`;
}

function bar(
  { name, estimate }: { name: string; estimate: Estimate },
  y: number,
  x: (value: number) => number,
): Markup {
  const { value, low, high } = estimate;
  const middle = y + ROW_HEIGHT / 2;
  const label = markup`<text class="name" x="${NAME_WIDTH - 8}" y="${middle + 4}">${shortened(name)}<title>${name}</title></text>`;
  if (value === null || low === null || high === null) {
    return markup`${label}<text class="value" x="${NAME_WIDTH + 6}" y="${middle + 4}">no queries</text>`;
  }
  const [start, end] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
  const textX = NAME_WIDTH + PLOT_WIDTH + 10;
  return markup`${label}<rect class="bar" x="${start}" y="${y + 5}" width="${round(end - start)}" height="${ROW_HEIGHT - 10}"/>
<path class="whisker" d="M${x(low)} ${middle}H${x(high)}M${x(low)} ${middle - 4}v8M${x(high)} ${middle - 4}v8"/>
<text class="value" x="${textX}" y="${middle + 4}">${figure(value)} (${figure(low)} to ${figure(high)})</text>`;
}

const CELL = 22;
/** Larger tables are not readable: the rows with the most confusion are shown. */
const MAX_LABELS = 40;

/** How often the nearest video of a query of one label (row) had another (column). */
export function confusionMatrix(confusion: readonly ConfusionRow[]): Markup {
  const wrong = ({ label, nearest }: ConfusionRow) =>
    nearest.reduce((sum, one) => sum + (one.label === label ? 0 : one.count), 0);
  const rows =
    confusion.length <= MAX_LABELS
      ? [...confusion]
      : [...confusion].sort((a, b) => wrong(b) - wrong(a)).slice(0, MAX_LABELS);
  const labels = rows.map(({ label }) => label);
  // The names of the columns lean out to the right.
  const width = NAME_WIDTH + labels.length * CELL + 90;
  const height = NAME_WIDTH * 0.8 + labels.length * CELL;
  const top = height - labels.length * CELL;
  const caption = 'Label of the query (row) and of its nearest video (column)';
  return markup`<figure><figcaption>${caption}</figcaption>
<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${caption}">
${labels.map((label, i) => columnHeader(label, NAME_WIDTH + i * CELL + CELL / 2 + 4, top - 6))}
${rows.map((row, i) => matrixRow(row, labels, top + i * CELL))}
</svg></figure>`;
}

function columnHeader(label: string, x: number, y: number): Markup {
  return markup`<text class="column" x="${x}" y="${y}" transform="rotate(-60 ${x} ${y})">${shortened(label)}</text>`;
}

function matrixRow({ label, nearest }: ConfusionRow, labels: readonly string[], y: number): Markup {
  const total = nearest.reduce((sum, { count }) => sum + count, 0);
  const counts = new Map(nearest.map((one) => [one.label, one.count]));
  const cells = labels.map((column, i) => {
    const count = counts.get(column) ?? 0;
    const x = NAME_WIDTH + i * CELL;
    const share = total === 0 ? 0 : count / total;
    return markup`<rect class="${column === label ? 'right' : 'wrong'}" x="${x}" y="${y}" width="${CELL - 2}" height="${CELL - 2}" fill-opacity="${round(0.06 + 0.94 * share)}"><title>${label}: ${count} of ${total} are nearest to ${column}</title></rect>
${count === 0 ? null : markup`<text class="count" x="${x + (CELL - 2) / 2}" y="${y + CELL / 2 + 3}">${count}</text>`}`;
  });
  return markup`<text class="name" x="${NAME_WIDTH - 8}" y="${y + CELL / 2 + 4}">${shortened(label)}</text>${cells}`;
}

function shortened(text: string): string {
  return text.length > 26 ? `${text.slice(0, 25)}…` : text;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

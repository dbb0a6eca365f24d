import type { SearchHitJson } from '../../schemas/search.js';
import { h } from '../parts/dom.js';

type Explanation = NonNullable<SearchHitJson['explanation']>;

const LARGEST_PIXELS = 480;
const MARGIN_PIXELS = 2;

/** What the alignment saw, drawn when it is opened: the similarity of every moment of the query with every moment of the video, and the path. */
export function explanationView(explanation: Explanation): HTMLElement {
  const canvas = h('canvas', {
    class: 'similarities',
    role: 'img',
    'aria-label': 'Similarity of the clip, downwards, with the video, to the right; the match as a line',
  });
  const details = h(
    'details',
    { class: 'explanation' },
    h('summary', {}, 'How it matches'),
    canvas,
    h(
      'p',
      { class: 'fine' },
      'The video runs to the right, your clip downwards. Bright: similar. The line: what matches.',
    ),
  );
  details.addEventListener('toggle', () => draw(canvas, explanation), { once: true });
  return details;
}

function draw(canvas: HTMLCanvasElement, explanation: Explanation): void {
  const { queryStartsSeconds, videoStartsSeconds, clipSeconds, similarities, path } = explanation;
  const context = canvas.getContext('2d');
  if (context === null || similarities.length === 0) return;
  const rows = range(queryStartsSeconds, clipSeconds);
  const columns = range(videoStartsSeconds, clipSeconds);
  const pixelsPerSecond = Math.min(24, LARGEST_PIXELS / Math.max(rows.length, columns.length));
  canvas.width = Math.ceil(columns.length * pixelsPerSecond) + 2 * MARGIN_PIXELS;
  canvas.height = Math.ceil(rows.length * pixelsPerSecond) + 2 * MARGIN_PIXELS;
  const x = (seconds: number) => MARGIN_PIXELS + (seconds - columns.first) * pixelsPerSecond;
  const y = (seconds: number) => MARGIN_PIXELS + (seconds - rows.first) * pixelsPerSecond;
  // A clip stands for the time around its middle, as far as the middles of its neighbours.
  const half = clipSeconds / 2;
  const [wide, high] = [hop(videoStartsSeconds, clipSeconds), hop(queryStartsSeconds, clipSeconds)];
  similarities.forEach((row, i) => {
    row.forEach((similarity, j) => {
      context.fillStyle = colourOf(similarity);
      context.fillRect(
        x((videoStartsSeconds[j] as number) + half - wide / 2),
        y((queryStartsSeconds[i] as number) + half - high / 2),
        Math.ceil(wide * pixelsPerSecond),
        Math.ceil(high * pixelsPerSecond),
      );
    });
  });
  context.strokeStyle = '#e4572e';
  context.lineWidth = 2;
  for (let i = 0; i + 1 < path.length; i += 2) {
    const [from, to] = path.slice(i, i + 2) as [(typeof path)[number], (typeof path)[number]];
    context.beginPath();
    context.moveTo(x(from.videoSeconds), y(from.querySeconds));
    context.lineTo(x(to.videoSeconds), y(to.querySeconds));
    context.stroke();
  }
}

function range(startsSeconds: readonly number[], clipSeconds: number): { first: number; length: number } {
  const first = startsSeconds[0] ?? 0;
  return { first, length: (startsSeconds.at(-1) ?? first) + clipSeconds - first };
}

function hop(startsSeconds: readonly number[], clipSeconds: number): number {
  return startsSeconds.length < 2 ? clipSeconds : (startsSeconds[1] as number) - (startsSeconds[0] as number);
}

/** From dark blue (nothing in common) to white (the same). */
function colourOf(similarity: number): string {
  const share = Math.min(1, Math.max(0, similarity));
  return `hsl(210 60% ${Math.round(8 + 90 * share ** 2)}%)`;
}

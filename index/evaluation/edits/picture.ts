import { between, pick, type Random } from '../seeded-random.js';

/** Pixels, both even: yuv420p has one colour for two by two of them. */
export interface PictureSize {
  width: number;
  height: number;
}

export function even(value: number): number {
  return Math.max(2, 2 * Math.round(value / 2));
}

/** An opaque mark in a corner: two boxes of colours that are told apart on any ground. */
export function logoFilters({ width, height }: PictureSize, random: Random): string[] {
  const side = Math.round(Math.min(width, height) * (0.14 + 0.08 * random()));
  const margin = Math.round(side / 4);
  const x = random() < 0.5 ? margin : width - side - margin;
  const y = random() < 0.5 ? margin : height - side - margin;
  const inner = Math.round(side / 2);
  const [outside, inside] = pick(random, [
    ['white', 'red'],
    ['yellow', 'blue'],
    ['black', 'white'],
  ] as const);
  return [
    box(x, y, side, side, outside),
    box(x + Math.round(side / 4), y + Math.round(side / 4), inner, inner, inside),
  ];
}

/**
 * Lines of white bars with dark edges where letters would be, other ones every two seconds. Boxes rather than letters: not every build of ffmpeg
 * can write, and at the size that an encoder sees there is no difference.
 */
export function subtitleFilters(
  { width, height }: PictureSize,
  random: Random,
  durationSeconds: number,
): string[] {
  const lineHeight = Math.max(4, Math.round(height * 0.055));
  const filters: string[] = [];
  for (let fromSeconds = 0; fromSeconds < durationSeconds; fromSeconds += 2) {
    const when = `between(t\\,${fromSeconds}\\,${fromSeconds + 1.99})`;
    for (let line = 0; line < 1 + Math.round(random()); line += 1) {
      const y = Math.round(height * 0.93) - (line + 1) * Math.round(lineHeight * 1.4);
      let x = Math.round(width * (0.12 + 0.1 * random()));
      while (x < width * 0.8) {
        const word = Math.round(width * (0.03 + 0.07 * random()));
        filters.push(`${box(x - 1, y - 1, word + 2, lineHeight + 2, 'black')}:enable='${when}'`);
        filters.push(`${box(x, y, word, lineHeight, 'white')}:enable='${when}'`);
        x += word + Math.round(width * 0.025);
      }
    }
  }
  return filters;
}

/** Black bars above and below or on both sides, 8 to 16 % of the copy each; the size it then has. */
export function borderFilters({ width, height }: PictureSize, random: Random): string[] {
  const share = 0.08 + 0.08 * random();
  const above = random() < 0.6;
  const padded = above
    ? { width, height: even(height / (1 - 2 * share)) }
    : { width: even(width / (1 - 2 * share)), height };
  return [`pad=${padded.width}:${padded.height}:(ow-iw)/2:(oh-ih)/2:black`, `scale=${width}:${height}`];
}

/** A moving title of our own, as a source of frames. */
export function introSource(
  { width, height }: PictureSize,
  random: Random,
  options: { durationSeconds: number; framesPerSecond: number },
): string {
  const shape = `s=${width}x${height}:r=${options.framesPerSecond}:d=${options.durationSeconds}`;
  const colour = `0x${Array.from({ length: 3 }, () => between(random, 16, 240).toString(16).padStart(2, '0')).join('')}`;
  return pick(random, [
    `testsrc=${shape}`,
    `color=c=${colour}:${shape},hue=h=40*t`,
    `color=c=${colour}:${shape},${box(Math.round(width / 4), Math.round(height / 3), Math.round(width / 2), Math.round(height / 5), 'white')},fade=t=in:d=1`,
  ]);
}

function box(x: number, y: number, width: number, height: number, colour: string): string {
  return `drawbox=x=${x}:y=${y}:w=${width}:h=${height}:color=${colour}:t=fill`;
}

import type { Span } from '../../span.js';
import { pick, type Random } from '../seeded-random.js';
import {
  borderFilters,
  even,
  introSource,
  logoFilters,
  type PictureSize,
  subtitleFilters,
} from './picture.js';
import type { EditName, EditPlan, SharedSpan } from './types.js';

const INTRO_SECONDS = 5;
const INTRO_FRAMES_PER_SECOND = 25;
/** Of the part, when its middle is missing. */
const MISSING_SHARE = 1 / 3;
const USUAL_QUANTISER = 4;
/** All frames are in memory before the first comes out, hence the small ones: an encoder sees less of them yet. */
const REVERSED = "scale='min(iw,480)':-2,reverse";
const ROUGH_QUANTISER = 14;

/**
 * Lays out the filters of one edited clip, always in the same order (time, picture, what is laid over it, what is put around it), so
 * that a set of edits has one meaning. Whatever is drawn at random comes from `random`.
 */
export function planEdit(input: {
  edits: readonly EditName[];
  part: Span;
  /** Of the source, as displayed. */
  picture: PictureSize;
  random: Random;
}): EditPlan {
  const { part, random } = input;
  const edits = new Set(input.edits);
  const speed = edits.has('speed-0.8') ? 0.8 : edits.has('speed-1.25') ? 1.25 : 1;
  const kept = keptSpans(part, edits.has('missing-middle'));
  const keptSeconds = kept.reduce((sum, span) => sum + span.endSeconds - span.startSeconds, 0);
  const introSeconds = edits.has('intro') ? INTRO_SECONDS : 0;
  const size = { width: even(input.picture.width), height: even(input.picture.height) };
  const filters = [
    ...selection(part, kept),
    `setpts=(PTS-STARTPTS)/${speed}`,
    ...(edits.has('reverse') ? [REVERSED] : []),
    ...pictureFilters(edits, size, random),
    ...(edits.has('logo') ? logoFilters(size, random) : []),
    ...(edits.has('subtitles') ? subtitleFilters(size, random, keptSeconds / speed) : []),
    ...(edits.has('borders') ? borderFilters(size, random) : []),
    ...(edits.has('frame-rate') ? [`fps=${pick(random, [10, 12, 15])}`] : []),
    ...(edits.has('scale') ? [scaled(size, pick(random, [0.4, 0.5, 0.7]))] : []),
  ];
  return {
    edits: input.edits,
    part,
    filterGraph: edits.has('intro')
      ? withIntro(filters, edits.has('scale') ? null : size, random)
      : `[in]${filters.join(',')}[out]`,
    quantiser: edits.has('re-encode') ? ROUGH_QUANTISER : USUAL_QUANTISER,
    truth: {
      shared: sharedSpans(kept, speed, introSeconds),
      speed,
      mirrored: edits.has('mirror'),
      durationSeconds: introSeconds + keptSeconds / speed,
    },
  };
}

function keptSpans(part: Span, missingMiddle: boolean): Span[] {
  if (!missingMiddle) return [part];
  const seconds = part.endSeconds - part.startSeconds;
  const side = (seconds * (1 - MISSING_SHARE)) / 2;
  return [
    { startSeconds: part.startSeconds, endSeconds: part.startSeconds + side },
    { startSeconds: part.endSeconds - side, endSeconds: part.endSeconds },
  ];
}

/** Drops the frames between the kept spans and closes the gap; `[in]` begins at the part's start. */
function selection(part: Span, kept: readonly Span[]): string[] {
  const [first, second] = kept;
  if (!first || !second) return [];
  const gapStart = first.endSeconds - part.startSeconds;
  const gapEnd = second.startSeconds - part.startSeconds;
  return [
    `select=lt(t\\,${gapStart.toFixed(4)})+gte(t\\,${gapEnd.toFixed(4)})`,
    `setpts=PTS-gte(T\\,${gapEnd.toFixed(4)})*${(gapEnd - gapStart).toFixed(4)}/TB`,
  ];
}

function pictureFilters(edits: ReadonlySet<EditName>, size: PictureSize, random: Random): string[] {
  const filters = ['format=yuv420p'];
  for (const [name, share] of [
    ['crop-80', 0.8],
    ['crop-60', 0.6],
  ] as const) {
    if (edits.has(name)) filters.push(`crop=trunc(iw*${share}/2)*2:trunc(ih*${share}/2)*2`);
  }
  filters.push(`scale=${size.width}:${size.height}`, 'setsar=1');
  if (edits.has('mirror')) filters.push('hflip');
  // lutyuv and hue rather than eq, which builds without GPL parts do not have.
  if (edits.has('brightness')) {
    const shift = pick(random, [-45, -30, 30, 45]);
    filters.push(`lutyuv=y=clip(val+${shift}\\,0\\,255)`);
  }
  if (edits.has('contrast')) {
    const gain = pick(random, [0.6, 0.75, 1.3, 1.5]);
    filters.push(`lutyuv=y=clip((val-128)*${gain}+128\\,0\\,255)`);
  }
  if (edits.has('grey')) filters.push('hue=s=0');
  return filters;
}

function scaled({ width, height }: PictureSize, factor: number): string {
  return `scale=${even(width * factor)}:${even(height * factor)}`;
}

/** The two need the same size and rate to be joined. */
function withIntro(filters: readonly string[], size: PictureSize | null, random: Random): string {
  const shape = size ?? { width: 320, height: 240 };
  const source = introSource(shape, random, {
    durationSeconds: INTRO_SECONDS,
    framesPerSecond: INTRO_FRAMES_PER_SECOND,
  });
  const same = `scale=${shape.width}:${shape.height},setsar=1,format=yuv420p,fps=${INTRO_FRAMES_PER_SECOND}`;
  return `${source},${same}[intro];[in]${filters.join(',')},${same}[main];[intro][main]concat=n=2:v=1[out]`;
}

function sharedSpans(kept: readonly Span[], speed: number, introSeconds: number): SharedSpan[] {
  let atSeconds = introSeconds;
  return kept.map((video) => {
    const startSeconds = atSeconds;
    atSeconds += (video.endSeconds - video.startSeconds) / speed;
    return { query: { startSeconds, endSeconds: atSeconds }, video };
  });
}

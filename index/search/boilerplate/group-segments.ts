import type { Span } from '../../span.js';
import { type ComparedSegment, SAME_SIMILARITY } from './repeated-segments.js';
import {
  type BoilerplateGroup,
  type BoilerplateKind,
  type BoilerplatePlace,
  type BoilerplateSegment,
  EVERYWHERE_WEIGHT,
  weightOfPlain,
} from './types.js';

const PLACES_KEPT = 50;
/** Of the videos of two successive segments, so many must be the same for them to be of one piece. */
const SAME_VIDEOS_SHARE = 0.5;

/**
 * What is boilerplate, and which of it shows the same: segments that are near one another, and successive ones that stand in the same
 * videos (a longer ident). Black is one group, and so is what is flat.
 */
export function groupBoilerplate(
  segments: readonly ComparedSegment[],
  repeated: ReadonlySet<number>,
): { segments: BoilerplateSegment[]; groups: BoilerplateGroup[] } {
  const chosen = segments.filter(({ id, plain }) => plain !== null || repeated.has(id));
  const kindOf = ({ plain }: ComparedSegment): BoilerplateKind => plain ?? 'repeated';
  const sets = new DisjointSets(chosen.map(({ id }) => id));
  const byId = new Map(chosen.map((segment) => [segment.id, segment]));
  const firstOfKind = new Map<BoilerplateKind, number>();
  for (const segment of chosen) {
    const kind = kindOf(segment);
    if (kind === 'black' || kind === 'flat') {
      if (!firstOfKind.has(kind)) firstOfKind.set(kind, segment.id);
      sets.join(segment.id, firstOfKind.get(kind) as number);
      continue;
    }
    for (const { segmentId, similarity } of segment.near) {
      const other = byId.get(segmentId);
      const isPicture = other && kindOf(other) !== 'black' && kindOf(other) !== 'flat';
      if (isPicture && similarity >= SAME_SIMILARITY) sets.join(segment.id, segmentId);
    }
  }
  for (const [one, next] of successive(chosen)) {
    if (kindOf(one) === kindOf(next) && isOnePiece(one, next)) sets.join(one.id, next.id);
  }
  const members = new Map<number, ComparedSegment[]>();
  for (const segment of chosen) {
    const root = sets.rootOf(segment.id);
    const group = members.get(root) ?? [];
    members.set(root, group);
    group.push(segment);
  }
  const found: BoilerplateSegment[] = [];
  const groups: BoilerplateGroup[] = [];
  for (const group of members.values()) {
    const kind = mostFrequent(group.map(kindOf));
    // Stills that stand in many videos count as what is repeated does.
    const isEverywhere = group.some(({ id }) => repeated.has(id));
    const [{ plain }] = group as [ComparedSegment];
    const weight = isEverywhere || plain === null ? EVERYWHERE_WEIGHT : weightOfPlain(plain);
    groups.push(describe(group, kind, weight));
    for (const segment of group) found.push({ segmentId: segment.id, kind: kindOf(segment), weight });
  }
  groups.sort((a, b) => b.videoCount - a.videoCount || b.seconds - a.seconds);
  return { segments: found, groups };
}

/** A title card is a still in one video and has some noise in another. */
function mostFrequent(kinds: readonly BoilerplateKind[]): BoilerplateKind {
  const count = (kind: BoilerplateKind) => kinds.filter((other) => other === kind).length;
  return [...new Set(kinds)].reduce((a, b) => (count(b) > count(a) ? b : a));
}

function describe(
  members: readonly ComparedSegment[],
  kind: BoilerplateKind,
  weight: number,
): BoilerplateGroup {
  const byVideo = new Map<number, Span[]>();
  for (const { videoId, startSeconds, endSeconds } of members) {
    const spans = byVideo.get(videoId) ?? [];
    byVideo.set(videoId, spans);
    const last = spans.at(-1);
    if (last && startSeconds <= last.endSeconds) last.endSeconds = Math.max(last.endSeconds, endSeconds);
    else spans.push({ startSeconds, endSeconds });
  }
  const length = ({ startSeconds, endSeconds }: Span) => endSeconds - startSeconds;
  let seconds = 0;
  const places: BoilerplatePlace[] = [];
  for (const [videoId, spans] of byVideo) {
    for (const span of spans) seconds += length(span);
    places.push({ videoId, ...spans.reduce((a, b) => (length(b) > length(a) ? b : a)) });
  }
  places.sort((a, b) => length(b) - length(a) || a.videoId - b.videoId);
  return {
    kind,
    weight,
    videoCount: byVideo.size,
    segmentCount: members.length,
    seconds: Math.round(seconds * 1000) / 1000,
    places: places.slice(0, PLACES_KEPT),
  };
}

/** Pairs of segments of one video that overlap; `segments` are in order of video and time. */
function* successive(
  segments: readonly ComparedSegment[],
): Generator<[ComparedSegment, ComparedSegment], void, undefined> {
  for (let i = 1; i < segments.length; i += 1) {
    const [one, next] = [segments[i - 1] as ComparedSegment, segments[i] as ComparedSegment];
    if (one.videoId === next.videoId && next.startSeconds < one.endSeconds) yield [one, next];
  }
}

function isOnePiece(one: ComparedSegment, next: ComparedSegment): boolean {
  // Two clips that overlap and do not move show one picture.
  if (one.plain === 'still') return true;
  const videosOf = ({ near }: ComparedSegment) =>
    new Set(near.filter(({ similarity }) => similarity >= SAME_SIMILARITY).map(({ videoId }) => videoId));
  const [a, b] = [videosOf(one), videosOf(next)];
  const common = [...a].filter((videoId) => b.has(videoId)).length;
  return common >= SAME_VIDEOS_SHARE * Math.max(a.size, b.size, 1);
}

class DisjointSets {
  readonly #parents: Map<number, number>;

  constructor(ids: readonly number[]) {
    this.#parents = new Map(ids.map((id) => [id, id]));
  }

  rootOf(id: number): number {
    let root = id;
    while (this.#parents.get(root) !== root) root = this.#parents.get(root) as number;
    // Shortens the way for the next look.
    for (let at = id; at !== root; ) {
      const next = this.#parents.get(at) as number;
      this.#parents.set(at, root);
      at = next;
    }
    return root;
  }

  join(one: number, other: number): void {
    this.#parents.set(this.rootOf(one), this.rootOf(other));
  }
}

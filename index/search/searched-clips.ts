import { type EmbeddedQuery, type QueryVariant, thinOut } from './embedded-query.js';

/** So many clips are searched with at least. */
const LEAST_CLIPS = 8;

/**
 * Clips of a query, by number and ascending, for which the index is asked; each costs about a millisecond in one of 200,000 segments. Those of a stored video
 * begin where those of the library do: as many are enough as show each moment once. Those of a file, which are nearer to one another, show each twice, in
 * whatever phase.
 */
export function searchedClips({ startsSeconds, variants, videoId }: EmbeddedQuery): number[] {
  const all = [...startsSeconds.keys()];
  const [plain] = variants as [QueryVariant];
  const { clipSeconds, startSeconds, endSeconds } = plain.track;
  if (videoId === null) {
    const twice = Math.ceil((2 * (endSeconds - startSeconds)) / clipSeconds);
    return thinOut(all, Math.max(LEAST_CLIPS, twice));
  }
  const covering = coveringClips(startsSeconds, clipSeconds);
  return covering.length < LEAST_CLIPS ? thinOut(all, LEAST_CLIPS) : covering;
}

/** The fewest clips that leave out no moment; the first and the last are among them. */
function coveringClips(startsSeconds: readonly number[], clipSeconds: number): number[] {
  const last = startsSeconds.length - 1;
  const chosen = [0];
  for (let clip = 1; clip <= last; clip += 1) {
    const next = startsSeconds[clip + 1];
    const coveredSeconds = (startsSeconds[chosen.at(-1) as number] as number) + clipSeconds;
    if (next === undefined || next > coveredSeconds) chosen.push(clip);
  }
  return chosen;
}

/** What every clip counts for, where only that of the searched ones is known to the library: another is boilerplate where those before and after it are. */
export function weightsOfAll(
  own: Float64Array,
  searched: readonly number[],
  weights: Float64Array,
): Float64Array {
  const all = Float64Array.from(own);
  let next = 0;
  for (let clip = 0; clip < all.length; clip += 1) {
    while (next < searched.length - 1 && (searched[next] as number) < clip) next += 1;
    const isSearched = searched[next] === clip;
    const before = weights[isSearched ? next : Math.max(0, next - 1)] as number;
    all[clip] = Math.min(all[clip] as number, Math.max(before, weights[next] as number));
  }
  return all;
}

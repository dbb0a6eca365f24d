import type { HitPart, SearchHit } from '../../index/search/types.js';
import type { SearchHitJson } from '../schemas/search.js';
import { type MediaLinks, secondsText } from './media-links.js';

export function presentHit(hit: SearchHit, links: MediaLinks): SearchHitJson {
  const duplicates = hit.duplicates?.map((duplicate) => presentOne(duplicate, links));
  return { ...presentOne(hit, links), ...(duplicates === undefined ? {} : { duplicates }) };
}

function presentOne(hit: SearchHit, links: MediaLinks): Omit<SearchHitJson, 'duplicates'> {
  const { id, title, collection, label, durationSeconds } = hit.video;
  const fragment = `#t=${secondsText(hit.startSeconds)},${secondsText(hit.endSeconds)}`;
  return {
    video: { id, title, collection, label, durationSeconds },
    score: hit.score,
    verdict: hit.verdict,
    similarity: Math.round(Math.min(1, hit.evidence.similarity) * 10_000) / 10_000,
    boilerplate: hit.boilerplate,
    ...presentPart(hit),
    speed: hit.speed,
    mirrored: hit.mirrored,
    parts: hit.parts.map(presentPart),
    thumbnailUrl: links.thumbnail(id, (hit.startSeconds + hit.endSeconds) / 2),
    mediaUrl: links.media(id) + fragment,
    explanation: hit.explanation,
  };
}

function presentPart({ startSeconds, endSeconds, queryStartSeconds, queryEndSeconds }: HitPart): HitPart {
  return { startSeconds, endSeconds, queryStartSeconds, queryEndSeconds };
}

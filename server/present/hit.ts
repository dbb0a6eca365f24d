import type { SearchHit } from '../../index/search/types.js';
import type { SearchHitJson } from '../schemas/search.js';
import { type MediaLinks, secondsText } from './media-links.js';

export function presentHit(hit: SearchHit, links: MediaLinks): SearchHitJson {
  const { id, title, collection, label, durationSeconds } = hit.video;
  const fragment = `#t=${secondsText(hit.startSeconds)},${secondsText(hit.endSeconds)}`;
  return {
    video: { id, title, collection, label, durationSeconds },
    score: hit.score,
    startSeconds: hit.startSeconds,
    endSeconds: hit.endSeconds,
    queryStartSeconds: hit.queryStartSeconds,
    queryEndSeconds: hit.queryEndSeconds,
    thumbnailUrl: links.thumbnail(id, (hit.startSeconds + hit.endSeconds) / 2),
    mediaUrl: links.media(id) + fragment,
  };
}

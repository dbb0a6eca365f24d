import type { SearchHit } from '../../index/search/types.js';
import type { SearchHitJson } from '../schemas/search.js';
import { mediaUrl, secondsText, thumbnailUrl } from './video.js';

export function presentHit(hit: SearchHit): SearchHitJson {
  const { id, title, collection, label, durationSeconds } = hit.video;
  const fragment = `#t=${secondsText(hit.startSeconds)},${secondsText(hit.endSeconds)}`;
  return {
    video: { id, title, collection, label, durationSeconds },
    score: hit.score,
    startSeconds: hit.startSeconds,
    endSeconds: hit.endSeconds,
    queryStartSeconds: hit.queryStartSeconds,
    queryEndSeconds: hit.queryEndSeconds,
    thumbnailUrl: thumbnailUrl(id, (hit.startSeconds + hit.endSeconds) / 2),
    mediaUrl: mediaUrl(id) + fragment,
  };
}

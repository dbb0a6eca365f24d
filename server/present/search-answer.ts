import type { SearchAnswer } from '../../index/search/types.js';
import type { SearchAnswerJson } from '../schemas/search.js';
import { presentHit } from './hit.js';
import type { MediaLinks } from './media-links.js';

export function presentAnswer(answer: SearchAnswer, links: MediaLinks): SearchAnswerJson {
  const { decodeMs, encodeMs, searchMs, totalMs } = answer.timings;
  return {
    hits: answer.hits.map((hit) => presentHit(hit, links)),
    verdict: answer.verdict,
    nextCursor: answer.nextCursor,
    annRecall: answer.annRecall ?? null,
    model: { id: answer.model.id, dimension: answer.model.dimension },
    timings: { decodeMs, encodeMs, searchMs, totalMs },
    warnings: answer.warnings.map(({ code, message }) => ({ code, message })),
  };
}

import { h } from '../parts/dom.js';
import { clockRange } from '../parts/format.js';

interface TrackOptions {
  caption: string;
  startSeconds: number;
  endSeconds: number;
  /** Null when it is not known: then no track is drawn. */
  durationSeconds: number | null;
  kind: 'video' | 'query';
}

/** Where a match lies in a video: the whole length as a line, the match as a mark on it. */
export function track({
  caption,
  startSeconds,
  endSeconds,
  durationSeconds,
  kind,
}: TrackOptions): HTMLElement {
  const line = h('span', { class: 'track-line', 'aria-hidden': 'true' }, h('span', { class: 'track-mark' }));
  if (durationSeconds === null || durationSeconds <= 0) line.hidden = true;
  else {
    line.style.setProperty('--from', String(Math.min(1, startSeconds / durationSeconds)));
    line.style.setProperty('--to', String(Math.min(1, endSeconds / durationSeconds)));
  }
  return h(
    'div',
    { class: `track track-${kind}` },
    h('span', { class: 'track-caption' }, caption),
    line,
    h('span', { class: 'track-time' }, clockRange(startSeconds, endSeconds)),
  );
}

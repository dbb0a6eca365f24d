import type { SearchHitJson } from '../../schemas/search.js';
import { h } from '../parts/dom.js';
import { clockRange } from '../parts/format.js';
import { icon } from '../parts/icons.js';
import { spanPlayer } from '../parts/span-player.js';
import { explanationView } from './explanation.js';
import { track } from './timeline.js';

interface HitCardOptions {
  hit: SearchHitJson;
  rank: number;
  queryDurationSeconds: number | null;
  showCollection: boolean;
  /** Called before this card plays: only one plays at a time. */
  onPlay(stop: () => void): void;
  onSearchByVideo(video: SearchHitJson['video']): void;
}

export function hitCard(options: HitCardOptions): HTMLLIElement {
  const { hit, rank } = options;
  const card = h('li', { class: 'hit', 'data-video-id': hit.video.id });
  const media = h('div', { class: 'hit-media' });
  const showPicture = () => {
    card.classList.remove('playing');
    media.replaceChildren(playButton(hit, rank, play));
  };
  const play = () => {
    options.onPlay(showPicture);
    card.classList.add('playing');
    const player = spanPlayer(
      hit.mediaUrl,
      hit,
      `${hit.video.title}, ${clockRange(hit.startSeconds, hit.endSeconds)}`,
      () => {
        media.replaceChildren(picture(hit), unplayable(hit));
      },
    );
    media.replaceChildren(player);
    player.focus();
  };
  showPicture();
  card.append(media, details(options));
  return card;
}

function picture(hit: SearchHitJson): HTMLImageElement {
  const image = h('img', { src: hit.thumbnailUrl, alt: '', loading: 'lazy', decoding: 'async' });
  image.addEventListener('error', () => image.classList.add('missing'), { once: true });
  return image;
}

function playButton(hit: SearchHitJson, rank: number, play: () => void): HTMLButtonElement {
  const range = clockRange(hit.startSeconds, hit.endSeconds);
  const label = `Play hit ${rank}: ${hit.video.title}, ${range}`;
  return h(
    'button',
    { class: 'picture', type: 'button', 'aria-label': label, onclick: play },
    picture(hit),
    h('span', { class: 'picture-play' }, icon('play')),
    h('span', { class: 'badge' }, range),
  );
}

function unplayable(hit: SearchHitJson): HTMLElement {
  return h(
    'p',
    { class: 'unplayable', role: 'status' },
    'This browser cannot play the format of this file. ',
    h('a', { href: hit.mediaUrl.replace(/#.*$/, ''), download: '' }, 'Download it'),
  );
}

function details({
  hit,
  rank,
  queryDurationSeconds,
  showCollection,
  onSearchByVideo,
}: HitCardOptions): HTMLElement {
  const { video } = hit;
  return h(
    'div',
    { class: 'hit-details' },
    h(
      'div',
      { class: 'hit-head' },
      h('span', { class: 'rank', 'aria-hidden': 'true' }, String(rank)),
      h('h3', { class: 'name', title: video.title }, video.title),
      video.label === null ? null : h('span', { class: 'chip' }, video.label),
      showCollection ? h('span', { class: 'chip chip-quiet' }, video.collection) : null,
    ),
    score(hit),
    h(
      'div',
      { class: 'tracks' },
      track({ caption: 'In the video', kind: 'video', ...hit, durationSeconds: video.durationSeconds }),
      track({
        caption: 'In your clip',
        kind: 'query',
        startSeconds: hit.queryStartSeconds,
        endSeconds: hit.queryEndSeconds,
        durationSeconds: queryDurationSeconds,
      }),
    ),
    facts(hit),
    hit.explanation === null ? null : explanationView(hit.explanation),
    h(
      'div',
      { class: 'hit-actions' },
      h(
        'button',
        {
          class: 'button quiet small',
          type: 'button',
          onclick: () => onSearchByVideo(video),
        },
        icon('search'),
        'Search by this video',
        h('span', { class: 'visually-hidden' }, `: ${video.title}`),
      ),
    ),
  );
}

/** Share of a match from which its being boilerplate is told. */
const MOSTLY = 0.5;

/** What was done to the clip, where something was, and what the match is worth. */
function facts({ speed, mirrored, parts, boilerplate }: SearchHitJson): HTMLElement | null {
  const told = [
    mirrored ? 'mirrored' : null,
    speed === 1 ? null : `at ${speed.toFixed(2)} times the speed`,
    parts.length > 1 ? `in ${parts.length} parts` : null,
  ].filter((fact) => fact !== null);
  const sentences = [
    told.length === 0 ? null : `Matches ${told.join(', ')}`,
    boilerplate < MOSTLY ? null : 'Most of what matches stands in many videos, is black or a still picture',
  ].filter((sentence) => sentence !== null);
  return sentences.length === 0 ? null : h('p', { class: 'fine hit-facts' }, sentences.join('. '));
}

const VERDICT_TEXTS: Record<SearchHitJson['verdict'], string> = {
  'same-footage': 'Same footage',
  similar: 'Similar',
  none: 'Little in common',
};

function score({ score: value, verdict }: SearchHitJson): HTMLElement {
  const bar = h('span', { class: 'score-bar', 'aria-hidden': 'true' });
  bar.style.setProperty('--score', String(value));
  const text = value.toFixed(2);
  return h(
    'div',
    { class: 'score', title: 'Probability that this is the same footage' },
    h('span', { class: 'score-label' }, 'Score'),
    bar,
    h('span', { class: 'score-value' }, text),
    h('span', { class: 'score-verdict' }, VERDICT_TEXTS[verdict]),
  );
}

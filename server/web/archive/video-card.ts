import type { VideoJson } from '../../schemas/videos.js';
import { h } from '../parts/dom.js';
import { bytes, clock } from '../parts/format.js';
import { icon } from '../parts/icons.js';
import { spanPlayer } from '../parts/span-player.js';

interface VideoCardOptions {
  video: VideoJson;
  showCollection: boolean;
  onPlay(stop: () => void): void;
  onSearch(video: VideoJson): void;
  /** Null: this person may not. */
  onRemove: ((video: VideoJson) => void) | null;
}

export function videoCard({
  video,
  showCollection,
  onPlay,
  onSearch,
  onRemove,
}: VideoCardOptions): HTMLLIElement {
  const media = h('div', { class: 'video-media' });
  const showPicture = () => media.replaceChildren(playButton(video, play));
  const play = () => {
    onPlay(showPicture);
    const whole = { startSeconds: 0, endSeconds: video.durationSeconds };
    const player = spanPlayer(video.mediaUrl, whole, video.title, () => {
      media.replaceChildren(
        h(
          'p',
          { class: 'unplayable', role: 'status' },
          'This browser cannot play the format of this file. ',
          h('a', { href: video.mediaUrl, download: '' }, 'Download it'),
        ),
      );
    });
    media.replaceChildren(player);
    player.focus();
  };
  showPicture();
  return h(
    'li',
    { class: 'video', 'data-video-id': video.id },
    media,
    h(
      'div',
      { class: 'video-text' },
      h('h2', { class: 'name', title: video.title }, video.title),
      h(
        'p',
        { class: 'fine' },
        `${video.width} × ${video.height} · ${video.codec} · ${bytes(video.sizeBytes)}`,
      ),
      h(
        'p',
        { class: 'chips' },
        video.label === null ? null : h('span', { class: 'chip' }, video.label),
        showCollection ? h('span', { class: 'chip chip-quiet' }, video.collection) : null,
        video.damaged
          ? h(
              'span',
              { class: 'chip chip-warn', title: 'The decoder met errors; what could be read is indexed.' },
              'damaged',
            )
          : null,
      ),
      h(
        'div',
        { class: 'video-actions' },
        h(
          'button',
          {
            class: 'button small',
            type: 'button',
            onclick: () => onSearch(video),
          },
          icon('search'),
          'Search by this',
          h('span', { class: 'wide' }, 'video'),
          h('span', { class: 'visually-hidden' }, `: ${video.title}`),
        ),
        onRemove === null
          ? null
          : h(
              'button',
              {
                class: 'button quiet small square',
                type: 'button',
                'aria-label': `Delete ${video.title}`,
                title: 'Delete',
                onclick: () => onRemove(video),
              },
              icon('trash'),
            ),
      ),
    ),
  );
}

function playButton(video: VideoJson, play: () => void): HTMLButtonElement {
  const length = clock(video.durationSeconds);
  const image = h('img', { src: video.thumbnailUrl, alt: '', loading: 'lazy', decoding: 'async' });
  image.addEventListener('error', () => image.classList.add('missing'), { once: true });
  return h(
    'button',
    { class: 'picture', type: 'button', 'aria-label': `Play ${video.title}, ${length}`, onclick: play },
    image,
    h('span', { class: 'picture-play' }, icon('play')),
    h('span', { class: 'badge' }, length),
  );
}

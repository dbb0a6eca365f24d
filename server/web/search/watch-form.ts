import type { CreatedWatch } from '../../client/index.js';
import { api } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';
import { command, problemNotice } from '../parts/notice.js';
import type { Query, SearchOptions } from './query.js';

/** A form that has a webhook told when later videos show what was searched with. */
export function watchForm(query: Query, options: SearchOptions): HTMLElement {
  const url = h('input', {
    ...{ id: 'watch-url', type: 'url', required: true, maxlength: 2000, spellcheck: 'false' },
    placeholder: 'https://hooks.example/cliptrace',
  });
  const threshold = h('input', {
    ...{ id: 'watch-threshold', type: 'number', inputmode: 'decimal', required: true },
    ...{ min: 0, max: 1, step: 'any', value: 0.9 },
  });
  const button = h('button', { class: 'button', type: 'submit' }, 'Watch');
  const outcome = h('div', { class: 'outcome', 'aria-live': 'polite' });
  const submit = async (event: Event) => {
    event.preventDefault();
    button.disabled = true;
    fill(outcome);
    try {
      const watch = await create(query, options, { url: url.value, threshold: threshold.valueAsNumber });
      fill(outcome, madeNotice(watch));
    } catch (error) {
      fill(outcome, problemNotice(error));
    } finally {
      button.disabled = false;
    }
  };
  return h(
    'details',
    { class: 'folder watch' },
    h('summary', {}, 'Tell a webhook when a later video shows this'),
    h(
      'form',
      { onsubmit: submit },
      h('div', { class: 'field grow' }, h('label', { for: 'watch-url' }, 'Address of the webhook'), url),
      h('div', { class: 'field' }, h('label', { for: 'watch-threshold' }, 'From score'), threshold),
      button,
    ),
    query.kind === 'file'
      ? h('p', { class: 'fine' }, 'The server keeps the clip as long as it watches.')
      : null,
    outcome,
  );
}

function create(
  query: Query,
  options: SearchOptions,
  wanted: { url: string; threshold: number },
): Promise<CreatedWatch> {
  const fields = {
    ...wanted,
    ...(options.collection === '' ? {} : { collection: options.collection }),
    ...(options.startSeconds === null ? {} : { startSeconds: options.startSeconds }),
    ...(options.endSeconds === null ? {} : { endSeconds: options.endSeconds }),
  };
  return query.kind === 'file'
    ? api.createWatch(query.file, fields)
    : api.createWatchByVideo({ videoId: query.id, ...fields });
}

function madeNotice({ id, secret }: CreatedWatch): HTMLElement {
  return h(
    'div',
    { class: 'notice hint', role: 'status' },
    h(
      'div',
      { class: 'notice-text' },
      h(
        'p',
        {},
        `Watch ${id} has begun. Its deliveries are signed with this secret, which is shown this once:`,
      ),
      command(secret),
    ),
  );
}

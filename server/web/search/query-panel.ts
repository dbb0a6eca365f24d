import { CollectionSelect } from '../parts/collection-select.js';
import { fill, h } from '../parts/dom.js';
import { dropZone } from '../parts/drop-zone.js';
import { bytes, clock } from '../parts/format.js';
import { icon } from '../parts/icons.js';
import type { Query, SearchOptions } from './query.js';

/** The left side of the search: the clip, and what to ask of it. */
export class QueryPanel {
  readonly element: HTMLElement;
  readonly #onSearch: (query: Query) => void;
  readonly #collection: CollectionSelect;
  readonly #clip = h('div', { class: 'clip' });
  readonly #k: HTMLInputElement;
  readonly #start: HTMLInputElement;
  readonly #end: HTMLInputElement;
  readonly #submit: HTMLButtonElement;
  #query: Query | null = null;
  #durationSeconds: number | null = null;
  #objectUrl: string | null = null;

  constructor(onSearch: (query: Query) => void) {
    this.#onSearch = onSearch;
    this.#collection = new CollectionSelect('search-collection', () => this.#searchAgain());
    this.#k = numberInput('search-k', { min: 1, max: 200, step: 1, value: 10, required: true });
    this.#start = numberInput('search-start', { min: 0, step: 'any', placeholder: 'start' });
    this.#end = numberInput('search-end', { min: 0, step: 'any', placeholder: 'end' });
    this.#submit = h(
      'button',
      { class: 'button primary', type: 'submit', disabled: true },
      icon('search'),
      'Search',
    );
    this.element = h(
      'section',
      { class: 'panel query-panel', 'aria-label': 'Your clip' },
      this.#clip,
      this.#form(),
    );
    this.#showClip();
  }

  get query(): Query | null {
    return this.#query;
  }

  /** Null until the browser has read it, and when it cannot. */
  get durationSeconds(): number | null {
    return this.#durationSeconds;
  }

  get options(): SearchOptions {
    const k = this.#k.valueAsNumber;
    return {
      k: Number.isInteger(k) ? Math.min(200, Math.max(1, k)) : 10,
      collection: this.#collection.value,
      startSeconds: secondsIn(this.#start),
      endSeconds: secondsIn(this.#end),
    };
  }

  refresh(): Promise<void> {
    return this.#collection.refresh();
  }

  /** Shows a query and searches with it. */
  use(query: Query): void {
    this.#query = query;
    this.#durationSeconds = query.kind === 'video' ? query.durationSeconds : null;
    this.#start.value = '';
    this.#end.value = '';
    this.#submit.disabled = false;
    this.#showClip();
    this.#onSearch(query);
  }

  #form(): HTMLFormElement {
    return h(
      'form',
      {
        class: 'options',
        onsubmit: (event: Event) => {
          event.preventDefault();
          this.#searchAgain();
        },
      },
      this.#collection.element,
      field('Hits', this.#k),
      h(
        'fieldset',
        { class: 'field range' },
        h('legend', {}, 'Part of the clip, in seconds'),
        h('label', { class: 'visually-hidden', for: 'search-start' }, 'From second'),
        this.#start,
        h('span', { 'aria-hidden': 'true' }, '–'),
        h('label', { class: 'visually-hidden', for: 'search-end' }, 'To second'),
        this.#end,
      ),
      this.#submit,
    );
  }

  #searchAgain(): void {
    if (this.#query !== null) this.#onSearch(this.#query);
  }

  #showClip(): void {
    if (this.#objectUrl !== null) URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = null;
    const query = this.#query;
    const choose = dropZone({
      id: 'clip-file',
      title: query === null ? 'Drop a clip here' : 'Another clip',
      text: query === null ? 'or choose a file: a few seconds are enough' : 'drop it here, or choose it',
      multiple: false,
      onFiles: ([file]) => file !== undefined && this.use({ kind: 'file', file }),
    });
    choose.classList.toggle('compact', query !== null);
    if (query === null) fill(this.#clip, choose);
    else fill(this.#clip, this.#preview(query), this.#caption(query), choose);
  }

  #preview(query: Query): HTMLElement {
    const source = query.kind === 'file' ? URL.createObjectURL(query.file) : query.mediaUrl;
    if (query.kind === 'file') this.#objectUrl = source;
    const video = h('video', {
      class: 'preview',
      src: source,
      controls: true,
      loop: true,
      playsinline: true,
      'aria-label': 'Your clip',
    });
    video.muted = true;
    video.addEventListener('loadedmetadata', () => {
      if (Number.isFinite(video.duration)) this.#durationSeconds = video.duration;
      this.#clip.querySelector('.clip-length')?.replaceChildren(` · ${clock(video.duration)}`);
      video.play().catch(() => undefined);
    });
    video.addEventListener('error', () => {
      video.replaceWith(
        h(
          'p',
          { class: 'preview unplayable' },
          'This browser cannot show the file. The search may read it all the same.',
        ),
      );
    });
    return video;
  }

  #caption(query: Query): HTMLElement {
    const name = query.kind === 'file' ? query.file.name : query.title;
    const about = query.kind === 'file' ? bytes(query.file.size) : 'from the archive';
    const length = query.kind === 'video' ? ` · ${clock(query.durationSeconds)}` : '';
    return h(
      'p',
      { class: 'clip-caption' },
      h('strong', { class: 'clip-name', title: name }, name),
      h('span', { class: 'fine' }, about, h('span', { class: 'clip-length' }, length)),
    );
  }
}

function numberInput(id: string, attributes: Record<string, string | number | boolean>): HTMLInputElement {
  return h('input', { id, type: 'number', inputmode: 'decimal', ...attributes });
}

function field(label: string, input: HTMLInputElement): HTMLElement {
  return h('div', { class: 'field' }, h('label', { for: input.id }, label), input);
}

function secondsIn(input: HTMLInputElement): number | null {
  return Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : null;
}

import type { VideoJson } from '../../schemas/videos.js';
import { api } from '../parts/api.js';
import { CollectionSelect } from '../parts/collection-select.js';
import { fill, h } from '../parts/dom.js';
import { acceptDrops } from '../parts/drop-zone.js';
import { emptyArchive } from '../parts/empty-state.js';
import { plural } from '../parts/format.js';
import { hint, problemNotice } from '../parts/notice.js';
import { AddVideos } from './add-videos.js';
import { confirmRemoval } from './confirm.js';
import { videoCard } from './video-card.js';

const PAGE_SIZE = 24;
const TYPING_PAUSE_MS = 250;

interface ArchiveViewOptions {
  /** Whether this person may add and remove videos. */
  mayIngest: boolean;
  onSearch(video: VideoJson): void;
  /** Videos came or went. */
  onChange(): void;
}

/** What is in the archive: look, add, delete, search by one of them. */
export class ArchiveView {
  readonly element: HTMLElement;
  readonly #options: ArchiveViewOptions;
  readonly #add = new AddVideos(() => this.#changed());
  readonly #collection = new CollectionSelect('archive-collection', () => void this.#load());
  readonly #text: HTMLInputElement;
  readonly #count = h('p', { class: 'fine', role: 'status' });
  readonly #notices = h('div', {});
  readonly #list = h('ul', { class: 'videos' });
  readonly #more = h('button', { class: 'button', type: 'button', hidden: true }, 'Show more');
  #nextCursor: string | null = null;
  /** Answers that come after a newer question are dropped. */
  #generation = 0;
  #stopPlaying: () => void = () => undefined;

  constructor(options: ArchiveViewOptions) {
    this.#options = options;
    let timer: number | undefined;
    this.#text = h('input', {
      id: 'archive-text',
      type: 'search',
      placeholder: 'Title or file name',
      maxlength: 200,
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => void this.#load(), TYPING_PAUSE_MS);
      },
    });
    this.#more.addEventListener('click', () => void this.#loadMore());
    const filters = h(
      'div',
      { class: 'filters' },
      h(
        'div',
        { class: 'field grow' },
        h('label', { for: 'archive-text' }, 'Find in the archive'),
        this.#text,
      ),
      this.#collection.element,
    );
    this.element = h(
      'div',
      { class: 'archive-view' },
      h('h1', { class: 'visually-hidden' }, 'Archive'),
      this.#add.element,
      filters,
      this.#notices,
      this.#count,
      this.#list,
      this.#more,
    );
    this.#add.element.hidden = !options.mayIngest;
    if (options.mayIngest) acceptDrops(this.element, (files) => this.#add.add(files));
  }

  async refresh(): Promise<void> {
    await Promise.all([
      this.#load(),
      this.#collection.refresh(),
      this.#options.mayIngest ? this.#add.refresh() : undefined,
    ]);
  }

  async #load(): Promise<void> {
    this.#generation += 1;
    await this.#loadPage(undefined);
  }

  async #loadMore(): Promise<void> {
    if (this.#nextCursor !== null) await this.#loadPage(this.#nextCursor);
  }

  async #loadPage(cursor: string | undefined): Promise<void> {
    const generation = this.#generation;
    const q = this.#text.value.trim();
    const collection = this.#collection.value;
    try {
      const page = await api.listVideos({ limit: PAGE_SIZE, q, collection, cursor });
      if (generation !== this.#generation) return;
      const cards = page.videos.map((video) => this.#card(video));
      if (cursor === undefined) fill(this.#list, ...cards);
      else this.#list.append(...cards);
      this.#nextCursor = page.nextCursor;
      this.#more.hidden = page.nextCursor === null;
      const isFiltered = q !== '' || collection !== '';
      this.#count.textContent =
        page.totalCount === 0 ? '' : `${plural(page.totalCount, 'video')}${isFiltered ? ' found' : ''}`;
      fill(
        this.#notices,
        page.totalCount > 0
          ? null
          : isFiltered
            ? hint('No video fits. Try fewer letters, or all collections.')
            : emptyArchive({ withLink: false }),
      );
    } catch (error) {
      if (generation === this.#generation) fill(this.#notices, problemNotice(error));
    }
  }

  #card(video: VideoJson): HTMLElement {
    return videoCard({
      video,
      showCollection: !this.#collection.element.hidden,
      onPlay: (stop) => {
        this.#stopPlaying();
        this.#stopPlaying = stop;
      },
      onSearch: this.#options.onSearch,
      onRemove: this.#options.mayIngest ? (chosen) => void this.#remove(chosen) : null,
    });
  }

  async #remove(video: VideoJson): Promise<void> {
    if (!(await confirmRemoval(video.title))) return;
    try {
      await api.removeVideo(video.id);
      this.#changed();
    } catch (error) {
      fill(this.#notices, problemNotice(error));
    }
  }

  #changed(): void {
    void this.#load();
    void this.#collection.refresh();
    this.#options.onChange();
  }
}

import type { SearchAnswerJson } from '../../schemas/search.js';
import { api, Cancelled } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';
import { acceptDrops } from '../parts/drop-zone.js';
import { emptyArchive } from '../parts/empty-state.js';
import { elapsed, plural } from '../parts/format.js';
import { hint, problemNotice } from '../parts/notice.js';
import { hitCard } from './hit-card.js';
import { type Query, runSearch } from './query.js';
import { QueryPanel } from './query-panel.js';
import { watchForm } from './watch-form.js';

/** Drop a clip, see where it comes from. */
export class SearchView {
  readonly element: HTMLElement;
  readonly #panel = new QueryPanel((query) => void this.#search(query));
  readonly #results = h('section', { class: 'results', 'aria-label': 'Hits' });
  readonly #announcement = h('p', { class: 'visually-hidden', role: 'status' });
  readonly #mayWatch: boolean;
  #running: AbortController | null = null;
  #stopPlaying: () => void = () => undefined;

  constructor({ mayWatch }: { mayWatch: boolean }) {
    this.#mayWatch = mayWatch;
    this.element = h(
      'div',
      { class: 'search-view' },
      h('h1', { class: 'visually-hidden' }, 'Search'),
      this.#panel.element,
      this.#results,
      this.#announcement,
    );
    acceptDrops(document.body, ([file]) => {
      if (file !== undefined && !this.element.hidden) this.use({ kind: 'file', file });
    });
  }

  async refresh(): Promise<void> {
    await this.#panel.refresh();
    if (this.#panel.query === null) await this.#welcome();
  }

  use(query: Query): void {
    this.#panel.use(query);
  }

  async #welcome(): Promise<void> {
    const { totalCount } = await api.listVideos({ limit: 1 });
    if (this.#panel.query !== null) return;
    fill(this.#results, totalCount === 0 ? emptyArchive({ withLink: true }) : introduction(totalCount));
  }

  async #search(query: Query): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    const progress = new SearchProgress(() => running.abort());
    fill(this.#results, progress.element);
    try {
      const { options } = this.#panel;
      const answer = await runSearch(query, options, running.signal, (sent) => progress.sent(sent));
      if (this.#running !== running) return;
      this.#show(answer, this.#mayWatch ? watchForm(query, options) : null);
      this.#bringIntoView();
    } catch (error) {
      if (this.#running !== running) return;
      if (error instanceof Cancelled) fill(this.#results, hint('The search was cancelled.'));
      else fill(this.#results, problemNotice(error));
    }
  }

  /** On a narrow screen the hits lie below the clip, out of sight. */
  #bringIntoView(): void {
    const { top } = this.#results.getBoundingClientRect();
    if (top > innerHeight * 0.6) this.#results.scrollIntoView({ behavior: 'smooth', block: 'start' });
  }

  #show({ hits, timings, model, warnings }: SearchAnswerJson, watch: HTMLElement | null): void {
    const summary = hits.length === 0 ? 'No hits' : plural(hits.length, 'hit');
    this.#announcement.textContent = summary;
    const queryDurationSeconds =
      this.#panel.durationSeconds ?? Math.max(0, ...hits.map((hit) => hit.queryEndSeconds));
    const showCollection = new Set(hits.map(({ video }) => video.collection)).size > 1;
    fill(
      this.#results,
      h(
        'div',
        { class: 'results-head' },
        h('h2', {}, summary),
        h(
          'p',
          { class: 'fine', title: `Encoder ${model.id}` },
          `${elapsed(timings.totalMs)}: decoding ${elapsed(timings.decodeMs)}, encoding ${elapsed(timings.encodeMs)}, searching ${elapsed(timings.searchMs)}`,
        ),
      ),
      hits.length === 0
        ? hint('Nothing in the archive looks like this clip. Try another collection, or a longer part of it.')
        : null,
      h(
        'ol',
        { class: 'hits' },
        ...hits.map((hit, index) =>
          hitCard({
            hit,
            rank: index + 1,
            queryDurationSeconds,
            showCollection,
            onPlay: (stop) => {
              this.#stopPlaying();
              this.#stopPlaying = stop;
            },
            onSearchByVideo: ({ id, title, durationSeconds }) => {
              const mediaUrl = hit.mediaUrl.replace(/#.*$/, '');
              this.use({ kind: 'video', id, title, durationSeconds, mediaUrl });
              scrollTo({ top: 0 });
            },
          }),
        ),
      ),
      ...warnings.map(({ message }) => hint(message)),
      watch,
    );
    this.#stopPlaying = () => undefined;
  }
}

function introduction(totalCount: number): HTMLElement {
  return h(
    'div',
    { class: 'introduction' },
    h('h2', { class: 'headline' }, 'Where does this clip come from?'),
    h(
      'p',
      {},
      `Drop a few seconds of video. Cliptrace looks through ${plural(totalCount, 'video')} and shows where the same footage appears, ` +
        'and what looks and moves like it: re-encoded, trimmed or cropped copies too.',
    ),
    h('p', { class: 'fine' }, 'The clip goes to this server only, and is deleted when the answer is there.'),
  );
}

class SearchProgress {
  readonly element: HTMLElement;
  readonly #text = h('p', { role: 'status' }, 'Searching…');
  readonly #bar = h('progress', { 'aria-label': 'Progress of the search' });

  constructor(cancel: () => void) {
    this.element = h(
      'div',
      { class: 'progress-box' },
      this.#text,
      this.#bar,
      h('button', { class: 'button small', type: 'button', onclick: cancel }, 'Cancel'),
    );
  }

  sent(part: number): void {
    if (part < 1) {
      this.#bar.value = part;
      this.#text.textContent = `Sending the clip: ${Math.floor(part * 100)} %`;
    } else {
      // How long decoding takes is not known.
      this.#bar.removeAttribute('value');
      this.#text.textContent = 'Decoding and searching…';
    }
  }
}

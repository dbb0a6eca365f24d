import { api, RequestFailed } from './api.js';
import { fill, h } from './dom.js';
import { plural } from './format.js';

const WAITING_MS = 2000;
const READY_MS = 30_000;

/** Keeps the line in the header true: is the server there, is its index loaded, how much is in it. */
export class Status {
  readonly #element: HTMLElement;
  #timer: number | undefined;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    const isReady = await this.#show();
    this.#timer = setTimeout(() => void this.refresh(), isReady ? READY_MS : WAITING_MS);
  }

  async #show(): Promise<boolean> {
    try {
      const [state, page] = await Promise.all([api.getReadiness(), api.listVideos({ limit: 1 })]);
      if (state.ready)
        this.#set('good', plural(page.totalCount, 'video'), `Encoder ${state.model?.id ?? 'unknown'}`);
      else this.#set('waiting', 'Getting ready', state.reason ?? '');
      return state.ready;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.#set('bad', 'No answer from the server', error.message);
      return false;
    }
  }

  #set(kind: 'good' | 'waiting' | 'bad', text: string, title: string): void {
    if (this.#element.textContent === text && this.#element.dataset.kind === kind) return;
    this.#element.dataset.kind = kind;
    this.#element.title = title;
    fill(this.#element, h('span', { class: 'dot', 'aria-hidden': 'true' }), text);
  }
}

import type { EvaluationList as Listed } from '../../client/index.js';
import { api } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';
import { plural } from '../parts/format.js';

type Row = Listed['evaluations'][number];

const LOOK_INTERVAL_MS = 1000;

/** The latest evaluations; looks again by itself while one is under way. */
export class EvaluationList {
  readonly element = h('div', { class: 'evaluations' });
  readonly #onShow: (id: number) => void;
  readonly #onError: (error: unknown) => void;
  #timer: number | null = null;

  constructor(options: { onShow: (id: number) => void; onError: (error: unknown) => void }) {
    this.#onShow = options.onShow;
    this.#onError = options.onError;
  }

  async refresh(): Promise<void> {
    const { evaluations } = await api.listEvaluations({ limit: 20 });
    fill(this.element, ...evaluations.map((row) => this.#row(row)));
    if (this.#timer !== null) clearTimeout(this.#timer);
    const isBusy = evaluations.some(({ status }) => status === 'queued' || status === 'running');
    this.#timer = isBusy ? window.setTimeout(() => this.#lookAgain(), LOOK_INTERVAL_MS) : null;
  }

  #lookAgain(): void {
    this.refresh().catch(this.#onError);
  }

  #row(row: Row): HTMLElement {
    const { id, protocol, collection, status, createdAt } = row;
    const isDone = status === 'done';
    return h(
      'div',
      { class: 'panel evaluation', 'data-status': status },
      h(
        'div',
        { class: 'evaluation-text' },
        h('strong', {}, `${protocol}, ${collection ?? 'whole library'}`),
        h('p', { class: 'fine' }, `${new Date(createdAt).toLocaleString()} · ${stateOf(row)}`),
      ),
      isDone
        ? h('button', { class: 'button', type: 'button', onclick: () => this.#onShow(id) }, 'Show report')
        : null,
    );
  }
}

function stateOf({ status, progress, error, summary }: Row): string {
  if (error !== null) return `${error.code}: ${error.message}`;
  if (summary !== null) {
    const figures = summary.headline
      .slice(0, 3)
      .map(({ name, value }) => `${name} ${value === null ? '–' : value.toFixed(3)}`);
    const problems = summary.problemCount > 0 ? [plural(summary.problemCount, 'problem')] : [];
    const queries = `${summary.queryCount} ${summary.queryCount === 1 ? 'query' : 'queries'}`;
    return [summary.modelId, queries, ...figures, ...problems].join(' · ');
  }
  if (progress.queriesTotal === null) return status;
  return `${status}: ${progress.queriesDone} of ${progress.queriesTotal} queries`;
}

import type { Evaluation } from '../../client/index.js';
import { api } from '../parts/api.js';
import { CollectionSelect } from '../parts/collection-select.js';
import { fill, h } from '../parts/dom.js';
import { problemNotice } from '../parts/notice.js';
import { EvaluationList } from './evaluation-list.js';
import { showReport } from './report.js';

const PROTOCOLS: readonly { value: Evaluation['protocol']; text: string }[] = [
  { value: 'labels', text: 'Labels: the nearest videos should have the same label' },
  { value: 'edits', text: 'Edits: edited parts of the library should find their source' },
  { value: 'pairs', text: 'Pairs: queries and targets of a CSV' },
  { value: 'ann', text: 'Index: compared with exact search' },
];

/** Starts evaluations, lists them, and shows their reports. */
export class EvaluateView {
  readonly element: HTMLElement;
  readonly #notices = h('div', {});
  readonly #collection = new CollectionSelect('evaluate-collection', () => undefined);
  readonly #protocol = h(
    'select',
    { id: 'evaluate-protocol', onchange: () => this.#fit() },
    ...PROTOCOLS.map(({ value, text }) => h('option', { value }, text)),
  );
  readonly #csv = h('input', { id: 'evaluate-csv', type: 'file', accept: '.csv,text/csv' });
  readonly #csvLabel = h('label', { for: 'evaluate-csv' }, '');
  readonly #csvField = h('div', { class: 'field grow' }, this.#csvLabel, this.#csv);
  readonly #report = h('section', { class: 'panel evaluation-report', hidden: true });
  readonly #list: EvaluationList;

  constructor() {
    this.#list = new EvaluationList({
      onShow: (id) => void this.#show(id),
      onError: (error) => fill(this.#notices, problemNotice(error)),
    });
    this.element = h(
      'section',
      { class: 'evaluate' },
      h('h1', { class: 'headline' }, 'How well does search work here?'),
      this.#notices,
      h(
        'form',
        { class: 'panel evaluate-form', onsubmit: (event: Event) => void this.#start(event) },
        h(
          'div',
          { class: 'field grow' },
          h('label', { for: 'evaluate-protocol' }, 'Measure by'),
          this.#protocol,
        ),
        this.#collection.element,
        this.#csvField,
        h('button', { class: 'button primary', type: 'submit' }, 'Evaluate'),
      ),
      this.#list.element,
      this.#report,
    );
    this.#fit();
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#collection.refresh(), this.#list.refresh()]);
  }

  #fit(): void {
    const protocol = this.#protocol.value;
    this.#csvField.hidden = protocol !== 'labels' && protocol !== 'pairs';
    this.#csvLabel.textContent =
      protocol === 'pairs' ? 'CSV: query,target or query,target,start,end' : 'CSV: video,split (optional)';
    this.#csv.required = protocol === 'pairs';
  }

  async #start(event: Event): Promise<void> {
    event.preventDefault();
    fill(this.#notices);
    try {
      const protocol = this.#protocol.value as Evaluation['protocol'];
      const csv = this.#csvField.hidden ? undefined : await this.#csv.files?.[0]?.text();
      await api.createEvaluation({
        protocol,
        ...(this.#collection.value === '' ? {} : { collection: this.#collection.value }),
        ...(csv === undefined ? {} : protocol === 'pairs' ? { pairsCsv: csv } : { queriesCsv: csv }),
      });
      await this.#list.refresh();
    } catch (error) {
      fill(this.#notices, problemNotice(error));
    }
  }

  async #show(id: number): Promise<void> {
    try {
      await showReport(this.#report, id);
      this.#report.hidden = false;
      this.#report.scrollIntoView({ behavior: 'smooth', block: 'start' });
    } catch (error) {
      fill(this.#notices, problemNotice(error));
    }
  }
}

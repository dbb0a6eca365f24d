import { api } from './api.js';
import { fill, h } from './dom.js';

/** A choice of collection; empty = all. Hidden while there is nothing to choose between. */
export class CollectionSelect {
  readonly element: HTMLElement;
  readonly #select: HTMLSelectElement;

  constructor(id: string, onChange: () => void) {
    this.#select = h('select', { id, onchange: onChange });
    this.element = h(
      'div',
      { class: 'field', hidden: true },
      h('label', { for: id }, 'Collection'),
      this.#select,
    );
  }

  get value(): string {
    return this.#select.value;
  }

  async refresh(): Promise<void> {
    const { collections } = await api.listCollections();
    const chosen = this.#select.value;
    fill(
      this.#select,
      h('option', { value: '' }, 'All collections'),
      ...collections.map(({ name, videoCount }) => h('option', { value: name }, `${name} (${videoCount})`)),
    );
    this.#select.value = collections.some(({ name }) => name === chosen) ? chosen : '';
    this.element.hidden = collections.length < 2;
  }
}

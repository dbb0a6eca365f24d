import type { JobJson } from '../../schemas/jobs.js';
import { cancelJob, followJob, getJob, RequestFailed } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';
import { plural, remaining } from '../parts/format.js';
import { icon } from '../parts/icons.js';

/** One upload or one job of the server: what it is, how far it is, what became of it. */
export class JobRow {
  readonly element: HTMLLIElement;
  readonly #text = h('p', { class: 'fine', role: 'status' });
  readonly #bar: HTMLProgressElement;
  readonly #buttons = h('div', { class: 'job-buttons' });
  readonly #failures = h('ul', { class: 'job-failures', hidden: true });

  constructor(name: string) {
    this.#bar = h('progress', { max: 1, 'aria-label': `Progress of ${name}` });
    this.element = h(
      'li',
      { class: 'job' },
      h('div', { class: 'job-text' }, h('strong', { class: 'job-name', title: name }, name), this.#text),
      this.#buttons,
      this.#bar,
      this.#failures,
    );
  }

  sending(part: number, cancel: () => void): void {
    this.#bar.value = part;
    this.#text.textContent = `Sending: ${Math.floor(part * 100)} %`;
    if (this.#buttons.childElementCount === 0) this.#cancelButton(cancel);
  }

  failed(error: unknown): void {
    const code = error instanceof RequestFailed ? error.problem?.code : undefined;
    this.#finish(
      'bad',
      `${error instanceof Error ? error.message : String(error)}${code === undefined ? '' : ` (${code})`}`,
    );
  }

  cancelled(): void {
    this.#finish('plain', 'Cancelled');
  }

  /** Shows the job until it ends. */
  follow(job: JobJson, onEnd: () => void): void {
    this.#buttons.replaceChildren();
    this.#cancelButton(() => void cancelJob(job.id).catch((error) => this.failed(error)));
    this.#running(job);
    followJob(job.id, {
      onChange: (now) => this.#running(now),
      onEnd: (ended) => {
        void this.#ended(ended);
        onEnd();
      },
    });
  }

  #running({ status, progress, type }: JobJson): void {
    const { bytesTotal, bytesDone, filesTotal, filesDone, etaSeconds } = progress;
    this.#bar.hidden = status === 'queued';
    if (status === 'queued') this.#text.textContent = 'Waiting for its turn';
    else {
      const files =
        type === 'upload' || filesTotal === null
          ? 'Indexing'
          : `${filesDone} of ${plural(filesTotal, 'file')}`;
      this.#text.textContent = etaSeconds === null ? `${files}…` : `${files}, ${remaining(etaSeconds)}`;
    }
    // A single file has no steps in between: no fraction is better than a false one.
    if (bytesTotal !== null && bytesTotal > 0 && type === 'index') this.#bar.value = bytesDone / bytesTotal;
    else this.#bar.removeAttribute('value');
  }

  async #ended(job: JobJson): Promise<void> {
    const { progress, error, status } = job;
    if (status === 'cancelled') return this.cancelled();
    if (error !== null) return this.#finish('bad', `${error.message} (${error.code})`);
    const { outcomes, failures } = await getJob(job.id);
    const counted = Object.entries(outcomes).filter(([, count]) => (count ?? 0) > 0);
    const summary = counted.map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'nothing to do';
    this.#finish(
      progress.filesFailed > 0 ? 'bad' : 'good',
      job.type === 'upload' ? uploadText(outcomes) : summary,
    );
    this.#failures.hidden = failures.length === 0;
    fill(
      this.#failures,
      ...failures
        .slice(0, 20)
        .map(({ path, code, message }) =>
          h('li', {}, h('code', {}, code ?? ''), ` ${path}: ${message ?? ''}`),
        ),
    );
  }

  #finish(kind: 'good' | 'bad' | 'plain', text: string): void {
    this.element.dataset.kind = kind;
    this.#text.textContent = text;
    this.#bar.hidden = true;
    const close = h(
      'button',
      { class: 'button quiet square small', type: 'button', 'aria-label': 'Remove this line' },
      icon('close'),
    );
    close.addEventListener('click', () => this.element.remove());
    fill(this.#buttons, close);
  }

  #cancelButton(cancel: () => void): void {
    fill(
      this.#buttons,
      h('button', { class: 'button quiet small', type: 'button', onclick: cancel }, 'Cancel'),
    );
  }
}

function uploadText(outcomes: Partial<Record<string, number>>): string {
  const known = ['duplicate', 'unchanged', 'moved'].some((outcome) => (outcomes[outcome] ?? 0) > 0);
  return known ? 'Already in the archive' : 'In the archive';
}

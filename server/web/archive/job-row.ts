import type { JobJson } from '../../schemas/jobs.js';
import { api, RequestFailed } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';
import { clock, plural, remaining } from '../parts/format.js';
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
    if (this.#buttons.childElementCount === 0) fill(this.#buttons, button('Cancel', cancel));
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
    this.#show(job);
    void this.#followUntilEnd(job.id, onEnd).catch((error: unknown) => this.failed(error));
  }

  async #followUntilEnd(jobId: number, onEnd: () => void): Promise<void> {
    for await (const event of api.followJob(jobId)) {
      if (event.type !== 'end') this.#show(event.job);
      else {
        onEnd();
        await this.#ended(event.job);
      }
    }
  }

  #show(job: JobJson): void {
    const { status, progress } = job;
    const { durationTotalSeconds, durationDoneSeconds } = progress;
    this.#bar.hidden = status === 'queued';
    this.#text.textContent =
      status === 'queued' ? 'Waiting for its turn' : status === 'paused' ? pausedText(job) : runningText(job);
    if (durationTotalSeconds !== null && durationTotalSeconds > 0) {
      this.#bar.value = Math.min(1, durationDoneSeconds / durationTotalSeconds);
    }
    // While it looks for the files, no fraction is better than a false one.
    else this.#bar.removeAttribute('value');
    this.#showButtons(job);
  }

  /** Only when they change: a button that is made anew under the pointer cannot be clicked. */
  #showButtons({ id, status }: JobJson): void {
    const command = status === 'paused' ? 'resume' : 'pause';
    if (this.#buttons.dataset.command === command) return;
    this.#buttons.dataset.command = command;
    const ask = (what: 'pause' | 'resume' | 'cancel') => () =>
      void control(id, what).then(
        (now) => now.endedAt === null && this.#show(now),
        (error) => this.#complain(error),
      );
    fill(
      this.#buttons,
      button(command === 'pause' ? 'Pause' : 'Resume', ask(command)),
      button('Cancel', ask('cancel')),
    );
  }

  /** A job may have ended in between: then its end is told by its events. */
  #complain(error: unknown): void {
    const code = error instanceof RequestFailed ? error.problem?.code : undefined;
    if (code !== 'JOB_ALREADY_ENDED') this.failed(error);
  }

  async #ended(job: JobJson): Promise<void> {
    const { progress, error, status } = job;
    if (status === 'cancelled') return this.cancelled();
    if (error !== null) return this.#finish('bad', `${error.message} (${error.code})`);
    const { outcomes, failures } = await api.getJob(job.id);
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
}

function control(id: number, command: 'pause' | 'resume' | 'cancel'): Promise<JobJson> {
  if (command === 'pause') return api.pauseJob(id);
  return command === 'resume' ? api.resumeJob(id) : api.cancelJob(id);
}

function button(text: string, onclick: () => void): HTMLElement {
  return h('button', { class: 'button quiet small', type: 'button', onclick }, text);
}

/** `3 of 12 files, 2:10 of about 40:00, about 3 min left`. */
function runningText({ type, progress }: JobJson): string {
  const { filesTotal, etaSeconds } = progress;
  const files = type === 'upload' || filesTotal === null ? 'Indexing' : filesText(progress);
  const parts = [files, videoText(progress), etaSeconds === null ? '' : remaining(etaSeconds)];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === files ? `${text}…` : text;
}

function pausedText({ type, progress }: JobJson): string {
  const parts = ['Paused', type === 'index' && progress.filesTotal !== null ? filesText(progress) : ''];
  return parts.filter((part) => part !== '').join(': ');
}

function filesText({ filesDone, filesSkipped, filesFailed, filesTotal }: JobJson['progress']): string {
  return `${filesDone + filesSkipped + filesFailed} of ${plural(filesTotal ?? 0, 'file')}`;
}

function videoText(progress: JobJson['progress']): string {
  const { durationTotalSeconds, durationDoneSeconds, durationIsEstimate } = progress;
  if (durationTotalSeconds === null || durationTotalSeconds === 0) return '';
  return `${clock(durationDoneSeconds)} of ${durationIsEstimate ? 'about ' : ''}${clock(durationTotalSeconds)}`;
}

function uploadText(outcomes: Partial<Record<string, number>>): string {
  const known = ['duplicate', 'unchanged', 'moved'].some((outcome) => (outcomes[outcome] ?? 0) > 0);
  return known ? 'Already in the archive' : 'In the archive';
}

import type { UploadVideoFields } from '../../client/index.js';
import type { JobJson } from '../../schemas/jobs.js';
import { api, Cancelled } from '../parts/api.js';
import { h } from '../parts/dom.js';
import { dropZone } from '../parts/drop-zone.js';
import { plural, stem } from '../parts/format.js';
import { indexFolderForm } from './index-folder.js';
import { JobRow } from './job-row.js';

const SHOWN_PATHS = 5;

/** Uploads into the archive, one after another, and jobs that run on the server. */
export class AddVideos {
  readonly element: HTMLElement;
  readonly #rows = h('ul', { class: 'jobs' });
  readonly #collection = h('input', {
    id: 'upload-collection',
    type: 'text',
    maxlength: 100,
    placeholder: 'default',
  });
  readonly #label = h('input', { id: 'upload-label', type: 'text', maxlength: 200, placeholder: 'none' });
  readonly #onAdded: () => void;
  readonly #followed = new Set<number>();
  #queue: Promise<void> = Promise.resolve();

  constructor(onAdded: () => void) {
    this.#onAdded = onAdded;
    const zone = dropZone({
      id: 'upload-files',
      title: 'Add videos',
      text: 'drop files here, or choose them',
      multiple: true,
      onFiles: (files) => this.add(files),
    });
    zone.classList.add('compact');
    this.element = h(
      'section',
      { class: 'panel add-videos', 'aria-label': 'Add videos' },
      zone,
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'upload-collection' }, 'Into collection'),
        this.#collection,
      ),
      h('div', { class: 'field' }, h('label', { for: 'upload-label' }, 'Label'), this.#label),
      indexFolderForm(
        () => this.#collection.value.trim(),
        (job) => this.#show(job),
      ),
      this.#rows,
    );
  }

  add(files: File[]): void {
    for (const file of files) {
      const row = new JobRow(file.name);
      this.#rows.prepend(row.element);
      const fields = this.#fields(file);
      const abort = new AbortController();
      row.sending(0, () => abort.abort());
      // One at a time: the line is shared, and the jobs are worked off in order anyway.
      this.#queue = this.#queue.then(() => this.#send(row, file, fields, abort));
    }
  }

  /** Shows what the server is at, also when another page or program started it. */
  async refresh(): Promise<void> {
    const { jobs } = await api.listJobs({ limit: 20 });
    for (const job of jobs) {
      if (job.endedAt !== null) continue;
      if (this.#followed.has(job.id)) continue;
      this.#show(job);
    }
  }

  #show(job: JobJson): void {
    const row = new JobRow(job.title ?? (pathsText(job) || `Job ${job.id}`));
    this.#rows.prepend(row.element);
    this.#follow(row, job);
  }

  #fields(file: File): UploadVideoFields {
    const collection = this.#collection.value.trim();
    const label = this.#label.value.trim();
    return {
      title: stem(file.name),
      ...(collection === '' ? {} : { collection }),
      ...(label === '' ? {} : { label }),
    };
  }

  async #send(row: JobRow, file: File, fields: UploadVideoFields, abort: AbortController): Promise<void> {
    const { signal } = abort;
    if (signal.aborted) return row.cancelled();
    try {
      const onProgress = (sent: number) => row.sending(sent, () => abort.abort());
      this.#follow(row, await api.addVideo(file, fields, { signal, onProgress }));
    } catch (error) {
      if (error instanceof Cancelled) row.cancelled();
      else row.failed(error);
    }
  }

  #follow(row: JobRow, job: JobJson): void {
    this.#followed.add(job.id);
    row.follow(job, this.#onAdded);
  }
}

/** The folders or files of a job of the server, the first few by name; null when they are not told. */
function pathsText({ paths, pathCount }: JobJson): string | null {
  if (paths === null) return null;
  const shown = paths.slice(0, SHOWN_PATHS).join(', ');
  const more = (pathCount ?? 0) - SHOWN_PATHS;
  return more > 0 ? `${shown} and ${plural(more, 'more path')}` : shown;
}

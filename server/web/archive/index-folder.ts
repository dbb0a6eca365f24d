import type { JobJson } from '../../schemas/jobs.js';
import { api } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';
import { problemNotice } from '../parts/notice.js';

/** A form that indexes a folder of the server's own disk, where the server allows it. */
export function indexFolderForm(collection: () => string, onStarted: (job: JobJson) => void): HTMLElement {
  const path = h('input', {
    id: 'folder-path',
    type: 'text',
    required: true,
    maxlength: 4096,
    spellcheck: 'false',
    placeholder: '/path/to/videos',
  });
  const labels = h('input', { id: 'folder-labels', type: 'checkbox' });
  const notices = h('div', {});
  const submit = async (event: Event) => {
    event.preventDefault();
    fill(notices);
    try {
      const job = await api.createJob({
        type: 'index',
        path: path.value,
        ...(collection() === '' ? {} : { collection: collection() }),
        ...(labels.checked ? { labelFrom: 'folder' } : {}),
      });
      path.value = '';
      onStarted(job);
    } catch (error) {
      fill(notices, problemNotice(error));
    }
  };
  return h(
    'details',
    { class: 'folder' },
    h('summary', {}, 'Index a folder of the server'),
    h(
      'form',
      { onsubmit: submit },
      h('div', { class: 'field grow' }, h('label', { for: 'folder-path' }, 'Path on the server'), path),
      h('label', { class: 'check', for: 'folder-labels' }, labels, 'Folder names are labels'),
      h('button', { class: 'button', type: 'submit' }, 'Index'),
    ),
    notices,
  );
}

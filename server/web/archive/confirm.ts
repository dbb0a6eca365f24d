import { h } from '../parts/dom.js';

/** Asks before something that cannot be undone. Resolves to true when the person goes on. */
export function confirmRemoval(title: string): Promise<boolean> {
  const dialog = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'confirm-title' },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'confirm-title' }, 'Delete this video?'),
      h(
        'p',
        {},
        h('strong', { class: 'dialog-subject' }, title),
        ' leaves the archive, and no search finds it any more.',
      ),
      h(
        'p',
        { class: 'fine' },
        'An uploaded file is deleted. A file of your own folders stays where it lies.',
      ),
      h(
        'div',
        { class: 'dialog-actions' },
        h('button', { class: 'button', value: 'keep', autofocus: true }, 'Keep it'),
        h('button', { class: 'button danger', value: 'remove' }, 'Delete'),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'remove');
    });
  });
}

import { RequestFailed } from './api.js';
import { h } from './dom.js';
import { icon } from './icons.js';

/** What went wrong: title, detail and code, so that it can be understood and reported. */
export function problemNotice(error: unknown, { onDismiss }: { onDismiss?: () => void } = {}): HTMLElement {
  const problem = error instanceof RequestFailed ? error.problem : null;
  const detail = error instanceof Error ? error.message : String(error);
  const notice = h(
    'div',
    { class: 'notice problem', role: 'alert' },
    h(
      'div',
      { class: 'notice-text' },
      h('strong', { class: 'notice-title' }, problem?.title ?? 'That did not work'),
      h('p', {}, detail),
      problem === null
        ? null
        : h('p', { class: 'fine' }, h('code', { title: problem.instance ?? '' }, problem.code)),
    ),
    h(
      'button',
      {
        class: 'button quiet square',
        type: 'button',
        'aria-label': 'Dismiss this message',
        onclick: () => {
          notice.remove();
          onDismiss?.();
        },
      },
      icon('close'),
    ),
  );
  return notice;
}

export function hint(text: string): HTMLElement {
  return h('div', { class: 'notice hint' }, h('p', { class: 'notice-text' }, text));
}

/** A command to type, with a button that copies it. */
export function command(text: string): HTMLElement {
  const copy = h('button', { class: 'button small', type: 'button' }, 'Copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = 'Copied';
  });
  // Only a secure page (https or localhost) may write to the clipboard.
  return h('div', { class: 'command' }, h('code', {}, text), 'clipboard' in navigator ? copy : null);
}

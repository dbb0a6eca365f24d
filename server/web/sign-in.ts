import { h } from './parts/dom.js';
import { forgetKey, storedKey, storeKey } from './parts/key.js';

/** Asks for an API key, keeps it for this tab, and begins anew with it. */
export function signInForm(): HTMLElement {
  const wasRefused = storedKey() !== null;
  forgetKey();
  const key = h('input', {
    id: 'api-key',
    type: 'password',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'ct_…',
    maxlength: 200,
  });
  const submit = (event: Event) => {
    event.preventDefault();
    storeKey(key.value.trim());
    location.reload();
  };
  return h(
    'section',
    { class: 'panel sign-in', 'aria-labelledby': 'sign-in-title' },
    h('h1', { id: 'sign-in-title' }, 'This server asks for an API key'),
    wasRefused ? h('p', { class: 'notice problem', role: 'alert' }, 'That key is unknown or revoked.') : null,
    h(
      'form',
      { onsubmit: submit },
      h('div', { class: 'field grow' }, h('label', { for: 'api-key' }, 'API key'), key),
      h('button', { class: 'button primary', type: 'submit' }, 'Sign in'),
    ),
    h(
      'p',
      { class: 'fine' },
      'It is kept in this tab only. Whoever runs the server makes one with ',
      h('code', {}, 'cliptrace keys create'),
      '.',
    ),
  );
}

/** Forgets the key. Null when there is none to forget. */
export function signOutButton(): HTMLElement | null {
  if (storedKey() === null) return null;
  const onclick = () => {
    forgetKey();
    location.reload();
  };
  return h('button', { class: 'button quiet small', type: 'button', onclick }, 'Sign out');
}

import { h } from './dom.js';
import { icon } from './icons.js';
import { command } from './notice.js';

/** What to do when there is nothing to search in. */
export function emptyArchive({ withLink }: { withLink: boolean }): HTMLElement {
  return h(
    'section',
    { class: 'empty' },
    icon('film'),
    h('h2', {}, 'The archive is empty'),
    withLink
      ? h(
          'p',
          {},
          h('a', { href: '#archive' }, 'Upload videos'),
          ', or index a whole folder from a terminal:',
        )
      : h('p', {}, 'Drop videos above, or index a whole folder from a terminal:'),
    command('npx cliptrace index /path/to/videos'),
  );
}

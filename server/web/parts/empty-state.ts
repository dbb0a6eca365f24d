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
          ', or stop the server and index a whole folder:',
        )
      : h('p', {}, 'Drop videos above, or stop the server and index a whole folder:'),
    command('npx cliptrace index /path/to/videos'),
  );
}

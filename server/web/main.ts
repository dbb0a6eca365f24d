import { ArchiveView } from './archive/archive-view.js';
import { fill } from './parts/dom.js';
import { problemNotice } from './parts/notice.js';
import { Status } from './parts/status.js';
import { SearchView } from './search/search-view.js';

type ViewName = 'search' | 'archive';

function start(): void {
  const content = find('#content');
  const status = new Status(find('#status'));
  const search = new SearchView();
  const archive = new ArchiveView({
    onSearch: ({ id, title, durationSeconds }) => {
      location.hash = 'search';
      scrollTo({ top: 0 });
      search.use({ kind: 'video', id, title, durationSeconds });
    },
    onChange: () => void status.refresh(),
  });
  const views = { search, archive };
  fill(content, search.element, archive.element);

  const show = () => {
    const name: ViewName = location.hash === '#archive' ? 'archive' : 'search';
    document.title = name === 'archive' ? 'Archive – Cliptrace' : 'Cliptrace';
    for (const [viewName, view] of Object.entries(views)) view.element.hidden = viewName !== name;
    for (const link of document.querySelectorAll('[data-view]')) {
      if (link.getAttribute('data-view') === name) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    for (const video of content.querySelectorAll('video')) video.pause();
    views[name].refresh().catch((error: unknown) => content.prepend(problemNotice(error)));
  };
  addEventListener('hashchange', show);
  // A file dropped beside every target must not replace the page.
  for (const event of ['dragover', 'drop']) addEventListener(event, (dropped) => dropped.preventDefault());
  show();
  void status.refresh();
}

function find(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null) throw new Error(`The page has no ${selector}.`);
  return element;
}

start();

import { ArchiveView } from './archive/archive-view.js';
import { EvaluateView } from './evaluate/evaluate-view.js';
import { api, RequestFailed } from './parts/api.js';
import { fill } from './parts/dom.js';
import { problemNotice } from './parts/notice.js';
import { Status } from './parts/status.js';
import { SearchView } from './search/search-view.js';
import { signInForm, signOutButton } from './sign-in.js';

type ViewName = 'search' | 'archive' | 'evaluate';

const TITLES: Record<ViewName, string> = {
  search: 'Cliptrace',
  archive: 'Archive – Cliptrace',
  evaluate: 'Evaluate – Cliptrace',
};

/** Asks first what this tab's key allows: without a good one there is nothing to show. */
async function start(): Promise<void> {
  const content = find('#content');
  try {
    const { scopes } = await api.getAccess();
    if (scopes.length === 0) fill(content, signInForm());
    else {
      const may = (scope: 'ingest' | 'search') => scopes.includes(scope) || scopes.includes('admin');
      showViews(content, { mayIngest: may('ingest'), mayWatch: may('ingest') && may('search') });
    }
  } catch (error) {
    const isRefused = error instanceof RequestFailed && error.code === 'KEY_INVALID';
    fill(content, isRefused ? signInForm() : problemNotice(error));
  }
}

function showViews(
  content: HTMLElement,
  { mayIngest, mayWatch }: { mayIngest: boolean; mayWatch: boolean },
): void {
  const status = new Status(find('#status'));
  const search = new SearchView({ mayWatch });
  const archive = new ArchiveView({
    mayIngest,
    onSearch: ({ id, title, durationSeconds, mediaUrl }) => {
      location.hash = 'search';
      scrollTo({ top: 0 });
      search.use({ kind: 'video', id, title, durationSeconds, mediaUrl });
    },
    onChange: () => void status.refresh(),
  });
  const evaluate = new EvaluateView();
  const views = { search, archive, evaluate };
  fill(content, ...Object.values(views).map(({ element }) => element));
  // Evaluations are jobs.
  find('[data-view=evaluate]').hidden = !mayIngest;
  const signOut = signOutButton();
  if (signOut !== null) find('.bar').append(signOut);

  const show = () => {
    const asked = location.hash.slice(1);
    const name: ViewName = asked === 'archive' || (asked === 'evaluate' && mayIngest) ? asked : 'search';
    document.title = TITLES[name];
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

void start();

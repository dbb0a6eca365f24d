import { api } from '../parts/api.js';
import { fill, h } from '../parts/dom.js';

/** Puts the report of an evaluation into the element, with its own style, and a link that saves it as a file. */
export async function showReport(element: HTMLElement, id: number): Promise<void> {
  const html = await api.getEvaluationReport(id);
  const style = /<style>([^<]*)<\/style>/;
  const parsed = new DOMParser().parseFromString(html.replace(style, ''), 'text/html');
  const host = h('div', {});
  const root = host.attachShadow({ mode: 'open' });
  // The page's policy lets no style element in, not even into a document that is only parsed; a sheet that is made here is its own.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style.exec(html)?.[1] ?? '');
  root.adoptedStyleSheets = [sheet];
  const main = parsed.querySelector('main');
  if (main) root.append(document.importNode(main, true));
  const address = URL.createObjectURL(new Blob([html], { type: 'text/html' }));
  const save = h(
    'a',
    { class: 'button small', href: address, download: `evaluation-${id}.html` },
    'Save as a file',
  );
  fill(element, h('p', { class: 'evaluation-save' }, save), host);
}

/** Markup that is safe as it is. Everything else is escaped when it is put into a `markup` template. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | null | Markup | readonly Markup[];

/** A template of markup: what is put in is escaped, unless it is markup itself; null is nothing. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = strings.map((string, i) => string + (i < parts.length ? textOf(parts[i] as Part) : ''));
  return new Markup(text.join(''));
}

function textOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function table(headers: readonly string[], rows: readonly (readonly (string | number)[])[]): Markup {
  return markup`<table><thead><tr>${headers.map((header) => markup`<th scope="col">${header}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr>${row.map((cell) => markup`<td>${cell}</td>`)}</tr>\n`)}</tbody></table>`;
}

export function section(title: string, ...content: readonly Markup[]): Markup {
  return markup`<section><h2>${title}</h2>\n${content}</section>\n`;
}

/** Three digits, or a dash for what is unknown. */
export function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

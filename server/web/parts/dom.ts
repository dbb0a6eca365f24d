type Attribute = string | number | boolean | null | undefined;
type Properties = Record<string, Attribute | ((event: never) => void)>;
export type Child = Node | string | null;

/**
 * Makes an element. `on…` functions become listeners, true an empty attribute; false, null and undefined are left
 * out. Text is only ever set as text.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Puts `children` in the place of what the element holds. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((child) => child !== null));
}

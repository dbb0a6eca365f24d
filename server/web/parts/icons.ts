// Drawn on a 24 by 24 grid, by line.
const SHAPES = {
  play: 'M8 5.5v13l10.5-6.5z',
  upload: 'M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5M5 16v3h14v-3',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zm4.8-1.7L20 20',
  trash: 'M5 7h14M10 7V5h4v2m-7 0 .8 12h8.4L17 7M10.5 10.5v5m3-5v5',
  close: 'M6.5 6.5l11 11m0-11l-11 11',
  film: 'M4 5.5h16v13H4zM8 5.5v13m8-13v13M4 12h4m8 0h4',
  repeat: 'M7 17H5a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2h14l-3-3m1 13h2a2 2 0 0 0 2-2V9M19 7l-3 3',
} as const;

export type IconName = keyof typeof SHAPES;

/** Decoration only: whatever it stands on must say in words what it does. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[name]);
  svg.append(path);
  return svg;
}

import { h } from './dom.js';
import { icon } from './icons.js';

interface DropZoneOptions {
  id: string;
  title: string;
  text: string;
  multiple: boolean;
  onFiles(files: File[]): void;
}

/** A place to drop files on that is also a file button, for the mouse, the keyboard and a screen reader alike. */
export function dropZone({ id, title, text, multiple, onFiles }: DropZoneOptions): HTMLElement {
  const input = h('input', {
    id,
    type: 'file',
    class: 'visually-hidden',
    accept: 'video/*,image/gif,.mkv,.avi,.mts,.m2ts,.ts,.flv,.wmv,.mpg,.mpeg,.ogv',
    multiple,
    onchange: () => {
      onFiles([...(input.files ?? [])]);
      // The same file may be chosen again.
      input.value = '';
    },
  });
  const zone = h(
    'label',
    { class: 'drop-zone', for: id },
    input,
    icon('upload'),
    h('span', { class: 'drop-title' }, title),
    h('span', { class: 'fine' }, text),
  );
  acceptDrops(zone, (files) => onFiles(multiple ? files : files.slice(0, 1)));
  return zone;
}

/** Calls back with files dropped on an element; it has the class `drop-over` while some hover above it. */
export function acceptDrops(element: HTMLElement, onFiles: (files: File[]) => void): void {
  element.addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = 'copy';
    element.classList.add('drop-over');
  });
  element.addEventListener('dragleave', (event) => {
    if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget))) {
      element.classList.remove('drop-over');
    }
  });
  element.addEventListener('drop', (event) => {
    element.classList.remove('drop-over');
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    onFiles(files);
  });
}

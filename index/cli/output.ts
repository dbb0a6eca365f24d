import type { Video } from '../library/types.js';

/** Where a command writes: results to `out`, progress and complaints to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when a progress bar makes sense. */
  interactive: boolean;
}

/** The one document that `--json` prints. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(JSON.stringify(value, null, 2));
}

/** `m:ss.s` or `h:mm:ss.s`. */
export function formatTime(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const hours = Math.floor(tenths / 36_000);
  const minutes = Math.floor((tenths % 36_000) / 600);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

export function formatRange(startSeconds: number, endSeconds: number): string {
  return `${formatTime(startSeconds)}-${formatTime(endSeconds)}`;
}

/** Columns as wide as their widest cell; numbers to the right. */
export function formatTable(
  headers: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => printable(row[column]).length)),
  );
  const line = (cells: readonly (string | number | undefined)[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof cell === 'number' ? printable(cell).padStart(width) : printable(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headers), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** One line, whatever a file's name holds. */
export function printable(value: string | number | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: file names may hold them, and terminals obey them.
  return String(value ?? '').replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => JSON.stringify(c).slice(1, -1));
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function videoRow(video: Video): (string | number)[] {
  return [
    video.id,
    video.title,
    video.collection,
    video.label ?? '-',
    formatTime(video.durationSeconds),
    video.segmentCount,
  ];
}

export const VIDEO_HEADERS = ['ID', 'Title', 'Collection', 'Label', 'Duration', 'Segments'] as const;

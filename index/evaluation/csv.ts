import { type Info, parse } from 'csv-parse/sync';
import { CliptraceError, errorMessageOf } from '../errors.js';

export interface CsvRow {
  /** From 1, as editors count. */
  line: number;
  cells: string[];
}

/** Rows of a CSV (RFC 4180, UTF-8, with or without byte order mark), cells trimmed, empty lines left out. USAGE when it is none. */
export function parseCsv(text: string, what: string): CsvRow[] {
  try {
    const records = parse(text, {
      bom: true,
      trim: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as { record: string[]; info: Info }[];
    return records.map(({ record, info }) => ({ line: info.lines, cells: record }));
  } catch (error) {
    throw new CliptraceError('USAGE', `${what} is no CSV: ${errorMessageOf(error)}`, { cause: error });
  }
}

/** The rows without their header, if the first one is a header: when one of its cells is one of the names. */
export function withoutHeader(rows: readonly CsvRow[], names: readonly string[]): CsvRow[] {
  const isHeader = rows[0]?.cells.some((cell) => names.includes(cell.toLowerCase())) ?? false;
  return isHeader ? rows.slice(1) : [...rows];
}

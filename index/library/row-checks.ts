import type { SqliteDatabase } from './database.js';

export interface OrphanRows {
  table: string;
  /** The table whose row they refer to and that is not there. */
  parent: string;
  rowCount: number;
}

export interface VideoFault {
  videoId: number;
  detail: string;
}

interface ForeignKey {
  table: string;
  from: string;
  to: string | null;
}

/** Rows that refer to a row that does not exist. SQLite refuses to make them; a damaged or edited file may hold them. */
export function findOrphanRows(database: SqliteDatabase): OrphanRows[] {
  const rows = database.pragma('foreign_key_check') as { table: string; parent: string }[];
  const counts = new Map<string, OrphanRows>();
  for (const { table, parent } of rows) {
    const key = `${table}\0${parent}`;
    const known = counts.get(key);
    if (known) known.rowCount += 1;
    else counts.set(key, { table, parent, rowCount: 1 });
  }
  return [...counts.values()];
}

/**
 * Deletes orphan rows, whatever tables there are. A lost collection is made anew instead: its videos are whole, and
 * only its name is gone. Run in a transaction.
 */
export function deleteOrphanRows(database: SqliteDatabase): void {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .pluck()
    .all() as string[];
  // A deletion may leave children of its own where the cascade does not reach.
  for (let round = 0; findOrphanRows(database).length > 0 && round < tables.length; round += 1) {
    for (const table of tables) {
      const keys = database.pragma(`foreign_key_list(${quoted(table)})`) as ForeignKey[];
      for (const key of keys) adoptOrDelete(database, table, key);
    }
  }
}

function adoptOrDelete(
  database: SqliteDatabase,
  table: string,
  { table: parent, from, to }: ForeignKey,
): void {
  const [child, column] = [quoted(table), quoted(from)];
  const target = quoted(to ?? 'id');
  const orphans = `${column} IS NOT NULL AND ${column} NOT IN (SELECT ${target} FROM ${quoted(parent)})`;
  if (parent === 'collections') {
    database.exec(
      `INSERT INTO collections (id, name) SELECT DISTINCT ${column}, 'recovered-' || ${column} FROM ${child} WHERE ${orphans}`,
    );
  } else {
    database.exec(`DELETE FROM ${child} WHERE ${orphans}`);
  }
}

/** Videos whose segments, features and counts do not agree with one another, one fault a line. */
export function findIncompleteVideos(database: SqliteDatabase): VideoFault[] {
  return INCOMPLETE.flatMap(({ sql, detail }) => {
    const rows = database.prepare(sql).all() as { videoId: number; count: number }[];
    return rows.map(({ videoId, count }) => ({ videoId, detail: detail(count) }));
  });
}

const INCOMPLETE: readonly { sql: string; detail: (count: number) => string }[] = [
  {
    sql: `SELECT b.video_id AS videoId, count(*) AS count FROM segment_blocks b
      WHERE b.segment_count <> (SELECT count(*) FROM segments s WHERE s.id >= b.id
        AND s.id < b.id + b.segment_count AND s.video_id = b.video_id AND s.model_key = b.model_key)
      GROUP BY b.video_id`,
    detail: (count) => `${count} blocks of features lack some of their segments`,
  },
  {
    sql: `SELECT s.video_id AS videoId, count(*) AS count FROM segments s
      WHERE NOT coalesce((SELECT b.id + b.segment_count > s.id AND b.video_id = s.video_id FROM segment_blocks b
        WHERE b.id <= s.id ORDER BY b.id DESC LIMIT 1), 0)
      GROUP BY s.video_id`,
    detail: (count) => `${count} segments have no features`,
  },
  {
    sql: `SELECT b.video_id AS videoId, count(*) AS count FROM segment_blocks b
      WHERE NOT EXISTS (SELECT 1 FROM timestep_blocks t WHERE t.id = b.id) GROUP BY b.video_id`,
    detail: (count) => `${count} blocks have no timestep features`,
  },
  {
    // While one model follows another, a video may have the segments of both.
    sql: `SELECT v.id AS videoId, v.segment_count AS count FROM videos v
      WHERE EXISTS (SELECT 1 FROM segments s WHERE s.video_id = v.id)
        AND v.segment_count NOT IN (SELECT count(*) FROM segments s WHERE s.video_id = v.id GROUP BY s.model_key)`,
    detail: (count) => `it says ${count} segments and has another number`,
  },
];

/** Videos without any segment: of no model are they found. */
export function videosWithoutSegments(database: SqliteDatabase): number[] {
  return database
    .prepare(
      'SELECT id FROM videos v WHERE NOT EXISTS (SELECT 1 FROM segments s WHERE s.video_id = v.id) ORDER BY id',
    )
    .pluck()
    .all() as number[];
}

/** Videos that lie nowhere: no file row refers to them. */
export function videosWithoutFiles(database: SqliteDatabase): number[] {
  return database
    .prepare(
      'SELECT id FROM videos v WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.video_id = v.id) ORDER BY id',
    )
    .pluck()
    .all() as number[];
}

/** So that the video is embedded again: one without features of the current model is not taken for finished. */
export function deleteFeatures(database: SqliteDatabase, videoId: number): void {
  database.prepare('DELETE FROM segment_blocks WHERE video_id = ?').run(videoId);
  database.prepare('DELETE FROM segments WHERE video_id = ?').run(videoId);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

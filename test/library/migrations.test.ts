import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase, type SqliteDatabase } from '../../index/library/database.js';
import {
  migrate,
  migrationsFolder,
  readMigrations,
  requireMigrated,
} from '../../index/library/migrations.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import { putVideo, temporaryFolder, temporaryLibrary } from './fixtures.js';

interface Place {
  folder: string;
  file: string;
  open: () => SqliteDatabase;
  write: (name: string, sql: string) => void;
}

/** Two migrations of a toy schema, and a database file. */
function place(): Place {
  const root = temporaryFolder();
  const folder = join(root, 'migrations');
  mkdirSync(folder);
  const write = (name: string, sql: string) => writeFileSync(join(folder, name), sql);
  write('0001_notes.sql', 'CREATE TABLE notes (text TEXT NOT NULL) STRICT;');
  write('0002_author.sql', "ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT 'nobody';");
  const file = join(root, 'test.sqlite');
  const open = () => {
    const database = openDatabase(file, { readonly: false });
    onTestFinished(() => {
      database.close();
    });
    return database;
  };
  return { folder, file, open, write };
}

function codeAndMessage(code: string, text: string) {
  return expect.objectContaining({ code, message: expect.stringContaining(text) });
}

describe('migrate', () => {
  it('applies in order, records what it applied, and does nothing the second time', () => {
    const { folder, open } = place();
    const database = open();
    expect(migrate(database, folder)).toEqual(['0001_notes.sql', '0002_author.sql']);
    expect(migrate(database, folder)).toEqual([]);
    const history = database.prepare('SELECT version, name, sha256 FROM schema_migrations').all();
    expect(history).toEqual(
      readMigrations(folder).map(({ version, name, sha256 }) => ({ version, name, sha256 })),
    );
  });

  it('applies only what is new to a library that holds data', () => {
    const { folder, open, write } = place();
    const database = open();
    migrate(database, folder);
    database.exec("INSERT INTO notes VALUES ('kept', 'me')");
    write('0003_more.sql', 'CREATE TABLE more (x INTEGER) STRICT;');
    expect(migrate(database, folder)).toEqual(['0003_more.sql']);
    expect(database.prepare('SELECT text FROM notes').pluck().all()).toEqual(['kept']);
  });

  it('undoes a failed migration as a whole, says which, and leaves the data usable', () => {
    const { folder, open, write } = place();
    const database = open();
    migrate(database, folder);
    database.exec("INSERT INTO notes VALUES ('kept', 'me')");
    write(
      '0003_half.sql',
      'CREATE TABLE half (x INTEGER); DELETE FROM notes; INSERT INTO nowhere VALUES (1);',
    );
    expect(() => migrate(database, folder)).toThrowError(codeAndMessage('MIGRATION_FAILED', '0003_half.sql'));
    expect(database.prepare('SELECT text FROM notes').pluck().all()).toEqual(['kept']);
    expect(database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").pluck().get()).toBe(0);
    expect(database.pragma('foreign_keys', { simple: true })).toBe(1);
    write('0003_half.sql', 'CREATE TABLE half (x INTEGER);');
    expect(migrate(database, folder)).toEqual(['0003_half.sql']);
  });

  it('refuses a migration that leaves rows pointing at nothing, or that ends its transaction', () => {
    const { folder, open, write } = place();
    const database = open();
    migrate(database, folder);
    const orphan = `CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a INTEGER REFERENCES a (id));
      INSERT INTO b VALUES (7);`;
    write('0003_orphan.sql', orphan);
    expect(() => migrate(database, folder)).toThrowError(
      codeAndMessage('MIGRATION_FAILED', '0003_orphan.sql'),
    );
    expect(
      database.prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')").pluck().get(),
    ).toBe(0);
    rmSync(join(folder, '0003_orphan.sql'));
    write('0003_commit.sql', 'CREATE TABLE left_behind (x INTEGER);\n  commit;');
    expect(() => migrate(database, folder)).toThrowError(
      codeAndMessage('MIGRATION_FAILED', '0003_commit.sql'),
    );
    const left = database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'left_behind'").pluck();
    expect(left.get()).toBe(0);
  });

  it('refuses an altered migration by name, but not other line ends', () => {
    const { folder, open, write } = place();
    const database = open();
    write('0002_author.sql', 'ALTER TABLE notes\nADD COLUMN author TEXT;\n');
    migrate(database, folder);
    write('0002_author.sql', 'ALTER TABLE notes\r\nADD COLUMN author TEXT;\r\n');
    expect(migrate(database, folder)).toEqual([]);
    write('0002_author.sql', 'ALTER TABLE notes\nADD COLUMN writer TEXT;\n');
    expect(() => migrate(database, folder)).toThrowError(
      codeAndMessage('MIGRATION_HISTORY', '0002_author.sql was altered'),
    );
  });

  it('refuses a history that lacks a migration or has another in its place', () => {
    const { folder, open, write } = place();
    const database = open();
    migrate(database, folder);
    renameSync(join(folder, '0002_author.sql'), join(folder, '0002_writer.sql'));
    expect(() => migrate(database, folder)).toThrowError(
      codeAndMessage('MIGRATION_HISTORY', '0002_writer.sql'),
    );
    renameSync(join(folder, '0002_writer.sql'), join(folder, '0002_author.sql'));
    database.exec('DELETE FROM schema_migrations WHERE version = 1');
    expect(() => migrate(database, folder)).toThrowError(
      codeAndMessage('MIGRATION_HISTORY', '0001_notes.sql is missing'),
    );
    write('0004_gap.sql', 'SELECT 1;');
    expect(() => migrate(database, folder)).toThrowError(codeAndMessage('MIGRATION_HISTORY', '0004_gap.sql'));
  });

  it.each(['1_short.sql', '0003 spaces.sql', '0003_Upper.sql', '0002_twice.sql'])(
    'refuses the name %s',
    (name) => {
      const { folder, write } = place();
      write(name, 'SELECT 1;');
      expect(() => readMigrations(folder)).toThrowError(
        codeAndMessage('MIGRATION_HISTORY', name.startsWith('0002') ? '0002' : name),
      );
    },
  );

  it('refuses a library of a newer version, and of an older one for readers', () => {
    const { folder, open, write } = place();
    const database = open();
    migrate(database, folder);
    write('0003_more.sql', 'CREATE TABLE more (x INTEGER);');
    expect(() => requireMigrated(database, folder)).toThrowError(
      codeAndMessage('MIGRATION_HISTORY', '0003_more.sql'),
    );
    migrate(database, folder);
    requireMigrated(database, folder);
    rmSync(join(folder, '0003_more.sql'));
    expect(() => migrate(database, folder)).toThrowError(codeAndMessage('LIBRARY_TOO_NEW', '0003_more.sql'));
    expect(() => requireMigrated(database, folder)).toThrowError(
      codeAndMessage('LIBRARY_TOO_NEW', '0003_more.sql'),
    );
  });

  it('waits for another process that migrates', () => {
    const { folder, open } = place();
    const [first, second] = [open(), open()];
    first.exec('BEGIN IMMEDIATE');
    second.pragma('busy_timeout = 50');
    expect(() => migrate(second, folder)).toThrowError(/locked/);
    first.exec('ROLLBACK');
    migrate(first, folder);
    expect(migrate(second, folder)).toEqual([]);
  });

  it('finds the folder from the source and from the build', () => {
    const root = temporaryFolder();
    for (const folder of ['migrations', 'index/library', 'dist/index/library'])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{}');
    expect(migrationsFolder(join(root, 'index/library'))).toBe(join(root, 'migrations'));
    expect(migrationsFolder(join(root, 'dist/index/library'))).toBe(join(root, 'migrations'));
    expect(readdirSync(migrationsFolder())).toContain('0001_library.sql');
  });
});

describe('openLibrary', () => {
  it('refuses a library that a newer version has migrated, and changes nothing in it', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await putVideo(library, 1);
    await library.close();
    const newer = join(temporaryFolder(), 'migrations');
    cpSync(migrationsFolder(), newer, { recursive: true });
    const next = String(readdirSync(newer).length + 1).padStart(4, '0');
    writeFileSync(join(newer, `${next}_future.sql`), 'CREATE TABLE future (x INTEGER);');
    const database = openDatabase(dataFolder.databaseFile, { readonly: false });
    migrate(database, newer);
    database.close();

    const before = readFileSync(dataFolder.databaseFile);
    for (const mode of ['write', 'read'] as const) {
      await expect(openLibrary({ dataFolder, mode })).rejects.toMatchObject({ code: 'LIBRARY_TOO_NEW' });
    }
    expect(readFileSync(dataFolder.databaseFile).equals(before)).toBe(true);
  });
});

import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GroupCommit } from '../../index/library/group-commit.js';

let database: Database.Database;
let writes: GroupCommit;
let commits: number;

beforeEach(() => {
  database = new Database(':memory:');
  database.exec('CREATE TABLE t (x INTEGER NOT NULL UNIQUE)');
  commits = 0;
  writes = new GroupCommit(database, (work) => {
    if (!database.inTransaction) commits += 1;
    return work();
  });
});
afterEach(() => database.close());

const put = (x: number | null) =>
  writes.write(() => database.prepare('INSERT INTO t VALUES (?)').run(x).changes);
const rows = () => database.prepare('SELECT x FROM t ORDER BY x').pluck().all();

it('writes what comes together in one transaction, and undoes only what fails', async () => {
  const results = await Promise.allSettled([put(1), put(2), put(1), put(null), put(3)]);
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
  ]);
  expect(rows()).toEqual([1, 2, 3]);
  expect(commits).toBe(1);
  await put(4);
  expect(commits).toBe(2);
});

it('tells nobody of success when the whole transaction was undone', async () => {
  const undone = writes.write(() => {
    database.exec('ROLLBACK');
    throw new Error('no room');
  });
  const results = await Promise.allSettled([put(1), undone, put(2)]);
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(rows()).toEqual([]);
  await put(5);
  expect(rows()).toEqual([5]);
});

it('writes at once what is asked to be flushed', () => {
  void put(7);
  expect(rows()).toEqual([]);
  writes.flush();
  expect(rows()).toEqual([7]);
});

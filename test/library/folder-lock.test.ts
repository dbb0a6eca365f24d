import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockDataFolder } from '../../index/library/folder-lock.js';
import { openLibrary } from '../../index/library/sqlite-library.js';
import { kill, startChild } from './children/start.js';
import { temporaryDataFolder, temporaryLibrary } from './fixtures.js';

describe('lockDataFolder', () => {
  it('refuses a second holder in the same process until the first releases', async () => {
    const dataFolder = await temporaryDataFolder();
    const first = lockDataFolder(dataFolder);
    expect(() => lockDataFolder(dataFolder)).toThrowError(
      expect.objectContaining({
        code: 'DATA_FOLDER_IN_USE',
        message: expect.stringContaining(`process ${process.pid}`),
      }),
    );
    first.release();
    first.release();
    lockDataFolder(dataFolder).release();
  });

  it('names the process that holds it, and is free the moment that process is killed', async () => {
    const dataFolder = await temporaryDataFolder();
    const holder = startChild('hold-lock', [dataFolder.root]);
    await once(holder, 'message');

    const refusal = await openLibrary({ dataFolder, mode: 'write' }).catch((error) => error);
    expect(refusal).toMatchObject({
      code: 'DATA_FOLDER_IN_USE',
      details: { holder: { pid: holder.pid, command: expect.stringContaining('hold-lock.ts') } },
    });

    await kill(holder);
    // What the killed process wrote about itself is still there, and is no hindrance.
    expect(JSON.parse(readFileSync(`${dataFolder.lockFile}.json`, 'utf8')).pid).toBe(holder.pid);
    const library = await openLibrary({ dataFolder, mode: 'write' });
    await library.close();
  });

  it('is free after a release in another process', async () => {
    const dataFolder = await temporaryDataFolder();
    const holder = startChild('hold-lock', [dataFolder.root]);
    await once(holder, 'message');
    const exited = once(holder, 'exit');
    holder.send('release');
    await exited;
    lockDataFolder(dataFolder).release();
  });

  it('leaves the folder free when the library cannot be opened', async () => {
    const { library, dataFolder } = await temporaryLibrary();
    await library.close();
    const first = await openLibrary({ dataFolder, mode: 'write' });
    await expect(openLibrary({ dataFolder, mode: 'write' })).rejects.toMatchObject({
      code: 'DATA_FOLDER_IN_USE',
    });
    await first.close();
    await (await openLibrary({ dataFolder, mode: 'write' })).close();
  });

  it('does not hinder readers', async () => {
    const { dataFolder } = await temporaryLibrary();
    const reader = await openLibrary({ dataFolder, mode: 'read' });
    expect(await reader.listCollections()).toEqual([]);
    await reader.close();
  });
});

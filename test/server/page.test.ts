/// <reference lib="dom" />
// Functions handed to the page run there. The build, which leaves tests out, knows no DOM on the server.
import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM_ARGUMENTS, findChromium } from '../tools/chromium.js';
import { webhookConfiguration } from '../webhooks/live-watches.js';
import { makeKey } from './tools/keys.js';
import { LIBRARY_VIDEOS, type LiveServer, samplePath, startLiveServer } from './tools/live-server.js';

const BUILD = fileURLToPath(new URL('../tools/build.mjs', import.meta.url));
const WANTED = 'person-bicycle-car-detection';

let live: LiveServer;
let empty: LiveServer;
let browser: Browser;
/** Console errors, exceptions and breaches of the content security policy, of all pages of a test. */
let complaints: string[] = [];

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [BUILD, '--page']);
  live = await startLiveServer({ configuration: webhookConfiguration() });
  empty = await startLiveServer({ videos: [] });
  browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_ARGUMENTS });
});

afterAll(async () => {
  await browser?.close();
  await live?.close();
  await empty?.close();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  expect(complaints).toEqual([]);
});

async function open(url: string): Promise<Page> {
  complaints = [];
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(url);
  return page;
}

/** Drops a file as a person does: with a DataTransfer, on an element. */
async function drop(page: Page, selector: string, name: string, bytes: Buffer): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([fileName, base64]) => {
      const content = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([content], fileName, { type: 'video/mp4' }));
      return data;
    },
    [name, bytes.toString('base64')] as const,
  );
  await page.dispatchEvent(selector, 'dragover', { dataTransfer: transfer });
  await page.dispatchEvent(selector, 'drop', { dataTransfer: transfer });
}

describe('the search', () => {
  it('shows the hits of a dropped clip, and plays one in place at its time', async () => {
    const page = await open(live.url);
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.includes('video'));
    await drop(page, '.drop-zone', `${WANTED}.mp4`, await readFile(samplePath(WANTED)));
    const first = page.locator('.hit').first();
    await first.waitFor();
    expect(await first.locator('.name').textContent()).toBe(WANTED);
    expect(await page.locator('.hit').count()).toBe(LIBRARY_VIDEOS.length);
    expect(await page.locator('.results h2').textContent()).toBe(`${LIBRARY_VIDEOS.length} hits`);
    await page.waitForFunction(
      () => (document.querySelector('.hit img') as HTMLImageElement | null)?.naturalWidth,
    );

    // By keyboard: the picture is a button that says what it does.
    const button = first.locator('button.picture');
    expect(await button.getAttribute('aria-label')).toContain(`Play hit 1: ${WANTED}, 0:`);
    await button.focus();
    await page.keyboard.press('Enter');
    const video = first.locator('video');
    await video.evaluate(
      (element: HTMLVideoElement) =>
        element.paused && new Promise((resolve) => element.addEventListener('playing', resolve)),
    );
    const [from, to] = await spanOf(page);
    const times = await video.evaluate(async (element: HTMLVideoElement) => {
      const seen: number[] = [];
      for (let look = 0; look < 10; look += 1) {
        seen.push(element.currentTime);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return seen;
    });
    for (const time of times) {
      expect(time).toBeGreaterThanOrEqual(from - 0.1);
      expect(time).toBeLessThanOrEqual(to + 0.2);
    }
    expect(new Set(times).size).toBeGreaterThan(2);
  });

  it('plays over and over what lies inside the span, from its start', async () => {
    const page = await open(live.url);
    await page.setInputFiles('#clip-file', samplePath(WANTED));
    await page.fill('#search-start', '1');
    await page.fill('#search-end', '2.5');
    await page.locator('.hit').first().waitFor();
    await page.click('.query-panel button[type=submit]');
    await page.waitForFunction(() =>
      document.querySelector('.track-query .track-time')?.textContent?.startsWith('0:01'),
    );
    await page.click('.hit:first-child .picture');
    const [from, to] = await spanOf(page);
    const jumpedBack = await page
      .locator('.hit:first-child video')
      .evaluate(async (element: HTMLVideoElement) => {
        let highest = 0;
        for (let look = 0; look < 200; look += 1) {
          if (element.currentTime < highest - 0.2) return { highest, now: element.currentTime };
          highest = Math.max(highest, element.currentTime);
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
        return null;
      });
    expect(jumpedBack).not.toBeNull();
    expect(jumpedBack?.highest).toBeLessThan(to + 0.35);
    expect(jumpedBack?.now).toBeGreaterThanOrEqual(from - 0.1);
  });

  it('shows a refusal with title, detail and code', async () => {
    const page = await open(live.url);
    await drop(page, 'body', 'notes.mp4', Buffer.from('text that calls itself a video'));
    const alert = page.locator('[role=alert]');
    await alert.waitFor();
    const text = await alert.textContent();
    expect(text).toContain('not a video container');
    expect(text).toContain('notes.mp4');
    expect(text).toContain('NOT_A_VIDEO');
    await page.click('[aria-label="Dismiss this message"]');
    expect(await alert.count()).toBe(0);
    // The browser itself says that the server refused, and that it cannot show the file.
    complaints = complaints.filter((line) => !/status of 422/.test(line));
  });

  it('has a webhook told of what was searched with, and shows its secret', async () => {
    const page = await open(live.url);
    await page.setInputFiles('#clip-file', samplePath(WANTED));
    await page.locator('.hit').first().waitFor();
    await page.click('.watch > summary');
    await page.fill('#watch-url', 'http://10.0.0.1/');
    await page.click('.watch button[type=submit]');
    const alert = page.locator('.watch [role=alert]');
    await alert.waitFor();
    expect(await alert.textContent()).toContain('WEBHOOK_ADDRESS_REFUSED');
    complaints = complaints.filter((line) => !/status of 422/.test(line));

    await page.fill('#watch-url', 'http://127.0.0.1:9/hook');
    await page.fill('#watch-threshold', '0.75');
    await page.click('.watch button[type=submit]');
    const secret = page.locator('.watch .command code');
    await secret.waitFor();
    expect(await secret.textContent()).toMatch(/^whsec_/);
    expect(await alert.count()).toBe(0);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const { watches } = live.cliptrace.library;
    const { items } = await watches.list({ limit: 5 });
    expect(items).toMatchObject([{ name: WANTED, url: 'http://127.0.0.1:9/hook', threshold: 0.75 }]);
    await watches.remove(items[0]?.id as number);
  });

  it('says what to do when there is nothing to search in', async () => {
    const page = await open(empty.url);
    await page.locator('.empty').waitFor();
    expect(await page.locator('.empty code').textContent()).toBe('npx cliptrace index /path/to/videos');
    await page.click('.empty a');
    await page.waitForURL('**/#archive');
  });
});

describe('the evaluations', () => {
  it('start from the page, and show a report with charts that can be saved', async () => {
    const page = await open(`${live.url}/#evaluate`);
    await page.selectOption('#evaluate-protocol', 'ann');
    expect(await page.locator('#evaluate-csv').isVisible()).toBe(false);
    await page.click('.evaluate-form button[type=submit]');
    await page.click('.evaluation[data-status=done] button');
    const report = page.locator('.evaluation-report');
    await report.locator('h1').waitFor();
    expect(await report.locator('h1').textContent()).toBe('Recall of the index');
    expect(await report.locator('svg .bar').count()).toBe(6);
    // The sheet of the report reached it, whatever the policy says of styles.
    const fill = await report
      .locator('svg .name')
      .first()
      .evaluate((name) => getComputedStyle(name).textAnchor);
    expect(fill).toBe('end');
    const [saved] = await Promise.all([page.waitForEvent('download'), page.click('.evaluation-save a')]);
    const html = await readFile((await saved.path()) as string, 'utf8');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|src=|href=|@import|url\(/);
  });
});

describe('the archive', () => {
  it('lists, filters, and searches by one of its videos', async () => {
    const page = await open(`${live.url}/#archive`);
    await page.locator('.video').first().waitFor();
    expect(await page.locator('.video').count()).toBe(LIBRARY_VIDEOS.length);
    await page.fill('#archive-text', 'bicycle');
    await page.waitForFunction(() => document.querySelectorAll('.video').length === 1);
    await page.click('.video >> text=Search by this');
    await page.locator('.hit').first().waitFor();
    // Among the hits of a stored video, the video itself says nothing.
    const names = await page.locator('.hit .name').allTextContents();
    expect(names.sort()).toEqual(LIBRARY_VIDEOS.filter((name) => name !== WANTED).sort());
    expect(await page.locator('.clip-caption').textContent()).toContain('from the archive');
  });

  it('takes an upload, shows it when it is indexed, and deletes it after asking', async () => {
    const page = await open(`${live.url}/#archive`);
    const title = 'head-pose-face-detection-female';
    await page.fill('#upload-label', 'faces');
    await page.setInputFiles('#upload-files', samplePath(title));
    await page.locator('.job[data-kind=good]').waitFor();
    expect(await page.locator('.job').textContent()).toContain('In the archive');
    const card = page.locator('.video', { has: page.locator(`.name[title="${title}"]`) });
    await card.waitFor();
    expect(await card.locator('.chip').first().textContent()).toBe('faces');

    await card.locator(`[aria-label="Delete ${title}"]`).click();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await card.count()).toBe(1);
    await card.locator(`[aria-label="Delete ${title}"]`).click();
    await page.click('dialog .danger');
    await card.waitFor({ state: 'detached' });
    await page.waitForFunction(
      (count) => document.querySelector('#status')?.textContent?.startsWith(`${count} video`),
      LIBRARY_VIDEOS.length,
    );
  });

  it('shows how a job goes, pauses it and lets it go on, also one that was paused when the page came', async () => {
    for (const name of ['bottle-detection', 'car-detection', 'one-by-one-person-detection']) {
      await copyFile(samplePath(name), join(empty.archive, `${name}.mp4`));
    }
    const first = await open(`${empty.url}/#archive`);
    await first.click('summary');
    await first.fill('#folder-path', empty.archive);
    await first.press('#folder-path', 'Enter');
    await first.waitForFunction(() =>
      /^\d of 3 files, 0:\d+ of .*\d:\d+/.test(document.querySelector('.job .fine')?.textContent ?? ''),
    );
    await first.click('.job >> text=Pause');
    await first.waitForFunction(() =>
      document.querySelector('.job .fine')?.textContent?.startsWith('Paused'),
    );

    const second = await open(`${empty.url}/#archive`);
    await second.click('.job >> text=Resume');
    for (const page of [first, second]) {
      await page.locator('.job[data-kind=good]').waitFor();
      expect(await page.locator('.job .fine').textContent()).toBe('3 indexed');
    }
  });

  it('tells why a folder is not indexed', async () => {
    const page = await open(`${live.url}/#archive`);
    await page.click('summary');
    await page.fill('#folder-path', '/etc');
    await page.press('#folder-path', 'Enter');
    await page.locator('[role=alert]').waitFor();
    expect(await page.locator('[role=alert]').textContent()).toContain('PATH_OUTSIDE_ARCHIVE');
    complaints = complaints.filter((line) => !/status of 403/.test(line));
  });
});

describe('with API keys', () => {
  let closed: LiveServer;
  let searchKey: string;
  let adminKey: string;

  beforeAll(async () => {
    closed = await startLiveServer({
      configuration: { authentication: true },
      prepare: async ({ library }) => {
        searchKey = await makeKey(library, ['search']);
        adminKey = await makeKey(library, ['admin']);
      },
    });
  });

  afterAll(() => closed.close());

  async function signIn(page: Page, key: string): Promise<void> {
    await page.fill('#api-key', key);
    await page.press('#api-key', 'Enter');
  }

  it('asks for one, searches, shows pictures and plays with it, and forgets it', async () => {
    const page = await open(closed.url);
    await signIn(page, searchKey.replace(/.{4}$/, 'AAAA'));
    await page.locator('.sign-in [role=alert]').waitFor();
    complaints = complaints.filter((line) => !/status of 401/.test(line));
    await signIn(page, searchKey);
    await page.setInputFiles('#clip-file', samplePath(WANTED));
    await page.locator('.hit').first().waitFor();
    await page.waitForFunction(
      () => (document.querySelector('.hit img') as HTMLImageElement | null)?.naturalWidth,
    );
    await page.click('.hit:first-child .picture');
    await page
      .locator('.hit:first-child video')
      .evaluate(
        (element: HTMLVideoElement) =>
          element.paused && new Promise((resolve) => element.addEventListener('playing', resolve)),
      );
    // Of this tab alone, and nowhere that lasts.
    const kept = await page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie]);
    expect(kept).toEqual([1, 0, '']);
    await page.click('text=Sign out');
    await page.locator('.sign-in').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  it('offers only what the key is good for', async () => {
    const page = await open(`${closed.url}/#archive`);
    await signIn(page, searchKey);
    await page.locator('.video').first().waitFor();
    expect(await page.locator('.add-videos').isVisible()).toBe(false);
    expect(await page.locator('[aria-label^="Delete "]').count()).toBe(0);
    await page.click('text=Sign out');
    await signIn(page, adminKey);
    await page.locator('.video').first().waitFor();
    expect(await page.locator('[aria-label^="Delete "]').count()).toBe(LIBRARY_VIDEOS.length);
    await page.setInputFiles('#upload-files', samplePath('head-pose-face-detection-female'));
    await page.locator('.job[data-kind=good]').waitFor();
  });
});

it('fits every width of window', async () => {
  const page = await open(live.url);
  await page.setInputFiles('#clip-file', samplePath(WANTED));
  for (const view of ['search', 'archive']) {
    await page.click(`[data-view=${view}]`);
    await page
      .locator(view === 'search' ? '.hit' : '.video')
      .first()
      .waitFor();
    for (const width of [320, 390, 768, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `${view} at ${width} pixels`).toBeLessThanOrEqual(0);
    }
  }
});

/** The time range in the video that the first hit shows, in seconds. */
async function spanOf(page: Page): Promise<[number, number]> {
  const text = (await page.locator('.hit:first-child .track-video .track-time').textContent()) ?? '';
  const [from, to] = text
    .split(' – ')
    .map((clock) => clock.split(':').reduce((total, unit) => total * 60 + Number(unit), 0));
  return [from as number, to as number];
}

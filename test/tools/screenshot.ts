// Takes docs/screenshot.png: the sample library, a clip cut from one of its videos and edited, its hits.
//   npx tsx test/tools/screenshot.ts [VIDEO [START_SECONDS]]
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { cutClip } from '../../index/media/clip-cutter.js';
import { defaultMediaLimits } from '../../index/media/limits.js';
import { PROJECT_ROOT, SAMPLES_FOLDER } from '../helpers/workspace.js';
import { type LiveServer, samplePath, startLiveServer } from '../server/tools/live-server.js';
import { CHROMIUM_ARGUMENTS, findChromium } from './chromium.js';

const OUT = join(PROJECT_ROOT, 'docs', 'screenshot.png');
const [video = 'one-by-one-person-detection', start = '9.3'] = process.argv.slice(2);

const folder = await mkdtemp(join(tmpdir(), 'cliptrace-screenshot-'));
const names = (await readdir(SAMPLES_FOLDER)).filter((name) => name.endsWith('.mp4'));
const live = await startLiveServer({ videos: names.map((name) => name.replace(/\.mp4$/, '')) });
try {
  await takeScreenshot(live, await editedClip(live));
  console.log(`${OUT}: ${(await stat(OUT)).size} bytes`);
} finally {
  await live.close();
  await rm(folder, { recursive: true });
}

async function editedClip({ cliptrace }: LiveServer): Promise<string> {
  const outPath = join(folder, 'found-on-the-web.mp4');
  await cutClip({
    ffmpeg: cliptrace.ffmpeg,
    filePath: samplePath(video),
    startSeconds: Number(start),
    durationSeconds: 5,
    cropFraction: 0.85,
    scaleHeight: 180,
    framesPerSecond: 15,
    codec: 'libx264',
    outPath,
    limits: defaultMediaLimits,
  });
  return outPath;
}

async function takeScreenshot({ url }: LiveServer, clip: string): Promise<void> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_ARGUMENTS });
  try {
    const page = await browser.newPage({ viewport: { width: 1060, height: 585 }, colorScheme: 'light' });
    await page.goto(url);
    await page.setInputFiles('#clip-file', clip);
    await page.locator('.hit').first().waitFor();
    await page.waitForLoadState('networkidle');
    await page.screenshot({ path: OUT });
  } finally {
    await browser.close();
  }
}

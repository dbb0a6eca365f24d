import { describe, expect, it } from 'vitest';
import { intervalBars } from '../../index/evaluation/html/charts.js';
import { markup, table } from '../../index/evaluation/html/markup.js';
import { reportHtml } from '../../index/evaluation/html/report-html.js';
import type { EvaluationJson } from '../../index/evaluation/present.js';
import type { AnnReport } from '../../index/evaluation/types.js';

const NASTY = `<script>alert("it's & bad")</script>`;

describe('markup', () => {
  it('escapes what is put in, and leaves markup as it is', () => {
    expect(markup`<p title="${NASTY}">${markup`<b>${'a<b'}</b>`}${null}${3}</p>`.text).toBe(
      '<p title="&#60;script&#62;alert(&#34;it&#39;s &#38; bad&#34;)&#60;/script&#62;"><b>a&#60;b</b>3</p>',
    );
    expect(table([NASTY], [[NASTY]]).text).not.toContain('<script');
  });
});

describe('a chart of intervals', () => {
  const bars = (value: number | null) =>
    intervalBars('shares', [{ name: NASTY, estimate: { value, low: value && value / 2, high: value } }]).text;

  it('draws a bar as long as its value, and says where there is none', () => {
    const width = (text: string) => Number(/class="bar"[^>]* width="([\d.]+)"/.exec(text)?.[1]);
    expect(width(bars(0.5))).toBeCloseTo(width(bars(1)) / 2, 1);
    expect(bars(0.5)).toContain('0.500 (0.250 to 0.500)');
    expect(bars(null)).toContain('no queries');
    expect(bars(0.5)).not.toContain('<script');
  });
});

describe('the HTML report', () => {
  const report: AnnReport = {
    ...{
      formatVersion: 1,
      protocol: 'ann',
      elapsedSeconds: 1,
      queryCount: 5,
      chosenEf: 64,
      comparison: null,
    },
    model: { id: NASTY, dimension: 8, timesteps: 4 },
    library: { collection: NASTY, videoCount: 1, segmentCount: 2, lastChange: 3 },
    problems: [{ code: 'VIDEO_UNKNOWN', message: 'why', count: 1, items: [NASTY] }],
    settings: {
      k: 10,
      queryCount: 5,
      efs: [64],
      targetRecall: 0.99,
      seed: 1,
      resamples: 100,
      confidence: 0.95,
    },
    exact: { p50Ms: 2 },
    levels: [{ ef: 64, recall: { value: 0.995, low: 0.99, high: 1 }, p50Ms: 0.5, p99Ms: 1 }],
  };
  const evaluation: EvaluationJson = {
    ...{ id: 4, protocol: 'ann', collection: null, status: 'done', error: null, report },
    progress: { queriesTotal: 5, queriesDone: 5 },
    ...{ createdAt: '2026-01-01T00:00:00.000Z', startedAt: null, endedAt: null },
  };

  it('is one file without script or anything from elsewhere, whatever the names hold', () => {
    const html = reportHtml(evaluation);
    expect(html).not.toMatch(/<script|src=|href=|url\(|@import/);
    expect(html).toContain('ef 64 is the least that reaches it.');
    expect(html).toContain('0.995 (0.990 to 1.000)');
    expect(html).toContain('VIDEO_UNKNOWN');
  });

  it('tells how far an evaluation is that is not done', () => {
    const error = { code: 'USAGE', message: NASTY };
    const html = reportHtml({ ...evaluation, status: 'failed', error, report: null });
    expect(html).toContain('This evaluation is failed. USAGE: &#60;script');
  });
});

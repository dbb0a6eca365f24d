import { describe, expect, it } from 'vitest';
import { Gate } from '../../server/http/gate.js';

const full = expect.objectContaining({ code: 'TOO_MANY_REQUESTS' });

describe('Gate', () => {
  it('lets in as many as it has places, and refuses the rest', async () => {
    const gate = new Gate('things happen', 2);
    const leave = await gate.enter();
    await gate.enter();
    await expect(gate.enter()).rejects.toEqual(full);
    leave();
    await gate.enter();
    await expect(gate.enter()).rejects.toEqual(full);
  });

  it('frees a place once, however often one leaves', async () => {
    const gate = new Gate('things happen', 1);
    const leave = await gate.enter();
    leave();
    leave();
    await gate.enter();
    await expect(gate.enter()).rejects.toEqual(full);
  });

  it('frees the place of work that fails', async () => {
    const gate = new Gate('things happen', 1);
    await expect(gate.run(undefined, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(gate.run(undefined, async () => 7)).resolves.toBe(7);
  });

  it('queues in order, up to its queue', async () => {
    const gate = new Gate('things happen', 1, 2);
    const order: string[] = [];
    const leave = await gate.enter();
    const first = gate.run(undefined, async () => void order.push('first'));
    const second = gate.run(undefined, async () => void order.push('second'));
    await expect(gate.enter()).rejects.toEqual(full);
    leave();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    await gate.enter();
  });

  it('takes who gives up out of the queue', async () => {
    const gate = new Gate('things happen', 1, 1);
    const leave = await gate.enter();
    const abort = new AbortController();
    const waiting = gate.enter(abort.signal);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    const next = gate.enter();
    leave();
    await next;
    await expect(gate.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

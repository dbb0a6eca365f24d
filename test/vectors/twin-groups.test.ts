import { describe, expect, it } from 'vitest';
import { TwinGroups } from '../../index/vectors/twin-groups.js';
import { randomNumbers } from './vectors.js';

describe('TwinGroups', () => {
  it('agrees with a list of sets over thousands of random changes, and after restoring', () => {
    const random = randomNumbers(4);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
    let groups = new TwinGroups();
    const nodes = new Map<number, Set<number>>();
    const nodeOf = (id: number) => [...nodes].find(([, ids]) => ids.has(id))?.[0];

    for (let step = 0; step < 4000; step += 1) {
      const id = Math.floor(random() * 40);
      const label = nodeOf(id);
      if (label !== undefined) {
        const ids = nodes.get(label) as Set<number>;
        ids.delete(id);
        if (ids.size === 0) nodes.delete(label);
        expect(groups.remove(id)).toBe(ids.size === 0 ? label : null);
      } else if (nodes.size > 0 && random() < 0.6) {
        const joined = pick([...nodes.keys()]);
        nodes.get(joined)?.add(id);
        groups.join(joined, id);
      } else {
        const free = groups.freeLabel(id);
        expect(nodes.has(free)).toBe(false);
        if (!nodes.has(id)) expect(free).toBe(id);
        nodes.set(free, new Set([id]));
        groups.addNode(free, id);
      }
      if (step % 97 === 0)
        groups = TwinGroups.restore([...nodes.keys(), 900], new Set([900]), groups.groups());
      expect(groups.nodeCount).toBe(nodes.size);
    }
    const all = [...nodes.values()].flatMap((ids) => [...ids]);
    expect([...groups.ids()].sort()).toEqual(all.sort());
    expect(groups.size).toBe(all.length);
    for (const [label, ids] of nodes) {
      expect(groups.idsOf(label, 1000).sort()).toEqual([...ids].sort());
      expect(groups.idsOf(label, 1)).toHaveLength(1);
      for (const id of ids) expect(groups.labelOf(id)).toBe(label);
    }
    expect(groups.remove(4711)).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { ReusedMemory } from '../index/number-memory.js';

const KINDS = ['float32', 'float64', 'int32'] as const;
const MEGA = 2 ** 20;

/** Fills each array with a number of its own and tells which of them have it still when all are filled. */
function arraysThatKeptTheirs(memory: ReusedMemory, lengths: readonly number[]): boolean[] {
  const arrays = lengths.map((length, i) =>
    memory[KINDS[i % KINDS.length] as (typeof KINDS)[number]](length).fill(i + 1),
  );
  return arrays.map((array, i) => array.length === lengths[i] && array.every((value) => value === i + 1));
}

describe('memory that is used again', () => {
  it('gives no number to two arrays, of whatever kind and length', () => {
    const lengths = [3, 5, 1, 0, 700_000, 7, 2 * MEGA, 9, 600_000, 600_000, 1, 0, 11];
    const memory = new ReusedMemory();
    expect(arraysThatKeptTheirs(memory, lengths)).toEqual(lengths.map(() => true));
    memory.giveBack();
    expect(arraysThatKeptTheirs(memory, lengths)).toEqual(lengths.map(() => true));
    memory.giveBack();
  });

  it('is what another gave back, and not before', () => {
    const one = new ReusedMemory();
    const first = one.float32(8).fill(1);
    const two = new ReusedMemory();
    const second = two.float32(8).fill(2);
    expect(second.buffer).not.toBe(first.buffer);
    one.giveBack();
    const third = new ReusedMemory();
    expect(third.float64(1).buffer).toBe(first.buffer);
    expect([...second]).toEqual(new Array(8).fill(2));
    two.giveBack();
    third.giveBack();
  });
});

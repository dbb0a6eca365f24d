import { EDIT_NAMES, type EditName } from './types.js';

/** Those of which a clip can have one only. */
const EXCLUSIVE: readonly (readonly EditName[])[] = [
  ['crop-80', 'crop-60'],
  ['speed-0.8', 'speed-1.25'],
];

const BESIDE: readonly EditName[] = ['subtitles', 'missing-middle', 'reverse'];

/** Edits of the protocol that stand alone; the others are measured beside it. */
export const PROTOCOL_EDITS: readonly EditName[] = EDIT_NAMES.filter((name) => !BESIDE.includes(name));

/** Every two edits that can go together. A trim is part of every edit, so it makes no pair; nor does what plays backwards. */
export function editPairs(names: readonly EditName[] = PROTOCOL_EDITS): [EditName, EditName][] {
  const real = names.filter((name) => name !== 'trim' && name !== 'reverse');
  return real.flatMap((first, i) =>
    real
      .slice(i + 1)
      .filter((second) => !EXCLUSIVE.some((group) => group.includes(first) && group.includes(second)))
      .map((second): [EditName, EditName] => [first, second]),
  );
}

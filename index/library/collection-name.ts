import { z } from 'zod';

// Spelt out: \p{Cc} and \s are not the same in every language that reads the OpenAPI document. Linear: the first letter that is no
// space parts the two halves.
const NAME =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  /^[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff][^\u0000-\u001f\u007f-\u009f]*$/;

/** The one rule for names of collections, whoever gives them. */
export const collectionNameSchema = z
  .string()
  .min(1, { abort: true })
  .max(100, 'must be at most 100 characters long')
  .regex(NAME, 'must hold no control characters, and not spaces alone');

/** Why a name is not one for a collection; null when it is. */
export function collectionNameProblem(name: string): string | null {
  if (name === '') return 'must not be empty';
  return collectionNameSchema.safeParse(name).error?.issues[0]?.message ?? null;
}

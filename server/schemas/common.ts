import { z } from 'zod';
import { collectionNameSchema } from '../../index/library/collection-name.js';

// Spelt out: \p{Cc} is not known to every language that reads the OpenAPI document.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const noControlCharacters = /^[^\u0000-\u001f\u007f-\u009f]*$/;

const line = (maximum: number) =>
  z.string().min(1).max(maximum).regex(noControlCharacters, 'must hold no control characters');

export const DEFAULT_COLLECTION = 'default';

export const collectionName = collectionNameSchema.describe('Name of a collection.');
export const labelText = line(200).describe("A video's label.");
export const nameText = line(200);
export const titleText = line(300).describe("A video's title.");
export const seconds = z.number().min(0).max(1e9);
export const id = z.int().min(1);
/** Ids count from 1. */
export const idPath = z.strictObject({ id: id.describe('Id from an earlier answer.') });

export const timestamp = z.iso
  .datetime('must be a time like 2026-01-31T12:00:00Z (UTC)')
  .describe('ISO 8601, UTC.');
export const url = z.string().describe('Path on this server.');

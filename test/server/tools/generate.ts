import { between, pick, type Random } from '../../fixtures/seeded.js';

type Schema = Record<string, unknown>;

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '../x',
  '%00',
  'ÿ😀',
  "' OR 1=1 --",
  '__proto__',
  'x'.repeat(5000),
  '1e999',
  'null',
];
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e300,
  2 ** 53,
  [],
  {},
  [[]],
  { __proto__: 1 },
  ...ODD_TEXTS,
];

/** A value that a JSON schema describes, most of the time; with `wildness`, that part of the values is anything. */
export function generate(schema: Schema, random: Random, wildness: number): unknown {
  if (random() < wildness) return pick(random, ODD_VALUES);
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (choices) return generate(pick(random, choices), random, wildness);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return pick(random, schema.enum);
  switch (schema.type) {
    case 'integer':
      return between(random, bound(schema.minimum, 0), Math.min(bound(schema.maximum, 300), 300) + 1);
    case 'number':
      return random() * Math.min(bound(schema.maximum, 60), 60);
    case 'boolean':
      return random() < 0.5;
    case 'array':
      return Array.from({ length: between(random, 0, 4) }, () =>
        generate((schema.items ?? {}) as Schema, random, wildness),
      );
    case 'object':
      return generateObject(schema, random, wildness);
    default:
      return pick(random, ['a', 'default', 'people', '/srv/videos', 'Ünïcode', 'x'.repeat(40)]);
  }
}

function generateObject(schema: Schema, random: Random, wildness: number): Record<string, unknown> {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const required = new Set((schema.required ?? []) as string[]);
  const value: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(properties)) {
    const isGiven = required.has(name) ? random() >= wildness : random() < 0.5;
    if (isGiven) value[name] = generate(property, random, wildness);
  }
  if (random() < wildness) value[pick(random, ['unknown', '__proto__', 'k '])] = 'x';
  return value;
}

function bound(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

import { CliptraceError } from '../errors.js';

/** What a command with several actions is to do. USAGE when it is none of them. */
export function actionOf<A extends string>(text: string, actions: readonly A[], what: string): A {
  const action = actions.find((one) => one === text);
  if (action !== undefined) return action;
  throw new CliptraceError('USAGE', `"${text}" is nothing to do with ${what}: give ${actions.join(', ')}`);
}

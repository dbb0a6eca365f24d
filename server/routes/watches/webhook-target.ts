import type { ErrorCode } from '../../../index/errors.js';
import { checkedAddresses } from '../../../index/webhooks/checked-addresses.js';
import { parseWebhookUrl } from '../../../index/webhooks/webhook-url.js';
import type { Services } from '../../services.js';

export const WEBHOOK_URL_ERRORS: readonly ErrorCode[] = [
  'WEBHOOK_URL_INVALID',
  'WEBHOOK_HOST_UNKNOWN',
  'WEBHOOK_ADDRESS_REFUSED',
];

/** The address in its canonical form, when it may be used today; each delivery asks again. The codes of WEBHOOK_URL_ERRORS. */
export async function allowedWebhookUrl(text: string, { webhookTargets }: Services): Promise<string> {
  const url = parseWebhookUrl(text);
  await checkedAddresses(url, webhookTargets);
  return url.href;
}

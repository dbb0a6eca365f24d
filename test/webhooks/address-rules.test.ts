import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { AddressRules, isPublic } from '../../index/webhooks/address-rules.js';
import { checkedAddresses, type Resolver } from '../../index/webhooks/checked-addresses.js';
import { parseWebhookUrl } from '../../index/webhooks/webhook-url.js';

const none = new AddressRules([]);
const never: Resolver = async (host) => {
  throw new Error(`asked for ${host}`);
};

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('addresses', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::',
    '64:ff9b::1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    'not an address',
    '',
  ])('%s is no public one', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
  ])('%s is public', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it('of this machine itself are not public, whatever they look like', () => {
    const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
    expect(own.length).toBeGreaterThan(0);
    for (const { address } of own) expect(isPublic(address)).toBe(false);
  });

  it('are allowed by address, network and name of the host, and nothing beside', () => {
    const rules = new AddressRules(['127.0.0.1', '10.1.0.0/16', 'fd00::/8', 'Hooks.Internal']);
    expect(rules.allows('x', '127.0.0.1')).toBe(true);
    expect(rules.allows('x', '::ffff:127.0.0.1')).toBe(true);
    expect(rules.allows('x', '127.0.0.2')).toBe(false);
    expect(rules.allows('x', '10.1.255.255')).toBe(true);
    expect(rules.allows('x', '10.2.0.0')).toBe(false);
    expect(rules.allows('x', 'fd12::1')).toBe(true);
    expect(rules.allows('x', 'fe80::1%eth0')).toBe(false);
    expect(rules.allows('hooks.internal', '192.168.0.9')).toBe(true);
    expect(rules.allows('other.internal', '192.168.0.9')).toBe(false);
  });
});

describe('the address of a webhook', () => {
  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127.0.0.1./',
    'https://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]:8080/',
    'http://[64:ff9b::7f00:1]/',
    'http://[fe80::1]/',
    'http://0/',
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1:9000/x',
  ])('%s is refused without asking anyone', async (text) => {
    const work = () =>
      checkedAddresses(parseWebhookUrl(text), { rules: none, resolver: never, timeoutMs: 1000 });
    expect(await codeOf(work)).toBe('WEBHOOK_ADDRESS_REFUSED');
  });

  it.each([
    ['ftp://example.org/', 'https nor http'],
    ['file:///etc/passwd', 'https nor http'],
    ['javascript:alert(1)', 'https nor http'],
    ['https://user:hunter2@example.org/', 'user name or password'],
    ['https://user@example.org/', 'user name or password'],
    ['https://example.org/#x', 'fragment'],
    ['example.org/hook', 'no URL'],
    ['http://', 'no URL'],
    ['http://256.1.1.1/', 'no URL'],
    [`https://example.org/${'x'.repeat(2000)}`, 'longer'],
  ])('%s is none', (text, why) => {
    expect(() => parseWebhookUrl(text)).toThrow(
      expect.objectContaining({ code: 'WEBHOOK_URL_INVALID', message: expect.stringContaining(why) }),
    );
    expect(() => parseWebhookUrl(text)).not.toThrow(/hunter2/);
  });

  it('is refused when a single one of its addresses is', async () => {
    const resolver: Resolver = async () => [
      { address: '1.1.1.1', family: 4 },
      { address: '10.0.0.7', family: 4 },
    ];
    const url = parseWebhookUrl('https://example.org/');
    const work = () => checkedAddresses(url, { rules: none, resolver, timeoutMs: 1000 });
    expect(await codeOf(work)).toBe('WEBHOOK_ADDRESS_REFUSED');
    const good: Resolver = async () => [{ address: '1.1.1.1', family: 4 }];
    expect(await checkedAddresses(url, { rules: none, resolver: good, timeoutMs: 1000 })).toEqual([
      { address: '1.1.1.1', family: 4 },
    ]);
  });

  it('is unknown when its name is, or when no one answers for it', async () => {
    const url = parseWebhookUrl('https://example.org/');
    const silent: Resolver = () => new Promise(() => undefined);
    const empty: Resolver = async () => [];
    for (const resolver of [silent, empty, never]) {
      expect(await codeOf(() => checkedAddresses(url, { rules: none, resolver, timeoutMs: 50 }))).toBe(
        'WEBHOOK_HOST_UNKNOWN',
      );
    }
  });
});

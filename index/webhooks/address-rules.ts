import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Addresses of IPv4 that lie on this machine, in its network, or nowhere (IANA's registry of special-purpose addresses). */
const SPECIAL_V4 = listOf('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // The host of a virtual machine, at one provider of them.
  '168.63.129.16/32',
]);

/** Of IPv6 only what is handed out to the world is let through, and of that not what is special: Teredo, documentation, 6to4 and the like. */
const GLOBAL_V6 = listOf('ipv6', ['2000::/3']);
const SPECIAL_V6 = listOf('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);
/** An IPv4 address stands in their last 32 bits: mapped, and NAT64, by which networks without IPv4 reach it. */
const CARRIES_V4 = listOf('ipv6', ['::ffff:0:0/96', '64:ff9b::/96']);

/** Which addresses a webhook may lead to. */
export class AddressRules {
  readonly #hosts: ReadonlySet<string>;
  readonly #networks = new BlockList();

  /** What is allowed though it is not public: host names, addresses, networks (CIDR). */
  constructor(allowed: readonly string[]) {
    this.#hosts = new Set(allowed.filter((entry) => !isNetwork(entry)).map((entry) => entry.toLowerCase()));
    for (const entry of allowed.filter(isNetwork)) addNetwork(this.#networks, entry);
  }

  /** `host` as the URL names it, `address` as it was resolved. */
  allows(host: string, address: string): boolean {
    const bare = address.replace(/%.*$/, '');
    return this.#hosts.has(host.toLowerCase()) || this.#isListed(bare) || isPublic(bare);
  }

  #isListed(address: string): boolean {
    const carried = carriedV4(address);
    return (
      this.#networks.check(address, familyOf(address)) ||
      (carried !== null && this.#networks.check(carried, 'ipv4'))
    );
  }
}

/** True for `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** What anyone on the internet could reach, and not this machine itself. */
export function isPublic(address: string): boolean {
  if (isOwn(address)) return false;
  if (isIP(address) === 4) return !SPECIAL_V4.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  const carried = carriedV4(address);
  if (carried !== null) return isPublic(carried);
  return GLOBAL_V6.check(address, 'ipv6') && !SPECIAL_V6.check(address, 'ipv6');
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((own) => own?.some((one) => one.address === address));
}

/** The IPv4 address that one of IPv6 stands for; null when it stands for none. */
function carriedV4(address: string): string | null {
  if (isIP(address) !== 6 || !CARRIES_V4.check(address, 'ipv6')) return null;
  // In its canonical form the last two groups are those 32 bits; a group that was left out is 0.
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(':').slice(-2);
  const [high, low] = groups.map((group) => Number.parseInt(group || '0', 16)) as [number, number];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

function listOf(family: 'ipv4' | 'ipv6', networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split('/') as [string, string];
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', bits] = network.split('/');
  const family = familyOf(address);
  list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
}

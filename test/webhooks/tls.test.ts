import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../fixtures/videos.js';
import { PROJECT_ROOT } from '../helpers/workspace.js';

// Of an authority that nobody trusts, for 127.0.0.1, made for this test.
const KEY = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIEznti3L65nP8HNcxh1H7dcYbO8pYg86qngcsfKK44LKoAoGCCqGSM49
AwEHoUQDQgAE0caoUP48+lPcOf5ImfVqxrwTpHldvQHobfB7QzjulKVkbPMz+qz7
Bxw/pHNhTm7hg5zUuTMiGD46uSv4DcUhjA==
-----END EC PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBZDCCAQugAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9DbGlwdHJh
Y2UgdGVzdHMwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD0NsaXB0cmFjZSB0ZXN0czBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BNHGqFD+PPpT3Dn+SJn1asa8E6R5Xb0B6G3we0M47pSlZGzzM/qs+wccP6RzYU5u
4YOc1LkzIhg+Orkr+A3FIYyjQDA+MA8GA1UdEQQIMAaHBH8AAAEwDAYDVR0TBAUw
AwEB/zAdBgNVHQ4EFgQUwDZ9WHm1PZ/FMJ35z5w0swPQmEkwCgYIKoZIzj0EAwID
RwAwRAIgJoWKkbehDcv8A0Why3sT2ccenCn4KDq9aR9xeNq4DiACIDzhW9hsusdn
6ub51E6gz7hLiMRbYApqKDO4nnrmGVWL
-----END CERTIFICATE-----`;

const CHILD = fileURLToPath(new URL('children/post.ts', import.meta.url));
const folder = temporaryFolder();

async function post(url: string, env: Record<string, string> = {}): Promise<string> {
  const args = ['--import', 'tsx', CHILD, url];
  const options = { cwd: PROJECT_ROOT, env: { ...process.env, ...env } };
  return (await promisify(execFile)(process.execPath, args, options)).stdout.trim();
}

it('a webhook over TLS goes only to who has a good certificate for that host', async () => {
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (_request, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const authority = `${folder.path}/authority.pem`;
  await writeFile(authority, CERTIFICATE);
  const trusting = { NODE_EXTRA_CA_CERTS: authority };
  expect(await post(`https://127.0.0.1:${port}/`)).toMatch(/^WEBHOOK_UNREACHABLE .*CERT/);
  expect(await post(`https://127.0.0.1:${port}/`, trusting)).toBe('200');
  // Reached by its address under a name that is not in its certificate.
  expect(await post(`https://other.test:${port}/`, trusting)).toMatch(/^WEBHOOK_UNREACHABLE .*ALTNAME/);
  expect(await post(`http://127.0.0.1:${port}/`)).toMatch(/^WEBHOOK_UNREACHABLE|^400/);
});

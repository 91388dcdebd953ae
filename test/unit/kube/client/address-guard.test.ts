import type { lookup as systemLookup } from 'node:dns'
import {
  createKubeClient,
  type KubeTarget,
  KubeUnreachableError,
  makeAddressGuard,
} from '../../../../src/kube/client/index.ts'
import { isNetwork } from '../../../../src/lib/network.ts'
import { isIsthmusError } from '../../../../src/protocol/errors/index.ts'
import { createTestCa } from '../../../support/certificates.ts'
import { startHttpsServer } from '../../../support/https-server.ts'
import t from '../../../support/tap.ts'

/** A resolver that answers with what `addresses` holds at that moment. */
function resolver(addresses: string[]): typeof systemLookup {
  const lookup = (_name: string, _options: unknown, done: (error: null, found: unknown) => void) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  return lookup as unknown as typeof systemLookup
}

const refusedLiteral = (host: string, allow?: string[]) => {
  try {
    makeAddressGuard({ allow }).checkHost(new URL(`https://${host}`).hostname)
    return false
  } catch (error) {
    if (isIsthmusError(error, 'invalid')) return true
    throw error
  }
}

t.test('A15: no spelling of a link-local or metadata address is taken', async (t) => {
  for (const host of [
    '169.254.169.254',
    '0xa9fea9fe',
    '2852039166',
    '0251.0376.0251.0376',
    '169.16689662',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    '0.0.0.0',
    '[::]',
  ])
    t.equal(refusedLiteral(host), true, host)
  for (const host of ['10.0.0.1', '192.168.1.1', '127.0.0.1', '[::1]', '[2001:db8::1]', 'example.com'])
    t.equal(refusedLiteral(host), false, host)
  t.equal(refusedLiteral('169.254.169.254', ['169.254.0.0/16']), false, 'an operator may allow it')
  t.equal(refusedLiteral('[fe80::1]', ['169.254.0.0/16']), true)
})

t.test('A15: a name is looked at on every connect, for HTTP and for upgrades', async (t) => {
  const ca = await createTestCa()
  let requests = 0
  const stub = await startHttpsServer(await ca.issue(), (_request, response) => {
    requests += 1
    // Closed, so that each request connects anew.
    response.writeHead(200, { connection: 'close' }).end('{}')
  })
  const addresses: string[] = []
  const server = `https://data-plane.test:${new URL(stub.url).port}`
  const target: KubeTarget = { server, ca: ca.ca, tlsServerName: 'localhost', token: 'secret' }
  const make = (allow: string[]) =>
    createKubeClient(target, { guard: makeAddressGuard({ allow, lookup: resolver(addresses) }) })
  const [strict, lenient] = [make([]), make(['127.0.0.1'])]
  t.teardown(async () => {
    await Promise.all([strict.close(), lenient.close()])
    await stub.close()
  })
  const path = ['version']
  const upgrade = { path, query: {}, protocols: ['v5.channel.k8s.io'] }

  addresses.splice(0, 1, '127.0.0.1')
  t.same(await lenient.json({ method: 'GET', path }), {}, 'allowed')
  await t.rejects(lenient.upgrade(upgrade), { message: /answered an upgrade with 200/ }, 'it got there')
  await t.rejects(strict.json({ method: 'GET', path }), KubeUnreachableError)
  await t.rejects(strict.upgrade(upgrade), KubeUnreachableError)
  t.equal(requests, 2, 'nothing came through')
  for (const flipped of [
    ['169.254.169.254'],
    ['::ffff:169.254.169.254'],
    ['127.0.0.1', 'fe80::1'],
    ['::1'],
  ]) {
    addresses.splice(0, addresses.length, ...flipped)
    await t.rejects(lenient.json({ method: 'GET', path }), KubeUnreachableError, `HTTP to ${flipped}`)
    await t.rejects(lenient.upgrade(upgrade), KubeUnreachableError, `upgrade to ${flipped}`)
  }
  t.equal(requests, 2, 'also after it had been good')
})

t.test('localhost is the machine by name; other names are not', async (t) => {
  const guard = makeAddressGuard({ lookup: resolver(['127.0.0.1']) })
  const ask = (name: string, all = false) =>
    new Promise((resolve) => guard.lookup(name, { all }, (error, found) => resolve(error?.code ?? found)))
  t.equal(await ask('localhost'), '127.0.0.1')
  t.same(await ask('localhost', true), [{ address: '127.0.0.1', family: 4 }])
  t.equal(await ask('localhost.example.com'), 'EADDRREFUSED')
})

t.test('what is no address or network is said', async (t) => {
  for (const text of ['10.0.0.0/8', '10.0.0.1', '::1', 'fe80::/10']) t.equal(isNetwork(text), true, text)
  for (const text of ['', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', 'example.com', '10.0.0/8', '10.0.0.0/-1'])
    t.equal(isNetwork(text), false, text)
  t.throws(() => makeAddressGuard({ allow: ['nowhere'] }), /nowhere/)
})

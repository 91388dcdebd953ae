import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect } from 'node:tls'
import { gatewayConfig } from '../../../src/gateway/config.ts'
import { devCertificates } from '../../../src/gateway/dev/certificates.ts'
import { startGateway } from '../../../src/gateway/gateway.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { eventually } from '../../support/eventually.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const folder = mkdtempSync(path.join(tmpdir(), 'isthmus-tls-'))
chmodSync(folder, 0o711)
const files = await devCertificates(folder, ['127.0.0.1'])
const gateway = await startGateway(
  gatewayConfig({
    databaseUrl: await server.migratedDatabase(),
    masterKeys: [Buffer.alloc(32, 7).toString('base64')],
    tlsCert: files.certFile,
    tlsKey: files.keyFile,
    publicHost: '127.0.0.1',
    publicPort: 0,
    operatorPort: 0,
    drainGrace: 100,
  }),
  { logger: silentLogger },
)
t.teardown(async () => {
  await gateway.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The serial of the certificate that a new connection is shown; it must be one of our CA. */
function serialOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      ca: readFileSync(files.caFile),
    })
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

t.test('a certificate that changes on disk is served on both listeners without a restart', async (t) => {
  const before = await serialOf(gateway.publicUrl)
  await devCertificates(folder, ['127.0.0.1'])
  for (const url of [gateway.publicUrl, gateway.operatorUrl]) {
    await eventually('a new certificate', async () => (await serialOf(url)) !== before)
  }
  t.not(await serialOf(gateway.publicUrl), before)
})

t.test('a broken certificate on disk leaves the old one in use', async (t) => {
  const before = await serialOf(gateway.publicUrl)
  writeFileSync(files.certFile, 'no certificate')
  const changed = Date.now()
  await eventually('the poll has passed', () => Date.now() - changed > 3_000)
  t.equal(await serialOf(gateway.publicUrl), before)
})

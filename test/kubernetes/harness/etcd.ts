import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, issueClientCertificate, issueServingCertificate } from './certificates.ts'
import { flags, writeKeyPair, writePrivate } from './files.ts'
import { freePort } from './network.ts'
import { type ManagedProcess, startProcess } from './processes.ts'

export interface EtcdOptions {
  /** etcd's program. */
  binary: string
  /** Folder for data, certificates and log. */
  dir: string
  address: string
}

/** A running etcd and what an API server needs to use it. */
export interface Etcd {
  process: ManagedProcess
  /** The API server's `--etcd-…` flags. */
  apiServerFlags: Record<string, string>
}

/**
 * Starts etcd with client certificates: pods can reach the address, and etcd holds everything.
 * It does not sync to disk (`--unsafe-no-fsync`): a test's data need not survive the machine.
 */
export async function startEtcd(options: EtcdOptions): Promise<Etcd> {
  const { dir, address } = options
  mkdirSync(dir, { recursive: true })
  const ca = await createAuthority('etcd-ca')
  const caFile = writePrivate(dir, 'ca.crt', ca.cert)
  const serving = await issueServingCertificate(ca, { commonName: 'etcd', addresses: [address] })
  const server = writeKeyPair(dir, 'server', serving)
  const client = writeKeyPair(
    dir,
    'client',
    await issueClientCertificate(ca, { commonName: 'kube-apiserver' }),
  )
  const url = `https://${address}:${await freePort(address)}`
  const peerUrl = `http://127.0.0.1:${await freePort('127.0.0.1')}`
  const process = startProcess({
    name: 'etcd',
    command: options.binary,
    args: flags({
      name: 'main',
      'data-dir': join(dir, 'data'),
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `main=${peerUrl}`,
      'client-cert-auth': true,
      'trusted-ca-file': caFile,
      'cert-file': server.cert,
      'key-file': server.key,
      'unsafe-no-fsync': true,
      'log-level': 'warn',
    }),
    log: join(dir, '../etcd.log'),
  })
  return {
    process,
    apiServerFlags: {
      'etcd-servers': url,
      'etcd-cafile': caFile,
      'etcd-certfile': client.cert,
      'etcd-keyfile': client.key,
    },
  }
}

import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { writePrivate } from './files.ts'
import { freePort } from './network.ts'
import { startProcess, waitFor } from './processes.ts'
import { requireCommand } from './requirements.ts'

export interface BalancerOptions {
  /** Folder for configuration and log. */
  dir: string
  /** Address to listen on, for example a cluster's `nodeAddress`; 127.0.0.1 by default. */
  address?: string
  /** `host:port` of each replica. */
  backends: readonly string[]
}

export interface Balancer {
  /** `10.213.1.1:40000`: TLS passes through, so that the replicas' certificates must name this address. */
  authority: string
  stop(): Promise<void>
}

/**
 * HAProxy in front of several gateways, as an operator would have it: each new connection goes to the next
 * replica; one that refuses it is left out at once (redispatch), one that does not answer two checks in a row until it
 * does. Checks are patient: on a busy machine a hasty one would cut the streams of a healthy replica.
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const { dir, address = '127.0.0.1', backends } = options
  mkdirSync(dir, { recursive: true })
  const port = await freePort(address)
  const servers = backends.map(
    (backend, index) =>
      `  server replica${index} ${backend} check inter 2s fall 2 rise 1 on-marked-down shutdown-sessions`,
  )
  const config = `global
  maxconn 4000
defaults
  mode tcp
  balance roundrobin
  option redispatch 1
  retries 3
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 24h
listen gateway
  bind ${address}:${port}
${servers.join('\n')}
`
  const process = startProcess({
    name: 'haproxy',
    command: requireCommand('haproxy'),
    args: ['-db', '-f', writePrivate(dir, 'haproxy.cfg', config)],
    log: join(dir, 'haproxy.log'),
  })
  try {
    await waitFor('HAProxy listens', () => canConnect(address, port), [process], 10_000)
  } catch (error) {
    await process.stop(0)
    throw error
  }
  return { authority: `${address}:${port}`, stop: () => process.stop(1_000) }
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (reached: boolean) => {
      socket.destroy()
      resolve(reached)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

import { createSecureContext } from 'node:tls'
import { Pool } from 'undici'
import type { AddressGuard } from './address-guard.ts'
import { type ResolvedTarget, resolveTarget, type TlsOptions } from './target.ts'
import type { KubeTarget } from './types.ts'

export interface ConnectionsOptions {
  maxConnections: number | null
  /** Of `brief`. */
  briefConnections: number
  keepAliveMs: number
  connectTimeoutMs: number
  allowInsecureHttp: boolean
  guard: AddressGuard | undefined
}

/** Certificates are read once: anew for each connection it was a tenth of what that costs. */
function contextOf(tls: TlsOptions): object {
  const { ca, cert, key, ...rest } = tls
  try {
    return { ...rest, secureContext: createSecureContext({ ca, cert, key }) }
  } catch {
    return tls // what is wrong with them is said by each connection, where it is looked for
  }
}

interface Pools {
  pool: Pool
  brief: Pool
}

/** The connections to one API server, anew whenever the client certificate is another one. */
export interface Connections {
  /**
   * The target with its present certificate, and the pools that use it: `pool` for what may last, `brief` for what is
   * read to its end at once, on so few connections that a burst waits for one instead of making hundreds of
   * handshakes, which cost more than the requests.
   */
  current(): ResolvedTarget & Pools
  /** Ends every request. */
  destroy(): Promise<void>
}

/** @throws IsthmusError invalid for a target that can not be used */
export function createConnections(target: KubeTarget, options: ConnectionsOptions): Connections {
  let resolved = resolveTarget(target, options.allowInsecureHttp)
  options.guard?.checkHost(new URL(resolved.origin).hostname)
  let pools = open(resolved.tls)
  /** Pools of earlier certificates whose last request has not ended. */
  const leaving = new Set<Pool>()

  function open(tls: TlsOptions): Pools {
    const connect = {
      ...contextOf(tls),
      timeout: options.connectTimeoutMs,
      ...(options.guard ? { lookup: options.guard.lookup } : {}),
    }
    const pool = (connections: number | null) =>
      new Pool(resolved.origin, {
        connections,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: options.keepAliveMs,
        connect,
        // The client's own deadline counts in milliseconds and includes the wait for a connection; a watch may be quiet for ever.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
    return { pool: pool(options.maxConnections), brief: pool(options.briefConnections) }
  }

  function leave(old: Pool): void {
    leaving.add(old)
    old
      .close() // resolves when its last request has ended
      .catch(() => {}) // destroyed meanwhile
      .finally(() => leaving.delete(old))
  }

  return {
    current() {
      const certificate = target.currentCertificate?.()
      if (certificate && certificate.cert !== resolved.tls.cert) {
        resolved = resolveTarget(target, options.allowInsecureHttp)
        leave(pools.pool)
        leave(pools.brief)
        pools = open(resolved.tls)
      }
      return { ...resolved, ...pools }
    },
    async destroy() {
      await Promise.all([pools.pool, pools.brief, ...leaving].map((each) => each.destroy()))
    },
  }
}

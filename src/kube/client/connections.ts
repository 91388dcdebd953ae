import { Pool } from 'undici'
import type { AddressGuard } from './address-guard.ts'
import { type ResolvedTarget, resolveTarget, type TlsOptions } from './target.ts'
import type { KubeTarget } from './types.ts'

export interface ConnectionsOptions {
  maxConnections: number | null
  keepAliveMs: number
  connectTimeoutMs: number
  allowInsecureHttp: boolean
  guard: AddressGuard | undefined
}

/** The connections to one API server, anew whenever the client certificate is another one. */
export interface Connections {
  /** The target with its present certificate, and the pool that uses it. */
  current(): ResolvedTarget & { pool: Pool }
  /** Ends every request. */
  destroy(): Promise<void>
}

/** @throws IsthmusError invalid for a target that can not be used */
export function createConnections(target: KubeTarget, options: ConnectionsOptions): Connections {
  let resolved = resolveTarget(target, options.allowInsecureHttp)
  options.guard?.checkHost(new URL(resolved.origin).hostname)
  let pool = open(resolved.tls)
  /** Pools of earlier certificates whose last request has not ended. */
  const leaving = new Set<Pool>()

  function open(tls: TlsOptions): Pool {
    return new Pool(resolved.origin, {
      connections: options.maxConnections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: options.keepAliveMs,
      connect: {
        ...tls,
        timeout: options.connectTimeoutMs,
        ...(options.guard ? { lookup: options.guard.lookup } : {}),
      },
      // The client's own deadline counts in milliseconds and includes the wait for a connection; a watch may be quiet for ever.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
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
        leave(pool)
        pool = open(resolved.tls)
      }
      return { ...resolved, pool }
    },
    async destroy() {
      await Promise.all([pool, ...leaving].map((each) => each.destroy()))
    },
  }
}

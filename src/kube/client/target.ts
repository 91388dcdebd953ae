import { IsthmusError } from '../../protocol/errors/index.ts'
import type { KubeTarget } from './types.ts'

/** A target taken apart: where to connect, what goes before each path, and how TLS is done. */
export interface ResolvedTarget {
  /** `https://host:port` without a path. */
  origin: string
  /** `''` or `/prefix`, without a slash at the end. */
  prefix: string
  tls: TlsOptions
}

export interface TlsOptions {
  ca?: string
  cert?: string
  key?: string
  servername?: string
  /** Said explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not reach here (gateways-and-threats.md A19). */
  rejectUnauthorized: true
}

const invalid = (message: string, cause?: unknown) =>
  new IsthmusError('invalid', message, {
    causes: [{ field: 'server', reason: 'FieldValueInvalid', message }],
    cause,
  })

/**
 * Checks a target. Plain http is refused unless told otherwise: a token would go over the wire for all to read.
 * @throws IsthmusError invalid
 */
export function resolveTarget(target: KubeTarget, allowInsecureHttp = false): ResolvedTarget {
  let url: URL
  try {
    url = new URL(target.server)
  } catch (error) {
    throw invalid('server is not a URL', error)
  }
  if (url.protocol !== 'https:' && !(allowInsecureHttp && url.protocol === 'http:')) {
    throw invalid('server must begin with https://')
  }
  if (url.username || url.password) throw invalid('server must not hold a user or password')
  if (url.search || url.hash) throw invalid('server must not hold a query or fragment')
  const certificate = target.currentCertificate?.() ?? target.clientCertificate
  const prefix = url.pathname.replace(/\/+$/, '')
  return {
    origin: url.origin,
    prefix,
    tls: {
      ca: target.ca,
      cert: certificate?.cert,
      key: certificate?.key,
      servername: target.tlsServerName,
      rejectUnauthorized: true,
    },
  }
}

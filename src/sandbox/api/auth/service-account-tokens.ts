import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeObject, ResourceStore } from '../../store/types.ts'
import { invalidError, type UserInfo } from '../errors.ts'
import { invalid } from '../resources/faults.ts'

/** `iss` of the tokens, and the audience when none is asked for. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local'
/** The expirationSeconds that admission injects means "a kubelet will renew it": such a token lasts a year. */
const INJECTED_SECONDS = 3607
const YEAR_S = 365 * 24 * 3600
const MIN_S = 600

export interface TokenRequest {
  namespace: string
  serviceAccount: string
  audiences: readonly string[]
  expirationSeconds: number
  /** The object that the token lives and dies with. */
  boundTo?: { kind: 'Pod' | 'Secret' | 'Node'; name: string; uid: string }
}

/** What a token was found to be. */
export interface ReviewedToken {
  user: UserInfo
  audiences: readonly string[]
}

export interface ServiceAccountTokens {
  /** @throws not_found, conflict, invalid. */
  issue(request: TokenRequest): { token: string; expirationTimestamp: string }
  /** The ServiceAccount of a token that is good for one of these audiences; undefined for any that is not. */
  review(token: string, audiences: readonly string[]): ReviewedToken | undefined
  /** PEM (PKCS#8), so that tokens outlive a restart. */
  readonly privateKey: string
  /** RFC 7517, of `/openid/v1/jwks`. */
  readonly jwks: { keys: object[] }
}

interface Claims {
  iss: string
  sub: string
  aud: string[]
  exp: number
  iat: number
  nbf: number
  jti: string
  'kubernetes.io': {
    namespace: string
    serviceaccount: { name: string; uid: string }
    pod?: { name: string; uid: string }
    secret?: { name: string; uid: string }
    node?: { name: string; uid: string }
  }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Issues and reviews ServiceAccount tokens: ES256 JWTs with Kubernetes' claims. */
export function createServiceAccountTokens(options: {
  store: ResourceStore
  clock: Clock
  /** PEM of an earlier key; a new one when absent. */
  privateKey?: string
}): ServiceAccountTokens {
  const { store, clock } = options
  const privateKey = options.privateKey
    ? createPrivateKey(options.privateKey)
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const publicKey = createPublicKey(privateKey)
  const header = encode({ alg: 'ES256', kid: 'sandbox', typ: 'JWT' })

  const boundUid = (namespace: string, bound: NonNullable<TokenRequest['boundTo']>): string => {
    const resource = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' }[bound.kind]
    const key = bound.kind === 'Node' ? { name: bound.name } : { namespace, name: bound.name }
    const found = store.get<KubeObject>(resource, key)
    if (!found)
      throw new IsthmusError('not_found', `${resource} "${bound.name}" not found`, {
        kind: resource,
        name: bound.name,
      })
    if (bound.uid && bound.uid !== found.metadata.uid) {
      const text = `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`
      throw new IsthmusError(
        'conflict',
        `Operation cannot be fulfilled on ${resource} "${bound.name}": ${text}`,
      )
    }
    return found.metadata.uid
  }

  const stillThere = (claims: Claims): boolean => {
    const { namespace, serviceaccount, pod, secret } = claims['kubernetes.io']
    const account = store.get<KubeObject>('serviceaccounts', { namespace, name: serviceaccount.name })
    if (account?.metadata.uid !== serviceaccount.uid) return false
    if (pod && store.get<KubeObject>('pods', { namespace, name: pod.name })?.metadata.uid !== pod.uid)
      return false
    return (
      !secret ||
      store.get<KubeObject>('secrets', { namespace, name: secret.name })?.metadata.uid === secret.uid
    )
  }

  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'sandbox' }] },

    issue({ namespace, serviceAccount, audiences, expirationSeconds, boundTo }) {
      const account = store.get<KubeObject>('serviceaccounts', { namespace, name: serviceAccount })
      if (!account) {
        throw new IsthmusError('not_found', `serviceaccounts "${serviceAccount}" not found`, {
          kind: 'serviceaccounts',
          name: serviceAccount,
        })
      }
      if (expirationSeconds < MIN_S) {
        const kind = { kind: 'TokenRequest', group: 'authentication.k8s.io' }
        const text = 'may not specify a duration less than 10 minutes'
        throw invalidError(kind, '', [invalid('spec.expirationSeconds', expirationSeconds, text)])
      }
      const uid = boundTo ? boundUid(namespace, boundTo) : undefined
      const now = Math.floor(clock.now() / 1000)
      const lifetime = expirationSeconds === INJECTED_SECONDS ? YEAR_S : Math.min(expirationSeconds, YEAR_S)
      const pod =
        boundTo?.kind === 'Pod' ? store.get<KubeObject>('pods', { namespace, name: boundTo.name }) : undefined
      const nodeName = (pod?.['spec'] as { nodeName?: string } | undefined)?.nodeName
      const node = nodeName ? store.get<KubeObject>('nodes', { name: nodeName }) : undefined
      const claims: Claims = {
        iss: ISSUER,
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        aud: audiences.length > 0 ? [...audiences] : [ISSUER],
        exp: now + lifetime,
        iat: now,
        nbf: now,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          serviceaccount: { name: serviceAccount, uid: account.metadata.uid },
          ...(boundTo && uid ? { [boundTo.kind.toLowerCase()]: { name: boundTo.name, uid } } : {}),
          ...(node ? { node: { name: node.metadata.name, uid: node.metadata.uid } } : {}),
        },
      }
      const input = `${header}.${encode(claims)}`
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return {
        token: `${input}.${signature.toString('base64url')}`,
        // The answer names the lifetime that was asked for, as the real one does for the injected volumes.
        expirationTimestamp: `${new Date((now + expirationSeconds) * 1000).toISOString().slice(0, 19)}Z`,
      }
    },

    review(token, audiences) {
      const parts = token.split('.')
      if (parts.length !== 3 || parts[0] !== header) return undefined
      const input = Buffer.from(`${parts[0]}.${parts[1]}`)
      const signature = Buffer.from(parts[2]!, 'base64url')
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
      if (signature.length !== 64 || !verify('sha256', input, key, signature)) return undefined
      const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Claims
      const now = clock.now() / 1000
      if (claims.iss !== ISSUER || claims.exp <= now || claims.nbf > now + 60 || !stillThere(claims))
        return undefined
      const shared = claims.aud.filter((audience) => audiences.includes(audience))
      return shared.length > 0 ? { user: userOf(claims), audiences: shared } : undefined
    },
  }
}

function userOf(claims: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io']
  return {
    username: claims.sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
      ...(pod
        ? {
            'authentication.kubernetes.io/pod-name': [pod.name],
            'authentication.kubernetes.io/pod-uid': [pod.uid],
          }
        : {}),
      ...(node ? { 'authentication.kubernetes.io/node-name': [node.name] } : {}),
    },
  }
}

import type { V1Secret } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import type { ResourceStore } from '../../store/types.ts'
import type { UserInfo } from '../errors.ts'

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/** The user of a bootstrap token (a Secret `bootstrap-token-<id>` in kube-system), as `--enable-bootstrap-token-auth`. */
export function createBootstrapTokens(options: {
  store: ResourceStore
  clock: Clock
}): (token: string) => UserInfo | undefined {
  return (token) => {
    const [, id, secret] = TOKEN.exec(token) ?? []
    if (id === undefined) return undefined
    const found = options.store.get<V1Secret>('secrets', {
      namespace: 'kube-system',
      name: `bootstrap-token-${id}`,
    })
    if (found?.type !== 'bootstrap.kubernetes.io/token' || found.metadata?.deletionTimestamp) return undefined
    const field = (name: string) => Buffer.from(found.data?.[name] ?? '', 'base64').toString()
    const expiration = field('expiration')
    if (field('token-id') !== id || field('token-secret') !== secret) return undefined
    if (field('usage-bootstrap-authentication') !== 'true') return undefined
    if (expiration !== '' && !(Date.parse(expiration) > options.clock.now())) return undefined
    const extra = field('auth-extra-groups')
      .split(',')
      .filter((group) => GROUP.test(group))
    return {
      username: `system:bootstrap:${id}`,
      groups: ['system:bootstrappers', ...extra, 'system:authenticated'],
    }
  }
}

import type { ResourceStore } from '../../store/types.ts'
import type { Decision } from '../context.ts'
import type { UserInfo } from '../errors.ts'
import type { RequestInfo } from '../request-info.ts'
import { authorizeNode, nodeNameOf } from './node-authorizer.ts'
import type { Rbac } from './rbac.ts'

export type Authorizer = (user: UserInfo, info: RequestInfo, query?: URLSearchParams) => Decision

/** `Node,RBAC`, as kubeadm sets it: allowed when one of them allows; the refusal carries the Node authorizer's reason. */
export function createAuthorizer(store: ResourceStore, rbac: Rbac): Authorizer {
  return (user, info, query) => {
    const node = nodeNameOf(user)
    const asNode = node && info.isResource ? authorizeNode(store, node, info, query) : { allowed: false }
    if (asNode.allowed) return asNode
    const byRole = rbac.authorize(user, info)
    return byRole.allowed ? byRole : { allowed: false, reason: asNode.reason }
  }
}

/** `--authorization none`. */
export const allowAll: Authorizer = () => ({ allowed: true })

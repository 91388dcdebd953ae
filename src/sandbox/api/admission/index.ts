import type { MemoryStore } from '../../store/index.ts'
import type { Rbac } from '../auth/rbac.ts'
import type { AdmissionRequest } from '../context.ts'
import { certificateRequester } from './certificate-requests.ts'
import { createConfinement } from './confinement.ts'
import { createNamespaceLifecycle } from './namespace-lifecycle.ts'
import { createNodeRestriction } from './node-restriction.ts'
import { createPriority } from './priority.ts'
import { createRbacEscalation } from './rbac-escalation.ts'
import { createServiceAccountAdmission } from './service-account.ts'
import { defaultTolerations } from './tolerations.ts'

/** One plug-in: changes `object` while mutating, throws what is refused. */
export type AdmissionPlugin = (request: AdmissionRequest) => void

/** The plug-ins in a real server's order, as far as they concern what is served. */
export function createAdmission(options: {
  store: MemoryStore
  rbac: Rbac
  /** Escalation is checked only where there is authorization. */
  authorization: boolean
}): AdmissionPlugin {
  const { store, rbac, authorization } = options
  const plugins: AdmissionPlugin[] = [
    createNamespaceLifecycle(store),
    createServiceAccountAdmission(store),
    createPriority(store),
    defaultTolerations,
    certificateRequester,
    ...(authorization ? [createNodeRestriction(store), createRbacEscalation(rbac)] : []),
    createConfinement(store),
  ]
  return (request) => {
    for (const plugin of plugins) plugin(request)
  }
}

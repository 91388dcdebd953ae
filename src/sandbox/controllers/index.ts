import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Authorizer } from '../api/auth/authorizer.ts'
import type { CertificateAuthority } from '../pki/authority.ts'
import type { ResourceStore } from '../store/types.ts'
import type { AdmittedPods } from './admitted-pods.ts'
import { startCertificateApprover } from './certificate-approver.ts'
import { startCertificateSigner } from './certificates.ts'
import { startEventSweep } from './events.ts'
import { startGarbageCollector } from './garbage.ts'
import { startNamespaceController } from './namespaces.ts'
import { startWorkloads } from './workloads.ts'

/** What a controller manager would run, as far as the sandbox needs it. Gives the function that ends all. */
export function startControllers(options: {
  store: ResourceStore
  clock: Clock
  logger: Logger
  authority: CertificateAuthority
  pods: AdmittedPods
  authorize: Authorizer
}): () => void {
  const { store, clock, logger, authority, pods, authorize } = options
  const ends = [
    startNamespaceController({ store, ca: authority.ca, logger }),
    startGarbageCollector(store),
    startEventSweep({ store, clock }),
    startWorkloads({ store, clock, logger, pods }),
    startCertificateApprover({ store, clock, logger, authorize }),
    startCertificateSigner({ store, clock, logger, authority }),
  ]
  return () => {
    for (const end of ends) end()
  }
}

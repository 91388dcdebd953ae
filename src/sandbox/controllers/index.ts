import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Role } from '../api/context.ts'
import type { CertificateAuthority } from '../pki/authority.ts'
import type { ResourceStore } from '../store/types.ts'
import { startGarbageCollector } from './garbage.ts'
import { startNamespaceController } from './namespaces.ts'

/** What a controller manager would run, as far as the sandbox needs it. Gives the function that ends all. */
export function startControllers(options: {
  store: ResourceStore
  clock: Clock
  logger: Logger
  authority: CertificateAuthority
  role: Role
}): () => void {
  const { store, logger, authority } = options
  const ends = [startNamespaceController({ store, ca: authority.ca, logger }), startGarbageCollector(store)]
  return () => {
    for (const end of ends) end()
  }
}

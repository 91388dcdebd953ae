import type { V1CertificateSigningRequest } from '@kubernetes/client-node'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { CertificateAuthority } from '../pki/authority.ts'
import type { ResourceStore } from '../store/types.ts'

const RESOURCE = 'certificatesigningrequests.certificates.k8s.io'
const YEAR_S = 365 * 24 * 3600

/** Signs the requests that were approved (nothing is approved by itself), for the signers of Kubernetes itself. */
export function startCertificateSigner(options: {
  store: ResourceStore
  clock: Clock
  logger: Logger
  authority: CertificateAuthority
}): () => void {
  const { store, logger, authority } = options
  const sign = async (request: V1CertificateSigningRequest) => {
    const { name = '', uid } = request.metadata ?? {}
    const { spec } = request
    const pem = Buffer.from(spec.request, 'base64').toString()
    const seconds = Math.min(spec.expirationSeconds ?? YEAR_S, YEAR_S)
    const certificate = await authority.signRequest(pem, spec.usages ?? [], seconds)
    if (store.get<V1CertificateSigningRequest>(RESOURCE, { name })?.metadata?.uid !== uid) return
    store.patchStatus(RESOURCE, { name }, { certificate: Buffer.from(certificate).toString('base64') })
  }
  return store.watch<V1CertificateSigningRequest>(RESOURCE, {
    onEvent({ type, object }) {
      const { status, spec } = object
      const has = (kind: string) => status?.conditions?.some((condition) => condition.type === kind)
      if (type === 'DELETED' || status?.certificate || !has('Approved') || has('Denied')) return
      if (!spec.signerName.startsWith('kubernetes.io/')) return
      sign(object).catch((error: unknown) => {
        logger.warn({ err: error, csr: object.metadata?.name }, 'a certificate request could not be signed')
      })
    },
  })
}

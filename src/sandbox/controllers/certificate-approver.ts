import 'reflect-metadata'
import type { V1CertificateSigningRequest } from '@kubernetes/client-node'
import * as x509 from '@peculiar/x509'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Authorizer } from '../api/auth/authorizer.ts'
import type { ResourceStore } from '../store/types.ts'

const RESOURCE = 'certificatesigningrequests.certificates.k8s.io'
const SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet'

/** The CN of a request that asks for a node's client certificate and nothing else; undefined for any other. */
function nodeOf({ spec }: V1CertificateSigningRequest): string | undefined {
  const usages = new Set(spec.usages ?? [])
  usages.delete('key encipherment')
  if (usages.size !== 2 || !usages.has('client auth') || !usages.has('digital signature')) return undefined
  const request = new x509.Pkcs10CertificateRequest(Buffer.from(spec.request, 'base64').toString())
  const field = (name: string) => request.subjectName.getField(name)
  const named = request.extensions.some((each) => each instanceof x509.SubjectAlternativeNameExtension)
  const [name = ''] = field('CN')
  if (named || field('CN').length !== 1 || !name.startsWith('system:node:')) return undefined
  return field('O').join() === 'system:nodes' ? name : undefined
}

/**
 * Approves nodes' client certificates for those who may have them (controller manager, csrapproving): `create` on
 * `certificatesigningrequests/nodeclient`, or `/selfnodeclient` for who is that node. Serving certificates never.
 */
export function startCertificateApprover(options: {
  store: ResourceStore
  clock: Clock
  logger: Logger
  authorize: Authorizer
}): () => void {
  const { store, clock, logger, authorize } = options

  function consider(request: V1CertificateSigningRequest): void {
    const { name = '' } = request.metadata ?? {}
    const { username = '', groups = [] } = request.spec
    const node = nodeOf(request)
    if (node === undefined) return
    const may = (subresource: string) =>
      authorize(
        { username, groups },
        {
          isResource: true,
          verb: 'create',
          group: 'certificates.k8s.io',
          version: 'v1',
          resource: 'certificatesigningrequests',
          subresource,
          namespace: '',
          name: '',
          path: '',
        },
      ).allowed
    const subresource = username === node && may('selfnodeclient') ? 'selfnodeclient' : 'nodeclient'
    if (subresource === 'nodeclient' && !may('nodeclient')) return
    const time = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
    const condition = {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message: `Auto approving kubelet client certificate after SubjectAccessReview (${subresource}).`,
      lastUpdateTime: time,
      lastTransitionTime: time,
    }
    store.patchStatus(RESOURCE, { name }, { conditions: [condition] })
  }

  return store.watch<V1CertificateSigningRequest>(RESOURCE, {
    onEvent({ type, object }) {
      if (type !== 'ADDED' || object.spec.signerName !== SIGNER) return
      // Not inside the write that made it.
      queueMicrotask(() => {
        try {
          consider(object)
        } catch (error) {
          logger.warn({ err: error, csr: object.metadata?.name }, 'a certificate request is not understood')
        }
      })
    },
  })
}

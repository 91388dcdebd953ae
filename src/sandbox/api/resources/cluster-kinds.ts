import { readers } from '../../store/traits.ts'
import { define, type ResourceDefinition } from './definition.ts'
import { roleStrategy } from './strategies.ts'

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1', names: 'segment' } as const
const admission = { group: 'admissionregistration.k8s.io', version: 'v1', namespaced: false } as const

/** Roles, admission policies, certificate requests, priority classes. */
export const clusterKinds: readonly ResourceDefinition[] = [
  define({ ...rbac, kind: 'Role', plural: 'roles', strategy: roleStrategy }),
  define({ ...rbac, kind: 'ClusterRole', plural: 'clusterroles', namespaced: false, strategy: roleStrategy }),
  define({ ...rbac, kind: 'RoleBinding', plural: 'rolebindings', strategy: roleStrategy }),
  define({
    ...rbac,
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
    strategy: roleStrategy,
  }),
  define({
    ...admission,
    kind: 'ValidatingAdmissionPolicy',
    plural: 'validatingadmissionpolicies',
    hasStatus: true,
  }),
  define({
    ...admission,
    kind: 'ValidatingAdmissionPolicyBinding',
    plural: 'validatingadmissionpolicybindings',
    generation: true,
  }),
  define({
    group: 'certificates.k8s.io',
    version: 'v1',
    kind: 'CertificateSigningRequest',
    plural: 'certificatesigningrequests',
    shortNames: ['csr'],
    namespaced: false,
    hasStatus: true,
    generation: false,
    fields: readers('spec.signerName'),
    subresources: [
      { name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] },
    ],
  }),
  define({
    group: 'scheduling.k8s.io',
    version: 'v1',
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    shortNames: ['pc'],
    namespaced: false,
    generation: true,
  }),
]

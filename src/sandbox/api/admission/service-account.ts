import type { V1PodSpec, V1ServiceAccount, V1Volume } from '@kubernetes/client-node'
import { generatedName } from '../../store/index.ts'
import type { ResourceStore } from '../../store/types.ts'
import { refusal } from '../errors.ts'
import type { AdmissionPlugin } from './index.ts'

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** ServiceAccount: every pod has one, its pull secrets, and its token in a projected volume. */
export function createServiceAccountAdmission(store: ResourceStore): AdmissionPlugin {
  return ({ phase, operation, resource, group, subresource, object, name, namespace }) => {
    if (
      phase !== 'mutate' ||
      operation !== 'CREATE' ||
      group ||
      resource !== 'pods' ||
      subresource ||
      !object
    )
      return
    const spec = object['spec'] as V1PodSpec
    if (object.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return
    spec.serviceAccountName ||= 'default'
    spec.serviceAccount = spec.serviceAccountName
    const key = { namespace, name: spec.serviceAccountName }
    const account = store.get<V1ServiceAccount>('serviceaccounts', key)
    if (!account) {
      const text = `error looking up service account ${namespace}/${key.name}: serviceaccount "${key.name}" not found`
      throw refusal('pods', '', name, text)
    }
    if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
      spec.imagePullSecrets = structuredClone(account.imagePullSecrets)
    }
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec)
  }
}

function mountToken(spec: V1PodSpec): void {
  const unmounted = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(
    (container) => !container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT),
  )
  if (unmounted.length === 0) return
  const known = spec.volumes?.find((volume) => volume.name?.startsWith('kube-api-access-'))
  const name = known?.name ?? generatedName('kube-api-access-')
  for (const container of unmounted) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT }]
  }
  if (!known) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

/** The volume that every real API server injects; 3607 seconds mark the token as one that a kubelet renews. */
function tokenVolume(name: string): V1Volume {
  const fieldRef = { apiVersion: 'v1', fieldPath: 'metadata.namespace' }
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef }] } },
      ],
    },
  }
}

import type { V1ConfigMap, V1Secret } from '@kubernetes/client-node'
import { annotation, configMapName } from '../../kube/forge/names.ts'
import type { CarriedObject, ObjectKey } from './carried-objects.ts'

/** The type by which a data plane's controllers would take a Secret for one of their own tokens and delete it. */
const TOKEN_TYPE = 'kubernetes.io/service-account-token'

/** Where a user's Secret or ConfigMap lies behind the gateway. */
export function carriedKey(kind: ObjectKey['kind'], namespace: string, name: string): ObjectKey {
  return { kind, namespace, name: kind === 'ConfigMap' ? configMapName(name) : name }
}

/** The object as it lies behind the gateway: content, type and immutability; labels and owners stay at home. */
export function copyOf(kind: ObjectKey['kind'], source: V1ConfigMap | V1Secret): CarriedObject {
  const { namespace, name } = carriedKey(kind, source.metadata?.namespace ?? '', source.metadata?.name ?? '')
  const metadata = { name, namespace, annotations: { [annotation.uid]: source.metadata?.uid ?? '' } }
  const { data, immutable } = source
  if (kind === 'ConfigMap') {
    return {
      apiVersion: 'v1',
      kind,
      metadata,
      data,
      binaryData: (source as V1ConfigMap).binaryData,
      immutable,
    }
  }
  const type = (source as V1Secret).type
  return { apiVersion: 'v1', kind, metadata, data, type: type === TOKEN_TYPE ? 'Opaque' : type, immutable }
}

import type { V1ObjectMeta } from '@kubernetes/client-node'
import type { FieldFault } from '../../../../protocol/errors/index.ts'
import { ROOT_CA_CONFIGMAP } from '../../../kubernetes/keys.ts'
import type { KubeObject, Pod } from '../../../kubernetes/objects.ts'
import { plainForDataPlane, plainForTenant } from '../../../kubernetes/plain-view.ts'
import { changedPodForDataPlane } from '../../../kubernetes/pod-forward.ts'
import { podForTenant } from '../../../kubernetes/pod-view.ts'
import type { Resource } from '../../../kubernetes/resources.ts'
import type { TenantView } from '../../../kubernetes/view.ts'
import { checkMetadataChange } from '../../../policy/index.ts'
import { podChangeFaults } from '../pods/policy.ts'

/** How objects of one resource are mapped and judged. */
export interface ObjectCodec {
  toTenant(view: TenantView, object: KubeObject): KubeObject
  /** The whole object to PUT after the tenant changed its view; what it does not see is merged back. */
  changed(view: TenantView, object: KubeObject, current: KubeObject): KubeObject
  /** What the tenant may not do: create (`current` undefined) or change. Both are the tenant's view. */
  faults(view: TenantView, current: KubeObject | undefined, result: KubeObject): FieldFault[]
}

const podCodec: ObjectCodec = {
  toTenant: (view, object) => podForTenant(view, object as Pod),
  changed: (view, object, current) => changedPodForDataPlane(view, object as Pod, current as Pod),
  faults: (view, current, result) => podChangeFaults(view, current as Pod | undefined, result as Pod),
}

const plainCodec: ObjectCodec = {
  toTenant: plainForTenant,
  changed: (view, object, current) =>
    plainForDataPlane(view, object, current.metadata?.namespace ?? '', current),
  faults: (view, current, result) => [
    ...checkMetadataChange(
      current?.metadata as V1ObjectMeta | undefined,
      result.metadata as V1ObjectMeta,
      view.reservedKeys,
    ),
    ...reservedFaults(result),
  ],
}

/** The codec of pods, or the one of ConfigMaps and Secrets. */
export function codecOf(resource: Pick<Resource, 'name'>): ObjectCodec {
  return resource.name === 'pods' ? podCodec : plainCodec
}

/**
 * Secrets of these types make the data plane act: its token controller would fill in a token of its own, its
 * bootstrap signer would take part.
 */
const refusedTypes = new Set(['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'])

function reservedFaults(object: KubeObject): FieldFault[] {
  if (object.kind === 'ConfigMap' && object.metadata?.name === ROOT_CA_CONFIGMAP) {
    const message = `${ROOT_CA_CONFIGMAP} is the cluster's own; use another name`
    return [{ field: 'metadata.name', reason: 'FieldValueForbidden', message }]
  }
  if (object.kind === 'Secret' && refusedTypes.has(String(object.type))) {
    const message = 'the data plane acts on Secrets of this type'
    return [{ field: 'type', reason: 'FieldValueForbidden', message }]
  }
  return []
}

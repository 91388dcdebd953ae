import type { TenantView } from '../../kubernetes/view.ts'
import type { Principal } from '../../tokens/principal.ts'
import type { KubernetesFaceDeps } from './deps.ts'

/** The view of a principal: names are looked up in the directory's memory. */
export function makeView(
  principal: Principal,
  { directory, reservedKeys, onLeak }: Pick<KubernetesFaceDeps, 'directory' | 'reservedKeys' | 'onLeak'>,
): TenantView {
  return {
    tenantId: principal.tenantId,
    nodeId: principal.nodeId,
    nodeName: principal.nodeName,
    network: directory.cluster(principal.clusterId)?.network ?? 'isolated',
    namespaceOf: (physicalName) => directory.namespaceByPhysicalName(physicalName),
    physicalNamespace: (name) => directory.namespace(principal.nodeId, name)?.physicalName,
    isPhysicalName: (candidate) => directory.isPhysicalName(candidate),
    reservedKeys,
    onLeak,
  }
}

import type { FieldFault } from '../../../../protocol/errors/index.ts'
import { mountFaults, visibleVolumes } from '../../../kubernetes/hidden.ts'
import { visibleContainers } from '../../../kubernetes/pod-view.ts'
import { invalidObject } from '../../../kubernetes/upstream-errors.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { changeSubresource } from './change-subresource.ts'
import { refuseForeignReferences } from './foreign-references.ts'

/** PUT and PATCH of a pod's ephemeral containers (`kubectl debug`): by right an exec, by content a pod (C2). */
export async function changeEphemeralContainers(
  call: KubeCall,
  deps: KubernetesFaceDeps,
): Promise<KubeAnswer> {
  return changeSubresource(call, deps, {
    merge(wanted, current) {
      const ephemeralContainers = wanted.spec.ephemeralContainers ?? []
      const { containers, initContainers } = visibleContainers(current)
      const known = new Set<unknown>([...containers, ...initContainers])
      const faults: FieldFault[] = ephemeralContainers.flatMap(({ targetContainerName }, index) => {
        if (targetContainerName === undefined || known.has(targetContainerName)) return []
        const field = `spec.ephemeralContainers[${index}].targetContainerName`
        const message = `${JSON.stringify(targetContainerName)}: no such container`
        return [{ field, reason: 'FieldValueNotFound', message }]
      })
      const added = { ...wanted, spec: { containers: [], ephemeralContainers } }
      faults.push(...mountFaults(added, visibleVolumes(current)))
      if (faults.length > 0) throw invalidObject('Pod', call.name ?? '', faults)
      return { ...current, spec: { ...current.spec, ephemeralContainers } }
    },
    async around(current, body, write) {
      const physicalName = current.metadata.namespace ?? ''
      const { ephemeralContainers } = body.spec
      await refuseForeignReferences(call, { physicalName }, { ephemeralContainers })
      return write()
    },
  })
}

import { effectiveAmounts, type PodResources } from '../../../../kube/effective-requests.ts'
import { RESERVATION_LABEL } from '../../../kubernetes/keys.ts'
import type { Container, Pod } from '../../../kubernetes/objects.ts'
import { visibleContainers } from '../../../kubernetes/pod-view.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { isDryRun } from '../query.ts'
import { changeSubresource } from './change-subresource.ts'

/**
 * PUT and PATCH of a pod's size (KEP-1287). What it asks for more is reserved before the write; what it gives back
 * is released only after actuation, since until then the greater of spec and actuated counts (rule 19).
 */
export async function resizePod(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  return changeSubresource(call, deps, {
    merge(wanted, current) {
      const { containers, initContainers } = visibleContainers(current)
      const { spec } = current
      return {
        ...current,
        spec: {
          ...spec,
          containers: sized(spec.containers, wanted.spec.containers, containers),
          ...(spec.initContainers
            ? { initContainers: sized(spec.initContainers, wanted.spec.initContainers, initContainers) }
            : {}),
        },
      }
    },
    async around(current, body, write) {
      const id = current.metadata.labels?.[RESERVATION_LABEL]
      if (id === undefined || isDryRun(call.query)) return write()
      await deps.quota.adjust(id, amountsOf(body))
      try {
        return await write()
      } catch (error) {
        await deps.quota.adjust(id, amountsOf(current)).catch((cause: unknown) => {
          deps.logger.warn({ err: cause, reservation: id }, 'a refused resize is left to the reconciler')
        })
        throw error
      }
    },
  })
}

function amountsOf(pod: Pod) {
  return effectiveAmounts(pod as unknown as PodResources)
}

/** The containers with the sizes that are wanted of those that the tenant sees. */
function sized(
  current: readonly Container[],
  wanted: readonly Container[] | null | undefined,
  visible: readonly string[],
): Container[] {
  const byName = new Map((wanted ?? []).map((one) => [one.name, one]))
  const known = new Set(visible)
  return current.map((container) => {
    const one = known.has(container.name) ? byName.get(container.name) : undefined
    if (one === undefined) return container
    const { resources, resizePolicy } = one
    return { ...container, resources, ...(resizePolicy === undefined ? {} : { resizePolicy }) }
  })
}

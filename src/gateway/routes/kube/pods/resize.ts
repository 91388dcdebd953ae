import { isKubeApiError } from '../../../../kube/client/types.ts'
import { effectiveAmounts, type PodResources } from '../../../../kube/effective-requests.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { RESERVATION_LABEL } from '../../../kubernetes/keys.ts'
import type { Container } from '../../../kubernetes/objects.ts'
import { visibleContainers } from '../../../kubernetes/pod-view.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { isDryRun } from '../query.ts'
import { changeSubresource } from './change-subresource.ts'

/**
 * PUT and PATCH of a pod's size (KEP-1287). What it asks for more is charged before the write; what it gives back
 * is taken off by the reconciler after actuation, since until then the greater of spec and actuated counts (rule 19).
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
      if (isDryRun(call.query)) return write()
      const id = current.metadata.labels?.[RESERVATION_LABEL]
      // Nothing could be charged: somebody has taken the label off in the data plane.
      if (id === undefined) throw new IsthmusError('forbidden', 'the pod has no quota to be resized in')
      const undo = await deps.quota.grow(id, effectiveAmounts(body as unknown as PodResources))
      try {
        return await write()
      } catch (error) {
        // Only what was refused for sure is given back at once; whatever else it was, the reconciler sees.
        const refused = isKubeApiError(error) && error.code < 500
        if (refused) {
          await undo().catch((cause: unknown) => {
            deps.logger.warn({ err: cause, reservation: id }, 'a refused resize is left to the reconciler')
          })
        }
        throw error
      }
    },
  })
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

import { effectiveAmounts, type PodResources } from '../../../../kube/effective-requests.ts'
import { RESERVATION_LABEL } from '../../../kubernetes/keys.ts'
import type { Container, Pod } from '../../../kubernetes/objects.ts'
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
    merge: (wanted, current) => ({
      ...current,
      spec: {
        ...current.spec,
        containers: current.spec.containers.map((one) => sized(one, wanted.spec.containers)),
        ...(current.spec.initContainers
          ? {
              initContainers: current.spec.initContainers.map((one) =>
                sized(one, wanted.spec.initContainers),
              ),
            }
          : {}),
      },
    }),
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

function sized(container: Container, wanted: readonly Container[] | null | undefined): Container {
  const one = wanted?.find(({ name }) => name === container.name)
  if (one === undefined) return container
  const { resources, resizePolicy } = one
  return { ...container, resources, ...(resizePolicy === undefined ? {} : { resizePolicy }) }
}

import { isDnsLabel } from '../../../../kube/names.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { Pod } from '../../../kubernetes/objects.ts'
import { visibleContainers } from '../../../kubernetes/pod-view.ts'

/**
 * The container that a log, exec or attach is for: the tenant's own only (rule 15, C4), the one there is when none
 * is named. What the data plane injected is as absent as a name that was never used.
 * @throws IsthmusError bad_request, in the words of a real API server
 */
export function chooseContainer(pod: Pod, asked: string | undefined): string {
  const { containers, initContainers, ephemeral } = visibleContainers(pod)
  const name = pod.metadata.name ?? ''
  if (asked !== undefined) {
    const there = [...containers, ...initContainers, ...ephemeral].includes(asked)
    if (there && isDnsLabel(asked)) return asked
    throw new IsthmusError('bad_request', `container ${asked.slice(0, 253)} is not valid for pod ${name}`)
  }
  const [only, ...more] = containers
  if (only !== undefined && more.length === 0) return only
  throw new IsthmusError(
    'bad_request',
    `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]${
      initContainers.length > 0 ? ` or one of the init containers: [${initContainers.join(' ')}]` : ''
    }`,
  )
}

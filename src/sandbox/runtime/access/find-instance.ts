import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { ContainerRecord, Instance } from '../container/record.ts'
import type { Pod } from '../types.ts'

/** The records of a pod's containers, by uid. */
export type FindRecords = (uid: string) => ReadonlyMap<string, ContainerRecord> | undefined

/** The run of a container that is going on. @throws IsthmusError internal, with a kubelet's words, when there is none. */
export function runningInstance(find: FindRecords, pod: Pod, container: string): Instance {
  const instance = find(pod.metadata.uid)?.get(container)?.instance
  if (instance && !instance.terminated) return instance
  throw new IsthmusError('internal', `unable to upgrade connection: container not found ("${container}")`)
}

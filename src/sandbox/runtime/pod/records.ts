import { type ContainerRecord, newRecord } from '../container/record.ts'
import type { ContainerKind, ContainerSpec, Pod } from '../types.ts'

/** A container of a pod with what the runtime knows of it. */
export interface Part {
  spec: ContainerSpec
  record: ContainerRecord
}

/** The containers of a pod, in the order of its spec; ephemeral ones may come later. */
export interface Parts {
  init: Part[]
  app: Part[]
  ephemeral: Part[]
  all: Part[]
}

/** Finds or makes the record of each container. */
export function partsOf(pod: Pod, records: Map<string, ContainerRecord>): Parts {
  const part = (spec: ContainerSpec, kind: ContainerKind): Part => {
    const record = records.get(spec.name) ?? newRecord(spec.name, kind)
    records.set(spec.name, record)
    return { spec, record }
  }
  const init = (pod.spec.initContainers ?? []).map((spec) =>
    part(spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init'),
  )
  const app = pod.spec.containers.map((spec) => part(spec, 'app'))
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((spec) => part(spec, 'ephemeral'))
  return { init, app, ephemeral, all: [...init, ...app, ...ephemeral] }
}
